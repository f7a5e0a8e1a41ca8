//! The loop: waits for keys, news, signals and time; updates; draws when something has changed.

mod burst;
mod clipboard;
mod editor;
mod export;
mod getting;
mod input;
mod keep;
mod machine;
mod new_file;
mod perform;
mod pins;
mod render;
mod setup;
mod signals;
mod themes;
mod worker;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crossterm::event::EventStream;
use futures_util::StreamExt;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep_until;
use unmask_core::engine::{EngineEvent, LoadRequest, TurnRequest};
use unmask_core::open_files;

use crate::action::{Action, ScreenTime, TimeOfDay};
use crate::effect::Effect;
use crate::screen_layout::ScreenLayout;
use crate::state::{AlertMethod, State};
pub use crate::terminal::Log;
use crate::terminal::{Late, Screen, ScreenError};
use crate::update::update;
use crate::view;
use editor::Editor;
use input::{read, read_waiting};
pub use keep::Keep;
use perform::Workers;
use setup::first_state;
pub use setup::{RecordedAnswers, Setup};
use signals::{SignalEvent, Signals};
pub use themes::read as read_themes;
use unmask_core::conversations::SessionId;

/// What the screen asks of the engine. No call blocks; answers come as [`EngineEvent`]s.
pub trait EngineClient {
    /// Loads a model; it replaces the one before when it is ready.
    fn load(&mut self, request: LoadRequest);
    /// Begins a turn; there is no other, and what follows is about this one.
    fn start(&mut self, request: TurnRequest);
    /// Rests after the running step.
    fn pause(&mut self);
    /// Goes on.
    fn resume(&mut self);
    /// Ends the turn after the running step; it finishes with the text up to the first mask.
    fn stop(&mut self);
    /// Gives up on the running forward; late events of the turn are dropped.
    fn abandon(&mut self);
    /// Gives up loading; answered by `LoadFailed`.
    fn cancel_load(&mut self);
}

/// How the screen was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Why.
    pub ending: Ending,
    /// The conversation on it, if that is on disk.
    pub session: Option<SessionId>,
    /// The last answer on it, as it was shown.
    pub answer: Option<String>,
}

/// Why the screen was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The user wanted it.
    Quit,
    /// This signal came; the exit code is 128 more.
    Signal(i32),
}

/// Opens the screen and chats until the user quits.
///
/// # Errors
/// [`ScreenError::Terminal`] if there is no terminal to take, [`ScreenError::Lost`] if it goes away.
pub fn run(
    engine: &mut dyn EngineClient,
    news: UnboundedReceiver<EngineEvent>,
    mut setup: Setup,
) -> Result<Left, ScreenError> {
    open_files::test().map_err(ScreenError::Terminal)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ScreenError::Terminal)?;
    let log = setup.log.as_ref().map(|log| match &setup.reader {
        Some(reader) => reader.environment.short(&log.path),
        None => log.path.display().to_string(),
    });
    // Before the terminal is taken: a signal that comes meanwhile waits until it can be given back.
    let signals = runtime.block_on(async { Signals::listen() });
    let signals = signals.map_err(ScreenError::Terminal)?;
    let (screen, replies) = Screen::open(setup.log.take()).map_err(ScreenError::Terminal)?;
    let size = screen.size().map_err(ScreenError::Terminal)?;
    let entropy = RandomState::new().hash_one(std::process::id());
    let state = first_state(size, &setup, &replies, (entropy, log));
    let (sender, mut receiver) = unbounded_channel();
    let folder = setup.themes_folder.as_deref();
    let _watcher = folder.and_then(|folder| themes::watch(folder, sender.clone()));
    let begin = Action::Begin {
        load: setup.load,
        most_traces: setup.preferences.traces.most(),
    };
    let workers = Workers::start(
        &sender,
        setup.keep.storage,
        setup.reader,
        setup.copies,
        setup.themes_folder,
    );
    let mut app = App {
        engine,
        workers: workers.map_err(ScreenError::Terminal)?,
        screen,
        state,
        layout: ScreenLayout::default(),
        started: Instant::now(),
        zone: TimeZone::system(),
        drawn: Drawn::default(),
        late: replies.late,
        connection: Connection::of_process(),
        to_edit: None,
    };
    let first = [
        Some(Action::Time(app.time())),
        (!replies.typed.is_empty()).then_some(Action::Paste(replies.typed)),
        Some(begin),
    ];
    app.screen
        .set_mouse(app.state.mouse)
        .map_err(ScreenError::Terminal)?;
    if app.state.alerts.method != AlertMethod::Off {
        app.screen.watch_focus().map_err(ScreenError::Terminal)?;
    }
    for action in first.into_iter().flatten() {
        // Nothing of this ends the run.
        let _ = app.act_and_perform(action).map_err(ScreenError::Lost)?;
    }
    let ending = runtime.block_on(app.until_the_end(news, &mut receiver, signals));
    // A key may still be awaited by a thread of the runtime's; the screen does not wait for it.
    runtime.shutdown_background();
    let left = app.leave(
        &mut receiver,
        ending.as_ref().copied().unwrap_or(Ending::Quit),
    );
    ending.map_err(ScreenError::Lost)?;
    Ok(left)
}

/// What lies between the program and the eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    /// This machine's own terminal.
    Local,
    /// A network.
    Remote,
}

impl Connection {
    fn of_process() -> Self {
        match std::env::var_os("SSH_CONNECTION").is_some_and(|it| !it.is_empty()) {
            true => Self::Remote,
            false => Self::Local,
        }
    }
}

struct App<'a> {
    engine: &'a mut dyn EngineClient,
    workers: Workers,
    screen: Screen,
    state: State,
    layout: ScreenLayout,
    started: Instant,
    zone: TimeZone,
    drawn: Drawn,
    late: Late,
    connection: Connection,
    /// A draft that the user's editor is to have.
    to_edit: Option<String>,
}

/// The last frame.
#[derive(Debug, Default)]
struct Drawn {
    /// When it was begun, since the start.
    at: Option<Duration>,
    /// How long it took.
    took: Duration,
}

/// News and keys are drawn at the latest after this many, even if more wait.
const BURST: usize = 256;

impl App<'_> {
    async fn until_the_end(
        &mut self,
        mut news: UnboundedReceiver<EngineEvent>,
        receiver: &mut UnboundedReceiver<Action>,
        mut signals: Signals,
    ) -> io::Result<Ending> {
        let mut keys = EventStream::new();
        let mut is_open = true;
        loop {
            let wake = self.draw_if_due()?;
            let wake_at = self.started + wake.unwrap_or_default();
            let mut typed = vec![];
            let mut actions = vec![];
            tokio::select! {
                key = keys.next() => typed.extend(read(key)?),
                event = news.recv(), if is_open => match event {
                    Some(event) => actions.push(Action::Engine(event)),
                    None => {
                        is_open = false;
                        actions.push(Action::EngineEnded);
                    }
                },
                signal = signals.next() => match signal {
                    SignalEvent::End(signal) => return Ok(Ending::Signal(signal)),
                    SignalEvent::Continued => self.come_back()?,
                },
                action = receiver.recv() => actions.extend(action),
                () = sleep_until(wake_at.into()), if wake.is_some() => (),
            }
            let waiting = std::iter::from_fn(|| news.try_recv().ok());
            actions.extend(waiting.take(BURST).map(Action::Engine));
            actions.extend(std::iter::from_fn(|| receiver.try_recv().ok()).take(BURST));
            read_waiting(&mut keys, &mut typed).await?;
            let time = std::iter::once(Action::Time(self.time()));
            let typed = self.unmarked_pastes(typed);
            for action in time.chain(typed).chain(actions) {
                // Even back in the size that it had, a terminal has lost what was outside of the smaller one.
                if let Action::Resize(_) = action {
                    self.screen.forget()?;
                    self.tell(Action::Redraw)?;
                }
                if self.act_and_perform(action)?.is_break() {
                    return Ok(Ending::Quit);
                }
            }
            if let Some(draft) = self.to_edit.take() {
                // Whoever reads keys would take them from the editor.
                drop(keys);
                self.edit(&draft)?;
                keys = EventStream::new();
                signals.forget_interrupts().await;
            }
        }
    }

    /// Gives the terminal to the user's editor until it ends.
    fn edit(&mut self, draft: &str) -> io::Result<()> {
        let editor = Editor::of(|name| std::env::var(name).ok());
        self.screen.give_back();
        let edited = editor.edit(draft);
        self.come_back()?;
        self.tell(Action::Time(self.time()))?;
        self.tell(Action::Edited(edited))
    }

    /// What was typed, without the terminal's late answers, and with the pastes found that nobody has marked: a terminal
    /// that marks its own says nothing of the programs that type into it.
    fn unmarked_pastes(&mut self, typed: Vec<Action>) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut keys = Vec::new();
        for action in typed {
            match action {
                Action::Key(key) if self.late.swallows(key) => (),
                Action::Key(key) => keys.push(key),
                other => {
                    actions.extend(burst::actions(std::mem::take(&mut keys)));
                    actions.push(other);
                }
            }
        }
        actions.extend(burst::actions(keys));
        actions
    }

    /// Draws if something has changed and the last frame is long enough ago; tells when to look again.
    fn draw_if_due(&mut self) -> io::Result<Option<Duration>> {
        if !self.state.is_dirty {
            return Ok(self.state.wakes_at());
        }
        let now = self.started.elapsed();
        let due = self.drawn.at.map_or(now, |at| at + self.interval());
        if now < due {
            return Ok(Some(due));
        }
        self.draw()?;
        self.drawn = Drawn {
            at: Some(now),
            took: self.started.elapsed() - now,
        };
        Ok(self.state.wakes_at())
    }

    /// 60 frames a second, 30 over a network; half as many while writing one takes long.
    fn interval(&self) -> Duration {
        const SLOW: Duration = Duration::from_millis(33);
        let interval = match self.connection {
            Connection::Local => Duration::from_micros(16_667),
            Connection::Remote => SLOW,
        };
        match self.drawn.took > SLOW {
            true => interval * 2,
            false => interval,
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        // The terminal's size is asked for in each frame; a resize may not have been told yet.
        let size = self.screen.size()?;
        self.tell(Action::Resize(size))?;
        let laid = self.layout.lay_out(&self.state);
        let wanted = self.layout.wanted(&self.state);
        self.workers.renderer.send(wanted);
        self.tell(Action::Frame(laid))?;
        let (state, layout) = (&self.state, &self.layout);
        let mut is_resized = false;
        self.screen.draw(&state.window_title(), |frame| {
            let area = frame.area();
            // It may have changed since it was asked for; the next frame fits again.
            is_resized = (area.width, area.height) != (state.size.columns, state.size.rows);
            if !is_resized {
                view::draw(state, layout, frame);
            }
        })?;
        match is_resized {
            true => self.tell(Action::Redraw),
            false => Ok(()),
        }
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        let action = self.layout.told(&self.state, action);
        update(&mut self.state, action)
    }

    fn act_and_perform(&mut self, action: Action) -> io::Result<ControlFlow<()>> {
        for effect in self.act(action) {
            if self.perform(effect)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Tells of what does not end the run.
    fn tell(&mut self, action: Action) -> io::Result<()> {
        self.act_and_perform(action).map(drop)
    }

    /// After a stop the shell may have changed the terminal, and its size.
    fn come_back(&mut self) -> io::Result<()> {
        self.screen.take_again()?;
        // Where saved themes are not told of, they were saved meanwhile.
        self.workers.themes.send(());
        self.tell(Action::Redraw)
    }

    fn time(&self) -> ScreenTime {
        let now = jiff::Timestamp::now().to_zoned(self.zone.clone());
        let part = |value: i8| u8::try_from(value).unwrap_or_default();
        ScreenTime {
            since_start: self.started.elapsed(),
            clock: TimeOfDay {
                hour: part(now.hour()),
                minute: part(now.minute()),
            },
        }
    }
}
