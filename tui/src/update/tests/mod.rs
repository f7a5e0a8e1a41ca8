mod alerts;
mod canvas;
mod chat;
mod copy;
mod exporting;
mod first_screen;
mod forks;
mod frame;
mod getting;
mod keeping;
mod last_turn;
mod long;
mod look;
mod models;
mod pins;
mod pointer;
mod replay;
mod rules;
mod settings;
mod text_selection;
mod trial;
mod trust;
mod turns;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unmask_core::Canvas;
use unmask_core::engine::{
    EngineEvent, Failure, FailureKind, Message, Outcome, Role, TurnEvent, TurnId, TurnInput,
    TurnRequest,
};
use unmask_core::event::{FinishReason, Stats};

use super::*;
use crate::action::{Command, Scroll, Size, TimeOfDay};
use crate::effect::Mouse;
use crate::fixture::{self, FixtureCell, MASK};
use crate::row::Row;
use crate::screen_layout::ScreenLayout;
use crate::state::{Entry, Overlay, Turn, View};

const CELLS: &[FixtureCell] = &[
    FixtureCell::Text(b"Two"),
    FixtureCell::Text(b" and"),
    FixtureCell::Text(b" three"),
];

/// A screen driven as the loop drives it.
struct Driver {
    state: State,
    layout: ScreenLayout,
    now: Duration,
}

impl Driver {
    /// Without a model.
    fn bare() -> Self {
        let size = Size {
            columns: 80,
            rows: 24,
        };
        Self {
            state: State::new(size),
            layout: ScreenLayout::default(),
            now: Duration::ZERO,
        }
    }

    /// With a model that waits.
    fn ready() -> Self {
        let mut driver = Self::bare();
        driver.receive(EngineEvent::Loaded(fixture::loaded(CELLS)));
        driver
    }

    /// In the middle of an answer to "hello".
    fn denoising() -> Self {
        let mut driver = Self::ready();
        driver.say("hello");
        driver.begin();
        driver
    }

    fn begin(&mut self) {
        let canvas = Canvas::new(&[], CELLS.len(), MASK);
        let params = self.state.settings.params.clone();
        self.receive_turn(TurnEvent::Started {
            canvas,
            params: Box::new(params),
            left_out: 0,
        });
        let commit = fixture::new(0, fixture::token(CELLS, 0), 0.9);
        self.receive_turn(TurnEvent::Step(fixture::step(1, 4, vec![commit])));
    }

    fn paused() -> Self {
        let mut driver = Self::denoising();
        driver.key(KeyCode::Esc);
        driver.receive_turn(TurnEvent::Paused(1));
        driver
    }

    /// With two answered messages.
    fn answered() -> Self {
        let mut driver = Self::denoising();
        driver.finish("Two **and** three", FinishReason::Complete);
        driver.say("more");
        driver.begin();
        driver.finish("```py\na\n```\n\n~~~\nb\n~~~", FinishReason::Complete);
        driver
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        // Whoever points has seen a frame.
        if let Action::Click(_) | Action::Drag(_) = action {
            self.frame();
        }
        let action = self.layout.told(&self.state, action);
        let mut all = Vec::new();
        for effect in update(&mut self.state, action) {
            match effect {
                Effect::ReadSelection(selection) => {
                    let text = self.layout.selected_text(&self.state, &selection);
                    all.extend(update(&mut self.state, Action::Selected(text)));
                }
                other => all.push(other),
            }
        }
        all
    }

    /// Draws, as far as the state learns of it.
    fn frame(&mut self) {
        let laid = self.layout.lay_out(&self.state);
        assert_eq!(update(&mut self.state, Action::Frame(laid)), []);
    }

    /// The rows of a part of the transcript, as laid out last.
    fn rows(&self, part: usize) -> Vec<String> {
        let parts = self.layout.parts(&self.state);
        parts[part].rows.iter().map(Row::text).collect()
    }

    /// Lets time pass.
    fn wait(&mut self, ms: u64) -> &mut Self {
        self.now += Duration::from_millis(ms);
        let time = ScreenTime {
            since_start: self.now,
            clock: TimeOfDay::default(),
        };
        self.act(Action::Time(time));
        self
    }

    fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
        self.wait(200);
        self.act(Action::Key(KeyEvent::new(code, modifiers)))
    }

    fn key(&mut self, code: KeyCode) -> Vec<Effect> {
        self.press(code, KeyModifiers::NONE)
    }

    fn ctrl(&mut self, character: char) -> Vec<Effect> {
        self.press(KeyCode::Char(character), KeyModifiers::CONTROL)
    }

    fn write(&mut self, text: &str) {
        for character in text.chars() {
            self.key(KeyCode::Char(character));
        }
    }

    fn say(&mut self, text: &str) -> Vec<Effect> {
        self.write(text);
        self.key(KeyCode::Enter)
    }

    fn receive(&mut self, event: EngineEvent) -> Vec<Effect> {
        self.act(Action::Engine(event))
    }

    fn receive_turn(&mut self, event: TurnEvent) -> Vec<Effect> {
        self.receive(EngineEvent::Turn(self.state.turn, event))
    }

    fn finish(&mut self, text: &str, reason: FinishReason) -> Vec<Effect> {
        self.receive_turn(TurnEvent::Finished(Outcome {
            canvas: Canvas::new(&[], CELLS.len(), MASK),
            text: text.to_owned(),
            holes: Vec::new(),
            reason,
            stats: Stats::default(),
        }))
    }

    fn draft(&self) -> String {
        self.state.composer.text()
    }

    fn notice(&self) -> &str {
        let notice = self.state.notice.as_ref();
        notice.map_or("", |notice| &notice.text)
    }

    /// The name of the topmost list.
    fn list(&self) -> &'static str {
        self.state.list().map_or("", |list| list.kind.name)
    }

    fn entries(&self) -> Vec<&Entry> {
        let item = self.state.transcript.entries.iter();
        item.map(|item| &item.entry).collect()
    }

    fn stage(&self) -> Option<Stage> {
        self.state.running().map(|turn: &Turn| turn.stage)
    }
}

/// What a started turn sends to the model.
fn sent(effects: &[Effect]) -> Vec<(Role, String)> {
    match effects {
        [Effect::Start(request)] => match &request.input {
            TurnInput::Chat { messages, .. } => messages
                .iter()
                .map(|Message { role, content }| (*role, content.clone()))
                .collect(),
            other => panic!("no conversation: {other:?}"),
        },
        other => panic!("no turn was started: {other:?}"),
    }
}

fn failure() -> Failure {
    Failure {
        kind: FailureKind::Usage,
        text: "5210 tokens, limit 4096".to_owned(),
        hint: "/new".to_owned(),
    }
}
