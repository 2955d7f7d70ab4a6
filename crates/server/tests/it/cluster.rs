//! A PostgreSQL server of one test's own, which can be stopped in the middle and started again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Given as `$0` and `$1`: the folder of the programs and that of the server.
const INIT: &str = "\"$0/initdb\" -D \"$1/data\" -U postgres -A trust -E UTF8 --no-sync --no-instructions";
const STOP: &str = "\"$0/pg_ctl\" -D \"$1/data\" -w -m immediate stop";

pub struct Cluster {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
}

impl Cluster {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, bin: binaries(), port };
        if is_root() {
            // PostgreSQL refuses to run as root.
            assert!(Command::new("chown").arg(user()).arg(cluster.folder.path()).status().unwrap().success());
        }
        cluster.shell(INIT);
        cluster.start_again();
        cluster
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// As a power cut would: no connection is told anything.
    pub fn stop_at_once(&self) {
        self.shell(STOP);
    }

    pub fn start_again(&self) {
        let options = format!("-p {} -k $1 -c listen_addresses=127.0.0.1 -c fsync=off", self.port);
        self.shell(&format!("\"$0/pg_ctl\" -D \"$1/data\" -w -l \"$1/log\" -o \"{options}\" start"));
    }

    #[track_caller]
    fn shell(&self, script: &str) {
        let status = self.command(script).status().unwrap();
        assert!(status.success(), "{script}: {}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
    }

    fn command(&self, script: &str) -> Command {
        let mut command = if is_root() { Command::new("runuser") } else { Command::new("bash") };
        if is_root() {
            command.args(["-u", user(), "--", "bash"]);
        }
        command.arg("-c").arg(format!("{script} >\"$1/told\" 2>&1 </dev/null")).arg(&self.bin).arg(self.folder.path()).current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may be stopped already.
        drop(self.command(STOP).status());
    }
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

/// Whom the server runs as.
fn user() -> &'static str {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" }
}

/// Debian's place of the newest server, else the path.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).collect();
    found.sort_unstable();
    let debian = found.pop().map(|version| Path::new("/usr/lib/postgresql").join(version.to_string()).join("bin"));
    let in_path = || std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| folder.join("initdb").is_file());
    debian.or_else(in_path).expect("this test needs PostgreSQL's initdb and pg_ctl (Debian: apt-get install postgresql)")
}
