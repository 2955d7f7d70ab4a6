//! The command line beside a running gateway: it takes up a catalogue within a second, and what it did can be read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use easyai_store::testing::TestEngine::{self, Postgres, Sqlite};
use rstest::rstest;

use super::shell::Shell;

/// The contract says a second; a machine that tests everything at once may be slower.
const PATIENCE: Duration = Duration::from_secs(20);

const CATALOG: &str = r#"
[[platform]]
name = "bad"
provider = "simulation"
simulation = { script = [{ category = "server_error" }] }
[[platform]]
name = "good"
provider = "simulation"
priority = 5
[[model]]
name = "demo"
[[platform_model]]
platform = "bad"
model = "demo"
price = { input_per_million = "1", output_per_million = "2" }
[[platform_model]]
platform = "good"
model = "demo"
price = { input_per_million = "1", output_per_million = "2" }
[[platform_model]]
platform = "off"
model = "demo"
enabled = false
price = { input_per_million = "1", output_per_million = "2" }
[[platform]]
name = "off"
provider = "simulation"
"#;

/// `easyai serve`, ended with this value.
struct Gateway {
    child: Child,
    address: String,
}

impl Gateway {
    fn start(shell: &Shell) -> Self {
        let mut command = shell.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("EASYAI_LOG_FORMAT", "json").stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("\"Serving\"")).expect("it did not begin to serve");
        let log: serde_json::Value = serde_json::from_str(&line).unwrap();
        // Read on, so that a full pipe never stops it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: log["fields"]["address"].as_str().unwrap().to_owned() }
    }

    fn call(&self, method: &str, path: &str, key: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn end(mut self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Only what a failed test left: it has ended otherwise.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[rstest]
#[tokio::test]
async fn a_catalogue_is_taken_up_and_a_task_is_explained(#[values(Sqlite, Postgres)] engine: TestEngine) {
    let shell = Shell::new(engine).await;
    shell.good(&["account", "create", "demo"]);
    shell.good(&["account", "top-up", "demo", "1"]);
    let key = shell.json(&["key", "create", "--account", "demo"])["key"].as_str().unwrap().to_owned();
    let gateway = Gateway::start(&shell);

    shell.write("c.toml", CATALOG);
    shell.good(&["apply", "-f", "c.toml"]);
    let deadline = Instant::now() + PATIENCE;
    while !gateway.call("GET", "/v1/models", &key, "").contains("\"demo\"") {
        assert!(Instant::now() < deadline, "the catalogue was not taken up");
        std::thread::yield_now();
    }

    let body = r#"{"model":"demo","messages":[{"role":"user","content":"hello"}]}"#;
    let answer = gateway.call("POST", "/v1/chat/completions", &key, body);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let listed = shell.json(&["task", "list", "--account", "demo", "--status", "succeeded"]);
    let id = listed["data"][0]["id"].as_str().unwrap();
    assert!(answer.contains(id), "{answer}");
    let story = shell.good(&["task", "show", id]);
    for told in [
        "1. bad (demo), priority 0",
        "2. good (demo), priority 5",
        "left out: off: this platform model is switched off",
        "#1 bad failed",
        "-> attempt 1 at bad failed with server_error (HTTP 500): went on to the next platform because",
        "#2 good succeeded",
        "task.completed",
        "charged 0.0000",
    ] {
        assert!(story.contains(told), "{told} is not in\n{story}");
    }
    let detail = shell.json(&["task", "show", id]);
    assert_eq!(detail["attempt_history"].as_array().unwrap().len(), 2);
    assert_eq!(detail["trace"]["decisions"][0]["action"], "next_platform");
    let id = shell.json(&["key", "list"])["data"][0]["id"].as_str().unwrap().to_owned();
    shell.good(&["key", "set", &id, "--limit", "requests_per_minute=1"]);
    let deadline = Instant::now() + PATIENCE;
    let refused = loop {
        let answer = gateway.call("POST", "/v1/chat/completions", &key, body);
        if !answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
        assert!(Instant::now() < deadline, "the limit was not taken up");
    };
    assert!(refused.starts_with("HTTP/1.1 429") && refused.contains("requests_per_minute"), "{refused}");
    assert_eq!(shell.run(&["ledger", "verify"]).status.code(), Some(0));
    gateway.end();
}
