//! A shell with a folder and a database of its own.

use std::path::PathBuf;
use std::process::{Command, Output};

use easyai_store::testing::{TestDb, TestEngine};
use serde_json::Value;

pub struct Shell {
    pub test: TestDb,
}

impl Shell {
    /// Over a database without a schema.
    pub async fn new(engine: TestEngine) -> Self {
        Self { test: TestDb::empty(engine).await }
    }

    /// The program, with nothing of this process's environment that it would read.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_easyai"));
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("EASYAI_")).for_each(|(name, _)| {
            command.env_remove(name);
        });
        command.current_dir(self.test.folder.path()).env("EASYAI_DATABASE_URL", self.test.url_text()).env("OPENAI_API_KEY", "sk-hunter2");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// The output of a command that must succeed, without its last line end.
    #[track_caller]
    pub fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.good(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// What a command that must fail says.
    #[track_caller]
    pub fn bad(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        told.trim_end().to_owned()
    }

    /// Writes a file beside the database.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.test.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}
