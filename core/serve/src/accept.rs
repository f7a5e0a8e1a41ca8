//! Connections: how many, how long they may be silent, and what a head may have. `axum::serve` has no limit for slow heads.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep};

use super::Ending;
use super::client::Ends;
use super::host::lock;

const MOST_CONNECTIONS: usize = 128;
/// Of one address that is not this machine's own, where a proxy may stand for many.
const MOST_OF_A_PEER: usize = 16;
const MOST_HEADERS: usize = 64;
/// Bytes of a head.
const LARGEST_HEAD: usize = 16 << 10;
/// Until a head is there, the time before its first byte included.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// For a socket that takes nothing.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// For running turns once the server is to end.
const GRACE: Duration = Duration::from_secs(10);
/// After an error of the system, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until the server is to end and its connections have.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut ending: watch::Receiver<Ending>,
) -> io::Result<()> {
    let peers = Arc::new(PeerCounts::default());
    let mut connections = JoinSet::new();
    let mut said = ending.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = said.wait_for(|it| *it != Ending::No) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // A socket of both kinds writes an address of the old kind as one of the new.
        let peer = peer.ip().to_canonical();
        let Some(place) = peers.enter(peer, connections.len()) else {
            tracing::warn!(%peer, "too many connections; one is closed");
            continue;
        };
        let (router, ending) = (router.clone(), ending.clone());
        connections.spawn(async move {
            let _place = place;
            if let Err(error) = connection(stream, peer, router, ending).await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = all => (),
        () = sleep(GRACE) => (),
        _ = ending.wait_for(|it| *it == Ending::Now) => (),
    }
    connections.abort_all();
    Ok(())
}

async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    mut ending: watch::Receiver<Ending>,
) -> Result<(), hyper::Error> {
    let Ok(local) = stream.local_addr() else {
        return Ok(());
    };
    // Steps are small and wanted at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "small packets wait");
    }
    let ends = Ends {
        local: local.ip().to_canonical(),
        peer,
    };
    let service = TowerToHyperService::new(router.layer(Extension(ends)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(ImpatientStream::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = ending.wait_for(|it| *it != Ending::No) => (),
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// Connections by address.
#[derive(Default)]
struct PeerCounts(Mutex<HashMap<IpAddr, usize>>);

/// A connection that counts until it is dropped.
struct ConnectionPlace(Arc<PeerCounts>, IpAddr);

impl PeerCounts {
    fn enter(self: &Arc<Self>, peer: IpAddr, all: usize) -> Option<ConnectionPlace> {
        let mut counts = lock(&self.0);
        let count = counts.entry(peer).or_default();
        let is_full = *count >= MOST_OF_A_PEER && !peer.is_loopback();
        if all >= MOST_CONNECTIONS || is_full {
            return None;
        }
        *count += 1;
        Some(ConnectionPlace(Arc::clone(self), peer))
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut counts = lock(&self.0.0);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

/// A socket that is given up when it takes nothing for too long: an answer is not kept for whoever does not read it.
struct ImpatientStream {
    stream: TcpStream,
    /// Set while a write waits.
    waits: Option<Pin<Box<Sleep>>>,
}

impl ImpatientStream {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            waits: None,
        }
    }

    /// What became of a write, unless it has waited too long.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waits = None;
            return outcome;
        }
        let new = || Box::pin(sleep(WRITE_PATIENCE));
        ready!(self.waits.get_or_insert_with(new).as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for ImpatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ImpatientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.written(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
