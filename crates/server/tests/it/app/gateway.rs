//! The gateway's process: started, killed, asked to end, started again on the same port.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::http::Exchange;
use crate::patience::within;

/// A debug build on a busy machine needs some time to begin.
const START: Duration = Duration::from_secs(30);

/// Lines of the log that a failed test shows.
const LOG_LINES: usize = 40;

#[derive(Debug)]
pub struct Gateway {
    pub addr: SocketAddr,
    log: PathBuf,
    child: Child,
}

impl Gateway {
    /// Starts `command` (`easyai --data …`) and waits until it is ready.
    pub async fn start(command: Command, addr: SocketAddr, log: PathBuf) -> Self {
        let child = spawn(command, addr, &log);
        let mut gateway = Self { addr, log, child };
        gateway.ready().await;
        gateway
    }

    /// Starts it again after it has ended.
    pub async fn start_again(&mut self, command: Command) {
        self.child = spawn(command, self.addr, &self.log);
        self.ready().await;
    }

    async fn ready(&mut self) {
        let (addr, child) = (self.addr, &mut self.child);
        let took = within(START, "the gateway is ready", async || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the gateway ended at once: {ended:?}");
            readiness(addr).await == Some(200)
        });
        took.await;
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self, patience: Duration) -> ExitStatus {
        let mut status = None;
        let child = &mut self.child;
        within(patience, "the gateway ends", async || {
            status = child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

/// What `/readyz` answers; none if nobody does.
pub async fn readiness(addr: SocketAddr) -> Option<u16> {
    let request = b"GET /readyz HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n";
    Exchange::begin(addr, request).await.ok().map(|exchange| exchange.status())
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
            eprintln!("the gateway's log ends with:\n{}", last.join("\n"));
        }
    }
}

fn spawn(mut command: Command, addr: SocketAddr, log: &PathBuf) -> Child {
    let log = File::options().create(true).append(true).open(log).unwrap();
    command.args(["serve", "--listen", &addr.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().unwrap()
}

/// An address for this process's next gateway. Below the ports that the system gives to outgoing connections, so that it is still free
/// after a restart.
pub fn free_addr() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(61) % 10_000;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap()));
        if TcpListener::bind(addr).is_ok() {
            return addr;
        }
    }
}
