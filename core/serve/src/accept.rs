//! Connections: how many, how long they may be silent, and what a head may have. `axum::serve` has no limit for slow heads.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Ending;
use super::client::Ends;
use super::host::lock;
use super::patience::Patience;
use super::socket::{Exchange, ImpatientStream};

const MOST_CONNECTIONS: usize = 128;
/// Of one address that is not this machine's own, where a proxy may stand for many.
const MOST_OF_A_PEER: usize = 16;
const MOST_HEADERS: usize = 64;
/// Bytes of a head.
const LARGEST_HEAD: usize = 16 << 10;
/// After an error of the system, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until the server is to end and its connections have.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut ending: watch::Receiver<Ending>,
    patience: Patience,
) -> io::Result<()> {
    let peers = Arc::new(PeerCounts::default());
    let mut connections = JoinSet::new();
    let mut said = ending.clone();
    loop {
        // Whoever finds no place waits in the listener's queue.
        let accepted = tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => accepted,
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    tracing::error!(%error, "a connection's task panicked; please report it");
                }
                continue;
            }
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
        let Some(place) = peers.enter(peer) else {
            tracing::warn!(%peer, "too many connections of one address; one is closed");
            continue;
        };
        let (router, ending) = (router.clone(), ending.clone());
        connections.spawn(async move {
            let _place = place;
            if let Err(error) = connection(stream, peer, router, ending, patience).await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = all => (),
        () = sleep(patience.ending) => (),
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
    patience: Patience,
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
    let exchange = Exchange::default();
    let stream = ImpatientStream::new(stream, exchange.clone(), patience);
    let router =
        router
            .layer(Extension(ends))
            .layer(from_fn(move |request: Request, next: Next| {
                let answered = exchange.begin();
                async move { next.run(request).await.map(answered) }
            }));
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The stream's own clocks end sooner; without this one it would not be asked between two requests.
        .header_read_timeout(patience.idle + patience.head)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
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
    fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionPlace> {
        let mut counts = lock(&self.0);
        let count = counts.entry(peer).or_default();
        if *count >= MOST_OF_A_PEER && !peer.is_loopback() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_so_many_connections_and_this_machine_any_number() {
        let peers = Arc::new(PeerCounts::default());
        let (far, here) = (IpAddr::from([10, 0, 0, 7]), IpAddr::from([127, 0, 0, 1]));
        let mut places: Vec<_> = (0..MOST_OF_A_PEER).map(|_| peers.enter(far)).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(peers.enter(far).is_none());
        assert!(peers.enter(IpAddr::from([10, 0, 0, 8])).is_some());
        places.extend((0..MOST_CONNECTIONS).map(|_| peers.enter(here)));
        assert!(places.iter().skip(MOST_OF_A_PEER).all(Option::is_some));
        places.clear();
        assert!(peers.enter(far).is_some(), "what is dropped counts no more");
    }
}
