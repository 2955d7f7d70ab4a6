//! What a revision keeps of a catalogue: all objects with their fields, without secrets. Written whenever one is applied, and never
//! changed, so that those of older versions of the program are read too.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Cell;
use super::credential::CredentialDoc;
use super::diff::{Fields, ObjectKind, Objects};
use super::fields::RUNNER_POLICY;
use crate::error::StoreError;

type Stored<'a> = BTreeMap<ObjectKind, BTreeMap<String, BTreeMap<String, Box<RawValue>>>>;

/// The text of a document.
pub(super) fn write(objects: &Objects) -> Result<String, StoreError> {
    let failed = |error: serde_json::Error| StoreError::Statement(error.to_string());
    let mut stored = Stored::new();
    for ((kind, name), fields) in objects {
        let object = stored.entry(*kind).or_default().entry(name.clone()).or_default();
        for (field, json) in fields {
            object.insert(field.to_string(), RawValue::from_string(json.clone()).map_err(failed)?);
        }
    }
    serde_json::to_string(&stored).map_err(failed)
}

/// The objects of the document of `revision`.
pub(super) fn read(revision: i64, text: &str) -> Result<Objects, StoreError> {
    let row = revision.to_string();
    let cell = Cell::of("catalog_revisions", &row);
    let stored: Stored<'_> = cell.json("document", text)?;
    let mut objects = Objects::new();
    for (kind, of_kind) in stored {
        for (name, fields) in of_kind {
            let fields: Fields = fields.into_iter().map(|(field, json)| (field.into(), json.get().to_owned())).collect();
            let (name, fields) =
                modern(kind, name, fields).ok_or_else(|| cell.corrupt("document", "it has a credential of no known form"))?;
            objects.insert((kind, name), fields);
        }
    }
    Ok(objects)
}

/// An object as this version of the program would have written it.
fn modern(kind: ObjectKind, name: String, mut fields: Fields) -> Option<(String, Fields)> {
    for (field, json) in &mut fields {
        match kind {
            ObjectKind::RunnerPolicy if matches!(&**field, "max_platforms" | "max_duration_seconds" | "rules") => {
                *field = Cow::Owned(format!("failover.{field}"));
            }
            ObjectKind::Platform if field == "credentials" => *json = credentials(json)?,
            ObjectKind::PolicySet
            | ObjectKind::RunnerPolicy
            | ObjectKind::Group
            | ObjectKind::Platform
            | ObjectKind::Model
            | ObjectKind::PlatformModel => {}
        }
    }
    let name = if kind == ObjectKind::RunnerPolicy { RUNNER_POLICY.to_owned() } else { name };
    Some((name, fields))
}

/// Credentials were lines once: `env:NAME weight=1 fingerprint=0123456789ab`.
fn credentials(json: &str) -> Option<String> {
    let Ok(lines) = serde_json::from_str::<Vec<String>>(json) else { return Some(json.to_owned()) };
    let read = |line: String| {
        let (rest, fingerprint) = line.rsplit_once(" fingerprint=")?;
        let (origin, weight) = rest.rsplit_once(" weight=")?;
        let (origin, fingerprint) = (origin.to_owned(), fingerprint.to_owned());
        Some(CredentialDoc { origin, name: None, weight: weight.parse().ok()?, limits: Default::default(), fingerprint })
    };
    let documents: Vec<CredentialDoc> = lines.into_iter().map(read).collect::<Option<_>>()?;
    serde_json::to_string(&documents).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_reads_back_what_was_written() {
        let fields = |fields: &[(&'static str, &str)]| fields.iter().map(|(name, json)| ((*name).into(), (*json).to_owned())).collect();
        let objects = Objects::from([
            ((ObjectKind::Model, "m".to_owned()), fields(&[("strategy", "\"priority\"")])),
            ((ObjectKind::Platform, "a/b".to_owned()), fields(&[("credentials", "[]"), ("priority", "0")])),
        ]);
        assert_eq!(read(1, &write(&objects).unwrap()).unwrap(), objects);
        assert!(matches!(read(7, "{"), Err(StoreError::Corrupt(told)) if told.starts_with("table catalog_revisions, row `7`")));
    }

    #[test]
    fn what_the_first_version_wrote_is_read_as_if_this_one_had() {
        let text = r#"{"runner_policy": {"failover": {"max_platforms": 3, "rules": []}},
            "platform": {"p": {"credentials": ["file:/a b weight=2 fingerprint=0a"], "priority": 0}}}"#;
        let objects = read(1, text).unwrap();
        let runner = &objects[&(ObjectKind::RunnerPolicy, RUNNER_POLICY.to_owned())];
        assert_eq!(runner.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["failover.max_platforms", "failover.rules"]);
        let platform = &objects[&(ObjectKind::Platform, "p".to_owned())];
        assert_eq!(platform[0].1, r#"[{"origin":"file:/a b","weight":2,"fingerprint":"0a"}]"#);
        assert!(read(1, r#"{"platform": {"p": {"credentials": ["what"]}}}"#).is_err());
    }
}
