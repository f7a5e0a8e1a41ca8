//! A host's session, shown as a [`Session`].

use std::sync::Arc;
use std::time::Instant;

use ipc_channel::ipc::{IpcReceiver, IpcSender};
use tempfile::NamedTempFile;
use unmask_api::{
    BackendError, CancelFlag, Capabilities, LogitsMut, Pass, Row, Session, TokenId, TopMut,
};

use super::super::check;
use super::super::session::fits;
use super::message::{Fault, PassMessage, Wants};
use super::process::Process;
use super::shared::Shared;
use super::{GLANCE, PATIENCE_WITHOUT_PROMISE};

/// A conversation in another process.
pub(super) struct IsolatedSession {
    process: Arc<Process>,
    vocab: usize,
    capabilities: Capabilities,
    passes: IpcSender<PassMessage>,
    ends: IpcReceiver<Result<(), Fault>>,
    /// Where the scores cross; made at the first pass, and again for one with more of them.
    memory: Option<Shared>,
}

impl IsolatedSession {
    pub(super) fn new(
        process: Arc<Process>,
        (vocab, capabilities): (usize, Capabilities),
        (passes, ends): (IpcSender<PassMessage>, IpcReceiver<Result<(), Fault>>),
    ) -> Self {
        Self {
            process,
            vocab,
            capabilities,
            passes,
            ends,
            memory: None,
        }
    }

    /// Has `pass` computed; its `numbers` then lie in the memory that is returned.
    fn compute(
        &mut self,
        pass: &Pass<'_>,
        wants: Wants,
        numbers: usize,
    ) -> Result<&Shared, BackendError> {
        let (memory, file) = self.make_room(numbers)?;
        match pass.cancel.is_raised() {
            true => memory.cancel().raise(),
            false => memory.cancel().lower(),
        }
        let message = PassMessage {
            rows: pass.rows.iter().map(row).collect(),
            tokens: pass.tokens.iter().map(|token| token.0).collect(),
            positions: pass.positions.iter().map(|position| position.0).collect(),
            wanted: pass.wanted.to_vec(),
            wants,
            memory: file.as_ref().map(|file| file.path().to_owned()),
        };
        self.process.send(&self.passes, message)?;
        self.wait(memory.cancel(), pass.cancel)?;
        // Both have it open: the file goes, the memory stays. After a failure neither side counts on it.
        drop(file);
        Ok(self.memory.insert(memory))
    }

    /// Memory for so many numbers, with its file if the host has yet to open it.
    fn make_room(
        &mut self,
        numbers: usize,
    ) -> Result<(Shared, Option<NamedTempFile>), BackendError> {
        if let Some(memory) = self.memory.take().filter(|it| it.len() >= numbers) {
            return Ok((memory, None));
        }
        let (memory, file) = Shared::create(numbers).map_err(|error| {
            BackendError::OutOfMemory(format!(
                "no memory to share {numbers} numbers with the process of {}: {error}",
                self.process.name
            ))
        })?;
        Ok((memory, Some(file)))
    }

    /// Waits for the end of the pass. Once `cancel` is raised `theirs` is too, and soon after the process is ended.
    fn wait(&self, theirs: &CancelFlag, cancel: &CancelFlag) -> Result<(), BackendError> {
        let patience = match self.capabilities.has(Capabilities::CANCEL) {
            true => self.process.patience,
            false => self.process.patience * PATIENCE_WITHOUT_PROMISE,
        };
        let mut asked: Option<Instant> = None;
        loop {
            if let Some(end) = self.process.receive(&self.ends, GLANCE)? {
                return end.map_err(Fault::error);
            }
            match asked {
                None if cancel.is_raised() => {
                    theirs.raise();
                    asked = Some(Instant::now());
                }
                Some(asked) if asked.elapsed() >= patience => {
                    let waited = patience.as_secs_f32();
                    let why =
                        format!("did not stop within {waited} s of being asked and was ended");
                    return Err(self.process.end(why));
                }
                None | Some(_) => {}
            }
        }
    }
}

fn row(row: &Row) -> [u32; 4] {
    [row.fed, row.slot, row.attend.start, row.attend.end]
}

impl Session for IsolatedSession {
    fn forward(&mut self, pass: &Pass<'_>, out: LogitsMut<'_>) -> Result<(), BackendError> {
        let vocab = self.vocab;
        fits("a row of logits", out.vocab, vocab)?;
        fits("logits", out.scores.len(), pass.wanted.len() * vocab)?;
        let memory = self.compute(pass, Wants::Logits { vocab }, out.scores.len())?;
        memory.copy(0, out.scores);
        check::logits(&self.process.name, vocab, out.scores)
    }

    fn forward_top(&mut self, pass: &Pass<'_>, mut out: TopMut<'_>) -> Result<(), BackendError> {
        let (wanted, k) = (pass.wanted.len(), out.k);
        fits("ids", out.ids.len(), wanted * k)?;
        fits("logits", out.logits.len(), wanted * k)?;
        fits("sums", out.log_sum_exp.len(), wanted)?;
        fits("entropies", out.entropy.len(), wanted)?;
        let entries = wanted * k;
        let memory = self.compute(pass, Wants::Top { k }, 2 * (entries + wanted))?;
        let mut ids = vec![0_u32; entries];
        memory.copy(0, &mut ids);
        memory.copy(entries, out.logits);
        memory.copy(2 * entries, out.log_sum_exp);
        memory.copy(2 * entries + wanted, out.entropy);
        for (id, said) in out.ids.iter_mut().zip(ids) {
            *id = TokenId(said);
        }
        check::top(&self.process.name, self.vocab, &mut out)
    }
}
