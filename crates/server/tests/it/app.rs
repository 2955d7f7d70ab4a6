//! A whole gateway for a story: a folder or a database of its own, a catalogue, an account with money, a key, the running binary.

pub mod catalog;
pub mod gateway;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use easyai_store::Db;
use easyai_store::testing::{TestDb, TestEngine};
use serde_json::Value;
use tempfile::TempDir;

use crate::caller::Caller;
use crate::patience::within;
pub use catalog::Catalog;
use gateway::{Gateway, free_addr};

/// What a story starts from.
pub struct Setup {
    catalog: Catalog,
    database: Database,
    balance: &'static str,
    variables: Vec<(&'static str, String)>,
    /// What the gateway's command is wrapped into, for limits of the process.
    wrapper: Option<&'static str>,
}

enum Database {
    New(TestEngine),
    At(String),
}

pub struct TestApp {
    pub gateway: Gateway,
    pub caller: Caller,
    pub key_id: String,
    pub program: Program,
}

/// `easyai` with its settings.
pub struct Program {
    folder: TempDir,
    database_url: Option<String>,
    variables: Vec<(&'static str, String)>,
    wrapper: Option<&'static str>,
    /// Dropped with the story.
    _database: Option<TestDb>,
}

impl Setup {
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog, database: Database::New(TestEngine::Sqlite), balance: "1000", variables: Vec::new(), wrapper: None }
    }

    pub fn on(self, engine: TestEngine) -> Self {
        Self { database: Database::New(engine), ..self }
    }

    pub fn at(self, database_url: String) -> Self {
        Self { database: Database::At(database_url), ..self }
    }

    pub fn with_balance(self, balance: &'static str) -> Self {
        Self { balance, ..self }
    }

    pub fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.to_owned()));
        self
    }

    /// Runs the gateway by `bash -c "<wrapper> exec …"`.
    pub fn wrapped(self, wrapper: &'static str) -> Self {
        Self { wrapper: Some(wrapper), ..self }
    }

    pub async fn start(self) -> TestApp {
        // SQLite is left to the program alone: an open connection of ours would keep its log from being recovered.
        let (database_url, database) = match self.database {
            Database::New(TestEngine::Sqlite) => (None, None),
            Database::New(TestEngine::Postgres) => {
                let database = TestDb::empty(TestEngine::Postgres).await;
                (Some(database.url_text()), Some(database))
            }
            Database::At(url) => (Some(url), None),
        };
        let folder = tempfile::tempdir().unwrap();
        let program = Program { folder, database_url, variables: self.variables, wrapper: self.wrapper, _database: database };
        program.apply(&self.catalog);
        let (key_id, key) = program.account("demo", self.balance);
        let addr = free_addr();
        let gateway = Gateway::start(program.serving(), addr, program.file("gateway.log")).await;
        TestApp { gateway, caller: Caller { addr, key }, key_id, program }
    }
}

impl TestApp {
    /// On SQLite, with a wallet of 1000.
    pub async fn start(catalog: Catalog) -> Self {
        Setup::new(catalog).start().await
    }

    pub async fn restart(&mut self) {
        self.gateway.start_again(self.program.serving()).await;
    }

    /// Another account with its own key, as soon as the gateway knows it.
    pub async fn stranger(&self) -> Caller {
        let (_, key) = self.program.account("stranger", "1000");
        let caller = Caller { key, ..self.caller.clone() };
        within(Duration::from_secs(5), "the key is known", async || caller.get("/v1/models").await.status == 200).await;
        caller
    }

    /// `easyai task show`.
    #[track_caller]
    pub fn task_show(&self, id: &str) -> String {
        self.program.good(&["task", "show", id])
    }

    #[track_caller]
    pub fn ledger_is_clean(&self) {
        self.program.good(&["ledger", "verify"]);
    }

    /// Nothing is running, nothing is held, and the wallet has what the tasks left of `balance`.
    pub async fn everything_is_settled(&self, balance: &str) {
        self.ledger_is_clean();
        assert_eq!(self.caller.tasks("&status=running").await, Vec::<Value>::new());
        let left =
            balance.parse::<easyai_core::money::Money>().unwrap().nanos() - crate::caller::charged(&self.caller.tasks("").await).nanos();
        let (has, held) = self.caller.wallet().await;
        assert_eq!((has.nanos(), held.nanos()), (left, 0));
    }
}

impl Program {
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `easyai --data …`, with nothing of this process's environment that it would read.
    pub fn command(&self) -> Command {
        self.configured(Command::new(env!("CARGO_BIN_EXE_easyai")))
    }

    fn serving(&self) -> Command {
        let Some(wrapper) = self.wrapper else { return self.command() };
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{wrapper} exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_easyai")]);
        self.configured(command)
    }

    fn configured(&self, mut command: Command) -> Command {
        let ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("EASYAI_");
        std::env::vars_os().filter(|(name, _)| ours(name)).for_each(|(name, _)| {
            command.env_remove(name);
        });
        command
            .arg("--data")
            .arg(self.data())
            .current_dir(self.folder.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(url) = &self.database_url {
            command.env("EASYAI_DATABASE_URL", url);
        }
        command
    }

    fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The database, for what the command line has no word for.
    pub async fn db(&self) -> Db {
        let url = self.database_url.clone().unwrap_or_else(|| format!("sqlite:{}", self.file("easyai.db").display()));
        Db::open(&url.parse().unwrap()).await.unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        // Mock upstreams live on the same runtime and must go on.
        tokio::task::block_in_place(|| self.command().args(arguments).output().unwrap())
    }

    /// The output of a command that must succeed.
    #[track_caller]
    pub fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    #[track_caller]
    pub fn apply(&self, catalog: &Catalog) {
        let file = self.file("catalog.toml");
        std::fs::write(&file, catalog.text()).unwrap();
        self.good(&["apply", "-f", &file.to_string_lossy()]);
    }

    /// Makes an account with money and a key; gives the key's id and the key.
    #[track_caller]
    pub fn account(&self, name: &str, balance: &str) -> (String, String) {
        self.good(&["account", "create", name]);
        self.good(&["account", "top-up", name, balance]);
        let created: Value = serde_json::from_str(&self.good(&["key", "create", "--account", name, "--json"])).unwrap();
        let text = |field: &str| created[field].as_str().unwrap().to_owned();
        (text("id"), text("key"))
    }
}
