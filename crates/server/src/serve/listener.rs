//! The port: accepts connections, bounds what a caller may send and how slowly, and lets running calls end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use easyai_runner::Runner;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;

/// How long readiness is false before connections are closed, so that a load balancer has seen it.
const NOTICE: Duration = Duration::from_millis(200);

/// A failed accept (no more file handles, mostly) is tried again after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;

/// Head lines of one request.
const MAX_HEADERS: usize = 128;

/// Serves `router` until `end`, then lets running calls end within the configured time.
///
/// # Errors
/// If the port can't be had.
pub async fn serve(config: &Config, router: Router, runner: &Arc<Runner>, end: impl Future<Output = ()>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("can't listen on {}: choose another address with --listen", config.listen))?;
    tracing::info!(address = %listener.local_addr()?, "Serving");
    let builder = builder(config);
    let connections = Connections { graceful: GracefulShutdown::new(), tasks: TaskTracker::new(), cut: CancellationToken::new() };
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => connection(&builder, &router, &connections, stream),
                Err(error) => {
                    tracing::warn!(%error, "A connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = &mut end => break,
        }
    }
    runner.drain();
    tracing::info!(in_flight = runner.in_flight(), "Ending: no new work");
    // New connections are still taken while a load balancer looks: they are told that we are going.
    let notice = tokio::time::sleep(NOTICE);
    tokio::pin!(notice);
    loop {
        tokio::select! {
            Ok((stream, _peer)) = listener.accept() => connection(&builder, &router, &connections, stream),
            () = &mut notice => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(config.drain, connections.graceful.shutdown()).await.is_err() {
        tracing::warn!(in_flight = runner.in_flight(), "Calls are cut off: they take longer than the drain time");
    }
    // What is cut off here ends like a call whose caller went away: it is booked in the background.
    connections.cut.cancel();
    connections.tasks.close();
    connections.tasks.wait().await;
    Ok(())
}

/// The open connections.
struct Connections {
    graceful: GracefulShutdown,
    tasks: TaskTracker,
    cut: CancellationToken,
}

fn builder(config: &Config) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(config.max_header_bytes.max(READ_BUFFER))
        .max_headers(MAX_HEADERS)
        .keep_alive(true)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(config.max_header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(Duration::from_secs(30)));
    builder
}

/// hyper reads bodies through the same buffer as heads: a body that fits comes in one read and is used where it lies. It grows to this
/// only on connections that bring such bodies. Heads are bounded more tightly when they have been read (`api::auth`).
const READ_BUFFER: usize = 256 * 1024;

fn connection(builder: &Builder<TokioExecutor>, router: &Router, connections: &Connections, stream: TcpStream) {
    // Deltas are small and must not wait for one another.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = TowerToHyperService::new(router.clone());
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.graceful.watch(connection);
    let cut = connections.cut.clone();
    connections.tasks.spawn(async move {
        if let Some(Err(error)) = cut.run_until_cancelled(connection).await {
            tracing::debug!(%error, "A connection ended with an error");
        }
    });
}
