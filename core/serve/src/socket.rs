//! A connection that is given up when it is silent for too long: before a head, within one, or by taking nothing of an
//! answer. What hyper has for heads counts the time between two requests as the head's own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::patience::Patience;

/// Whether a request of a connection is being answered: beginnings and ends, counted together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exchange(Arc<AtomicUsize>);

/// From a request's head to the end of its answer.
struct RunningExchange(Exchange);

impl Exchange {
    /// A request has come; it is answered once what `answered` makes of its answer is dropped.
    pub(crate) fn begin(&self) -> impl FnOnce(Body) -> Body + Send + use<> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let running = RunningExchange(self.clone());
        move |body| {
            Body::new(ExchangeBody {
                body,
                _running: running,
            })
        }
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for RunningExchange {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of an answer, which ends the exchange with itself.
struct ExchangeBody {
    body: Body,
    _running: RunningExchange,
}

impl HttpBody for ExchangeBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that is given up when it is silent for too long.
pub(crate) struct ImpatientStream {
    stream: TcpStream,
    patience: Patience,
    exchange: Exchange,
    /// What it counted when bytes were last asked for.
    seen: usize,
    /// Runs while a head is waited for.
    head: Option<Pin<Box<Sleep>>>,
    /// A byte of the next head is there, or it is the first.
    has_begun: bool,
    /// Set while a write waits.
    write: Option<Pin<Box<Sleep>>>,
}

impl ImpatientStream {
    pub(crate) fn new(stream: TcpStream, exchange: Exchange, patience: Patience) -> Self {
        Self {
            stream,
            patience,
            exchange,
            seen: 0,
            head: Some(Box::pin(sleep(patience.head))),
            has_begun: true,
            write: None,
        }
    }

    /// What became of a write, unless it has waited too long.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Pending => too_long(&mut self.write, self.patience.write, context),
            ready @ Poll::Ready(_) => {
                self.write = None;
                ready
            }
        }
    }
}

/// An error once this clock, which is set if it does not run, is at its end.
fn too_long<T>(
    clock: &mut Option<Pin<Box<Sleep>>>,
    patience: Duration,
    context: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    let new = || Box::pin(sleep(patience));
    ready!(clock.get_or_insert_with(new).as_mut().poll(context));
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl AsyncRead for ImpatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        let this = &mut *self;
        let count = this.exchange.count();
        if std::mem::replace(&mut this.seen, count) != count {
            (this.head, this.has_begun) = (None, false);
        }
        let is_running = !count.is_multiple_of(2);
        if is_running {
            // A body has a clock of its own, where it is read.
            return outcome;
        }
        if outcome.is_pending() {
            return too_long(&mut this.head, this.patience.idle, context);
        }
        if !std::mem::replace(&mut this.has_begun, true) {
            this.head = Some(Box::pin(sleep(this.patience.head)));
        }
        outcome
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
