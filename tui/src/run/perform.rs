//! Carries effects out.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;
use unmask_core::config::ConfigReader;

use super::getting::Getter;
use super::machine::{ConfigChange, ScanJob};
use super::pins::{self, TokenizerQuestion};
use super::render::Renderer;
use super::worker::Worker;
use super::{App, clipboard, export, signals, themes};
use crate::action::Action;
use crate::effect::{CopyJob, Effect, ExportJob};
use crate::session::{Job, Storage};

/// The threads that do what would keep the screen waiting: files, the clipboard, highlighting, pins, a look at the
/// machine. Each
/// answers with actions.
pub(super) struct Workers {
    machine: Worker<ScanJob>,
    config: Worker<ConfigChange>,
    getter: Getter,
    /// Reads pins and edits.
    pins: Worker<TokenizerQuestion>,
    /// Lays out Markdown.
    pub(super) renderer: Renderer,
    /// Copies.
    copier: Worker<CopyJob>,
    /// Writes answers as pages, pictures and films.
    exporter: Worker<ExportJob>,
    /// For conversations and prompts, if they have a folder.
    storage: Option<Worker<Job>>,
    /// Reads the user's themes.
    pub(super) themes: Worker<()>,
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// If the system has no threads to give.
    pub(super) fn start(
        sender: &UnboundedSender<Action>,
        storage: Option<Storage>,
        reader: Option<ConfigReader>,
        copies: Option<PathBuf>,
        themes_folder: Option<PathBuf>,
    ) -> io::Result<Self> {
        let (scans, gets, edits) = (reader.clone(), reader.clone(), reader);
        let look = move |scan: ScanJob| Some(scan.run(scans.as_ref()));
        let change = move |edit: ConfigChange| Some(edit.run(edits.as_ref()));
        let read = move |()| {
            let folder = themes_folder.as_ref();
            let files = folder.map(|folder| themes::read(folder));
            Some(Action::Themes(files.unwrap_or_default()))
        };
        let keep = |mut storage: Storage| {
            Worker::start("storage", sender.clone(), move |job| {
                storage.act(job, jiff::Timestamp::now()).map(Action::Kept)
            })
        };
        Ok(Self {
            machine: Worker::start("machine", sender.clone(), look)?,
            config: Worker::start("config", sender.clone(), change)?,
            getter: Getter::start(sender, gets)?,
            pins: Worker::start("pins", sender.clone(), pins::answer)?,
            renderer: Renderer::start(sender)?,
            copier: clipboard::start(sender, copies.clone())?,
            exporter: export::start(sender, copies)?,
            storage: storage.map(keep).transpose()?,
            themes: Worker::start("themes", sender.clone(), read)?,
        })
    }

    /// Has something kept, or looked up.
    pub(super) fn keep(&self, job: Job) {
        if let Some(storage) = &self.storage {
            storage.send(job);
        }
    }

    /// Waits for those whose work would be lost: what is to be kept, a file that is being written, a clipboard that is
    /// handed over. Nobody waits for a look at the machine, nor for a film: the user was asked.
    pub(super) fn finish(self) {
        if let Some(storage) = self.storage {
            storage.finish();
        }
        self.config.finish();
        self.copier.finish();
    }
}

impl App<'_> {
    pub(super) fn perform(&mut self, effect: Effect) -> io::Result<ControlFlow<()>> {
        match effect {
            Effect::Start(request) => self.engine.start(*request),
            Effect::Pause => self.engine.pause(),
            Effect::Resume => self.engine.resume(),
            Effect::Stop => self.engine.stop(),
            Effect::Abandon => self.engine.abandon(),
            Effect::SaveDefaults { key, settings } => {
                self.workers
                    .config
                    .send(ConfigChange::Save { key, settings });
            }
            Effect::Place(question) => self.workers.pins.send(TokenizerQuestion::Pins(question)),
            Effect::Encode(question) => self.workers.pins.send(TokenizerQuestion::Text(question)),
            Effect::Load(request) => self.engine.load(request),
            Effect::Scan => self.workers.machine.send(ScanJob),
            Effect::Get(job) => self.workers.getter.send(job),
            Effect::StopGetting => self.workers.getter.stop(),
            Effect::AddModel(model) => self.workers.config.send(ConfigChange::Add(model)),
            Effect::Approve(approve) => self.workers.config.send(ConfigChange::Approve(approve)),
            Effect::CancelLoad => self.engine.cancel_load(),
            Effect::Keep(job) => self.workers.keep(job),
            Effect::Mouse(mouse) => self.screen.set_mouse(mouse)?,
            Effect::ReadThemes => self.workers.themes.send(()),
            // The loop does it, once it has let go of the keys.
            Effect::EditDraft(draft) => self.to_edit = Some(draft),
            Effect::Suspend => {
                self.screen.give_back();
                signals::suspend()?;
                self.come_back()?;
            }
            Effect::ReadSelection(selection) => {
                let text = self.layout.selected_text(&self.state, &selection);
                self.tell(Action::Selected(text))?;
            }
            Effect::Copy(job) => self.workers.copier.send(job),
            Effect::Export(job) => self.workers.exporter.send(job),
            Effect::Osc52(text) => self.screen.copy(&text)?,
            Effect::Alert(method) => self.screen.alert(method)?,
            Effect::Repaint => self.screen.forget()?,
            Effect::Quit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }
}
