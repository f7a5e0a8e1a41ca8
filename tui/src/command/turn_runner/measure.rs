use unmask_core::engine::{EngineEvent, MeasureEvent, MeasureRequest, Measured};

use super::{HostEvent, TurnRunner};

impl TurnRunner {
    /// Measures to the end of the request, telling `on_measured` of each pair; the exit code, if a signal ended it.
    pub(in super::super) fn measure(
        &mut self,
        request: MeasureRequest,
        mut on_measured: impl FnMut(Measured) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<u8>> {
        let id = request.measure;
        let measure = self.engine.measure(request);
        let mut interrupted = None;
        loop {
            let event = match self.news.recv()? {
                HostEvent::Signal(asked) => {
                    measure.stop();
                    interrupted = Some(asked.code());
                    continue;
                }
                HostEvent::Engine(EngineEvent::Measure(of, event)) if of == id => event,
                HostEvent::Engine(_) | HostEvent::Line(_) | HostEvent::LaidOut(..) => continue,
            };
            match event {
                MeasureEvent::Measured(measured) => on_measured(measured)?,
                MeasureEvent::Progress { .. } => (),
                MeasureEvent::Finished | MeasureEvent::Stopped => return Ok(interrupted),
                MeasureEvent::Failed(failure) => return Err(failure.into()),
            }
        }
    }
}
