//! A process under comparison: pinned to a core, waited for until it is ready, gone when dropped.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// Long enough for migrations on a slow disk.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// What a drain may take before the process is killed.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// Another process tells nobody when it is ready or gone, so it is asked this often.
const ASK_EVERY: Duration = Duration::from_millis(2);

/// A running process with its log.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    log: PathBuf,
}

/// A command that runs on one core only. `taskset` becomes the program, so the process id is the program's own.
pub(super) fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

impl Program {
    /// Starts it with its output in a log file.
    pub(super) fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(log).with_context(|| format!("opening {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("starting {command:?}: is it (and taskset) installed?"))?;
        Ok(Self { child, log: log.to_owned() })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `request` is answered with 200 at `addr`; says how long that took.
    pub(super) fn ready(&mut self, addr: SocketAddr, request: &str) -> anyhow::Result<Duration> {
        let start = Instant::now();
        while status_of(addr, request) != Some(200) {
            if let Some(status) = self.child.try_wait()? {
                bail!("ended with {status}: {}", self.log_tail());
            }
            if start.elapsed() > READY_WITHIN {
                bail!("not ready within {} s: {}", READY_WITHIN.as_secs(), self.log_tail());
            }
            std::thread::sleep(ASK_EVERY);
        }
        Ok(start.elapsed())
    }

    /// Asks it to end (SIGTERM), and waits.
    pub(super) fn stop(mut self) -> anyhow::Result<Duration> {
        let start = Instant::now();
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().context("running kill")?;
        while self.child.try_wait()?.is_none() {
            if start.elapsed() > STOPPED_WITHIN {
                bail!("still there {} s after SIGTERM: {}", STOPPED_WITHIN.as_secs(), self.log_tail());
            }
            std::thread::sleep(ASK_EVERY);
        }
        Ok(start.elapsed())
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(2000)..]).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status of the answer to a whole request, or none if there is no answer.
fn status_of(addr: SocketAddr, request: &str) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&addr, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).ok()?;
    std::str::from_utf8(&start[9..]).ok()?.parse().ok()
}
