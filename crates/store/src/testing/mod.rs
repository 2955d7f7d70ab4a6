//! Databases for tests, of this crate and others: each one fresh and migrated, and gone when it is dropped.
//!
//! PostgreSQL is the server at `EASYAI_TEST_POSTGRES_URL` (a superuser's URL), or one that is started for this process and stopped
//! with it. If neither can be had, the test fails and says what to install: it is never skipped.
#![expect(clippy::expect_used, clippy::panic, reason = "only tests are built with this, and they should fail loudly")]

mod cluster;

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::db::Db;
use crate::url::DatabaseUrl;

/// Which engine a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestEngine {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of its own on a server.
    Postgres,
}

/// A fresh, migrated database.
#[derive(Debug)]
pub struct TestDb {
    /// The database.
    pub db: Db,
    /// Where it is, for those who open it themselves.
    pub url: DatabaseUrl,
    /// A folder for files beside it (a master key, for instance).
    pub folder: tempfile::TempDir,
    created: Option<Created>,
}

/// A database on a server, to be dropped.
#[derive(Debug)]
struct Created {
    server: String,
    name: String,
}

impl TestDb {
    /// A fresh database with the current schema.
    ///
    /// # Panics
    /// If there is no server, or it can't be used.
    pub async fn new(engine: TestEngine) -> Self {
        let test = Self::empty(engine).await;
        test.db.migrate().await.expect("the schema could not be made");
        test
    }

    /// A fresh database with the schema that `version` had, to be migrated.
    ///
    /// # Panics
    /// If there is no server, or it can't be used.
    pub async fn at_version(engine: TestEngine, version: i64) -> Self {
        let test = Self::empty(engine).await;
        test.db.migrate_to(version).await.expect("the schema could not be made");
        test
    }

    /// A fresh database without a schema.
    ///
    /// # Panics
    /// If there is no server, or it can't be used.
    pub async fn empty(engine: TestEngine) -> Self {
        let folder = tempfile::tempdir().expect("no temporary folder");
        let (url, created) = match engine {
            TestEngine::Sqlite => (DatabaseUrl::Sqlite(folder.path().join("easyai.db")), None),
            TestEngine::Postgres => {
                let created = create().await;
                (DatabaseUrl::Postgres(SecretString::from(with_database(&created.server, &created.name))), Some(created))
            }
        };
        let db = Db::open(&url).await.expect("the database could not be opened");
        Self { db, url, folder, created }
    }

    /// The URL as text, for a program's configuration.
    #[must_use]
    pub fn url_text(&self) -> String {
        match (&self.url, &self.created) {
            (DatabaseUrl::Sqlite(path), _) => format!("sqlite:{}", path.display()),
            (DatabaseUrl::Postgres(_), Some(created)) => with_database(&created.server, &created.name),
            (DatabaseUrl::Postgres(_), None) => String::new(),
        }
    }

    /// Runs statements as they are, each on its own: to break what the store would never break.
    ///
    /// # Panics
    /// If one fails.
    pub async fn raw(&self, statements: &[&str]) {
        for statement in statements {
            self.try_raw(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// Runs a statement as it is.
    ///
    /// # Errors
    /// What the database says.
    pub async fn try_raw(&self, statement: &str) -> Result<u64, crate::StoreError> {
        let mut tx = self.db.write().await?;
        let statement = statement.to_owned();
        let rows = crate::sql!(tx, execute AssertSqlSafe(statement))?;
        tx.commit().await?;
        Ok(rows)
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let Some(created) = self.created.take() else { return };
        // A test's own runtime may be gone or busy: another one, on a thread of its own.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("no runtime").block_on(on_server(&created.server, format!("DROP DATABASE \"{}\" WITH (FORCE)", created.name)));
        });
        drop(dropped.join());
    }
}

async fn create() -> Created {
    let server = match std::env::var("EASYAI_TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => url,
        Ok(_) | Err(_) => cluster::url(),
    };
    let name = format!("easyai_test_{}", uuid::Uuid::now_v7().simple());
    on_server(&server, format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")).await;
    Created { server, name }
}

async fn on_server(server: &str, statement: String) {
    let options: PgConnectOptions = server.parse().expect("the URL of the test server can't be read");
    let mut connection = options.connect().await.unwrap_or_else(|error| panic!("the test server can't be reached: {error}"));
    let done = sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    drop(connection.close().await);
}

/// The server's URL with another database.
fn with_database(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').map_or((server, String::new()), |(base, query)| (base, format!("?{query}")));
    let authority = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority..].find('/').map_or(base.len(), |at| authority + at);
    format!("{}/{name}{query}", &base[..end])
}
