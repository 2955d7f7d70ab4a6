//! A PostgreSQL server of this process's own, without a step by hand: made by the system's `initdb` in a temporary folder on a free
//! port, and stopped with this process, however it ends: the server's shell waits on a pipe that closes then.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Makes, starts, says `ready`, waits for the end of its input, stops, removes.
const SCRIPT: &str = r#"
set -e
bin=$1 port=$2
folder=$(mktemp -d "${TMPDIR:-/tmp}/easyai-postgres.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap '' INT HUP
"$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --no-sync --no-instructions >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
"$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300" start \
    >"$folder/start" 2>&1 </dev/null || { cat "$folder/log"; exit 1; }
echo ready
cat >/dev/null
"$bin/pg_ctl" -D "$folder/data" -w -m immediate stop >/dev/null 2>&1
"#;

/// The URL of the server, started at the first call.
pub(super) fn url() -> String {
    // The child is kept with its pipe: both live as long as the process.
    static CLUSTER: OnceLock<(Child, String)> = OnceLock::new();
    CLUSTER.get_or_init(start).1.clone()
}

fn start() -> (Child, String) {
    let bin = binaries().unwrap_or_else(|| {
        panic!("tests on PostgreSQL need a server: set EASYAI_TEST_POSTGRES_URL, or install one (Debian: apt-get install postgresql)")
    });
    // The port is free now; should somebody else be faster, another one will do.
    let mut told = String::new();
    for _ in 0..3 {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("no free port").port();
        let mut child = shell(&bin, port).spawn().expect("no shell");
        told.clear();
        let mut lines = BufReader::new(child.stdout.take().expect("the shell has an output")).lines();
        let mut ready = false;
        for line in lines.by_ref().map_while(Result::ok) {
            ready = line == "ready";
            if ready {
                break;
            }
            told.push_str(&line);
            told.push('\n');
        }
        if ready {
            return (child, format!("postgres://postgres@127.0.0.1:{port}/postgres"));
        }
        drop(child.wait());
    }
    panic!("a PostgreSQL server for the tests could not be started:\n{told}");
}

/// The shell of the server; PostgreSQL refuses to run as root.
fn shell(bin: &Path, port: u16) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut command = if root {
        let user = if has_user("postgres") { "postgres" } else { "nobody" };
        let mut command = Command::new("runuser");
        command.args(["-u", user, "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command.args(["-c", SCRIPT, "sh"]).arg(bin).arg(port.to_string());
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

fn has_user(name: &str) -> bool {
    std::fs::read_to_string("/etc/passwd").is_ok_and(|users| users.lines().any(|line| line.split(':').next() == Some(name)))
}

/// The folder of the newest server installed: Debian's places first, then the path.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .collect();
    found.sort();
    let in_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join("initdb").is_file());
    found.pop().map(|(_, bin)| bin).or_else(in_path)
}
