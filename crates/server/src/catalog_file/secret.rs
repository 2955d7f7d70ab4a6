//! Where secrets come from: the file itself, the environment, or a file of their own.

use std::path::Path;

use easyai_store::accounts::check_name;
use easyai_store::catalog::CredentialSpec;
use secrecy::SecretString;
use toml::Spanned;

use super::limits::{Budgets, limits};
use super::wire::CredentialTable;
use crate::problem::Problem;

/// A secret is a line; what is much longer is another file.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Where to look.
pub struct Secrets<'a> {
    /// Relative paths begin here: the folder of the catalogue file.
    pub folder: &'a Path,
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Secrets<'_> {
    /// The credential that a table of the platform `platform` means.
    pub fn credential(&self, platform: &str, table: Spanned<CredentialTable>, problems: &mut Vec<Problem>) -> Option<CredentialSpec> {
        let span = table.span();
        let CredentialTable { secret, env, file, name, weight, limits: limited } = table.into_inner();
        if let Some((name, error)) = name.as_ref().and_then(|name| Some((name, check_name("a credential", name.get_ref()).err()?))) {
            problems.push(Problem::new(name.span(), format!("platform \"{platform}\": {error}")));
        }
        let limits = limits(&format!("platform \"{platform}\": credential"), Budgets::Refused("a credential"), limited, problems);
        let found = match (secret, env, file) {
            (Some(secret), None, None) => Ok((secret, "secret".to_owned())),
            (None, Some(name), None) => match (self.variable)(&name).filter(|value| !value.is_empty()) {
                Some(value) => Ok((value, format!("env:{name}"))),
                None => Err(format!("the environment variable {name} is not set: set it, or take the credential out")),
            },
            (None, None, Some(path)) => self.read(&path).map(|secret| (secret, format!("file:{path}"))),
            _ => Err("it needs exactly one of `secret`, `env` and `file`".to_owned()),
        };
        let checked = found.and_then(|(secret, origin)| {
            let secret = secret.trim();
            // It goes into a header.
            let bad = secret.is_empty() || secret.chars().any(|letter| letter.is_control() || !letter.is_ascii());
            if bad { Err("it is empty or not one line of ASCII".to_owned()) } else { Ok((SecretString::from(secret), origin)) }
        });
        match checked {
            Ok((secret, origin)) => Some(CredentialSpec { origin, name: name.map(Spanned::into_inner), weight, limits, secret }),
            Err(why) => {
                problems.push(Problem::new(span, format!("platform \"{platform}\": credential: {why}")));
                None
            }
        }
    }

    fn read(&self, path: &str) -> Result<String, String> {
        let full = self.folder.join(path);
        let told = |error: std::io::Error| format!("the file {} can't be read: {error}", full.display());
        if std::fs::metadata(&full).map_err(told)?.len() > MAX_SECRET_BYTES {
            return Err(format!("the file {} is too large to be a secret", full.display()));
        }
        std::fs::read_to_string(&full).map_err(told)
    }
}
