//! Which database: one setting, a path or a URL.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::error::StoreError;

/// Where the rows are.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// A file, with its write-ahead log beside it.
    Sqlite(PathBuf),
    /// A server. A secret: the URL may carry a password.
    Postgres(SecretString),
}

impl DatabaseUrl {
    /// What a person may see of it: never a password.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let url = url.expose_secret();
                let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                format!("postgres://{}", host.split('?').next().unwrap_or(host))
            }
        }
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = StoreError;

    /// Reads `postgres://…`, `postgresql://…`, `sqlite:PATH`, `sqlite://PATH` or a plain path.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(SecretString::from(text.to_owned())));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text);
        if path.is_empty() {
            return Err(StoreError::Setting("the database URL names no file: write sqlite:PATH or postgres://USER@HOST/NAME".to_owned()));
        }
        if let Some((scheme, _)) = path.split_once("://") {
            return Err(StoreError::Setting(format!(
                "`{scheme}` databases are not supported: write sqlite:PATH or postgres://USER@HOST/NAME"
            )));
        }
        if path.starts_with(":memory:") {
            return Err(StoreError::Setting("a database in memory keeps nothing: name a file".to_owned()));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_or_a_url_names_a_database() {
        for (text, shown) in [
            ("data/easyai.db", "sqlite:data/easyai.db"),
            ("sqlite:data/easyai.db", "sqlite:data/easyai.db"),
            ("sqlite:///var/easyai.db", "sqlite:/var/easyai.db"),
            ("postgres://me:pass@word@db:5432/easyai?sslmode=require", "postgres://db:5432/easyai"),
            ("postgresql://db/easyai", "postgres://db/easyai"),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().describe(), shown, "{text}");
        }
    }

    #[test]
    fn other_databases_are_refused() {
        for text in ["", "sqlite:", "mysql://db/easyai", "sqlite::memory:"] {
            assert!(text.parse::<DatabaseUrl>().is_err(), "{text}");
        }
    }
}
