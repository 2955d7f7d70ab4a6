//! nginx as the measure of a proxy that does nothing else: one worker, keep-alive on both sides, no buffering of answers.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::{CompareArgs, Endpoint, program, program::Program, summary::Target, text_of, upstream::Upstream};

pub(super) struct Nginx {
    program: Program,
    addr: SocketAddr,
}

impl Nginx {
    pub(super) fn start(args: &CompareArgs, upstream: &Upstream, folder: &Path) -> anyhow::Result<Self> {
        if Command::new(&args.nginx).arg("-v").stderr(Stdio::null()).status().is_err() {
            bail!("nginx is not installed: apt-get install nginx-light, or run `make bench`, which does");
        }
        let folder = folder.join("nginx");
        std::fs::create_dir(&folder)?;
        let addr = SocketAddr::from(([127, 0, 0, 1], super::free_port()?));
        let config = folder.join("nginx.conf");
        std::fs::write(&config, configuration(addr, upstream.addr(), &text_of(&folder)?)).context("writing nginx.conf")?;
        let mut command = program::pinned(args.proxy_core, &args.nginx);
        command.arg("-c").arg(&config).arg("-p").arg(&folder).arg("-e").arg(folder.join("error.log"));
        let mut program = Program::start(command, &folder.join("output.log"))?;
        program.ready(addr, "GET /ready HTTP/1.1\r\nhost: nginx\r\nconnection: close\r\n\r\n").context("nginx")?;
        Ok(Self { program, addr })
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint {
            target: Target::Nginx,
            base_url: format!("http://{}/v1", self.addr),
            key: "sk-bench".to_owned(),
            pid: Some(self.program.pid()),
            database_pid: None,
        }
    }
}

/// No master process: the one process that is measured does all the work.
fn configuration(addr: SocketAddr, upstream: &str, folder: &str) -> String {
    format!(
        "daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    # A request that fits into the buffer is not written to disk.
    client_body_buffer_size 1m;
    client_max_body_size 64m;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream mock {{
        server {upstream};
        keepalive 256;
        keepalive_requests 1000000000;
        keepalive_timeout 3600s;
    }}
    server {{
        listen {addr};
        location = /ready {{ return 200; }}
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
        }}
    }}
}}
"
    )
}
