//! Beginning: the screen, and each turn: what is asked, how, and with which seed.

use std::sync::Arc;

use unmask_core::Params;
use unmask_core::engine::{
    Fill, FillBefore, FillBlocks, FillEnds, FillPart, LoadRequest, Loaded, Message, Role,
    TurnInput, TurnRequest,
};

use super::{load, scan};
use crate::effect::Effect;
use crate::session::Job;
use crate::state::{
    Activity, Entry, MessageKind, Playback, Seed, State, Turn, TurnOrigin, View, first_words,
};

/// The screen is open: what was sent before is read, the conversation to begin with, and the model. Who wants nothing kept
/// wants nothing changed.
pub(super) fn open(state: &mut State, model: Option<LoadRequest>, most_traces: u64) -> Vec<Effect> {
    let mut jobs = vec![Job::Recall, Job::Detail(state.saved.traces)];
    jobs.extend(state.saved.opening.map(Job::Open));
    jobs.extend(state.saved.is_wanted().then_some(Job::Trim(most_traces)));
    let mut effects: Vec<Effect> = jobs.into_iter().map(Effect::Keep).collect();
    effects.extend(match model {
        Some(request) => load::load(state, request),
        None => scan::scan(state),
    });
    effects
}

/// Begins a turn for the oldest message that waits, if there is one and the engine is free.
pub(super) fn send_next(state: &mut State) -> Vec<Effect> {
    if state.saved.opening.is_some() {
        return Vec::new();
    }
    let (Activity::Idle, Some(loaded)) = (&state.activity, state.model.clone()) else {
        return Vec::new();
    };
    let Some(text) = state.queue.pop_front() else {
        return Vec::new();
    };
    let (start, messages) = say(state, loaded, text, MessageKind::Plain);
    vec![ask(state, start, messages)]
}

/// Puts what the person says into the conversation; gives the turn that answers it, and all that was said.
pub(super) fn say(
    state: &mut State,
    loaded: Arc<Loaded>,
    text: String,
    kind: MessageKind,
) -> (TurnStart, Vec<Message>) {
    let mut messages = state.transcript.messages();
    messages.push(Message {
        role: Role::User,
        content: text.clone(),
    });
    if state.title.is_empty() {
        state.title = first_words(&text);
    }
    state.transcript.push(Entry::You {
        text: text.clone(),
        kind,
        at: state.now.clock,
    });
    state.transcript.show(View::Follow);
    let start = TurnStart {
        loaded,
        prompt: text,
        origin: TurnOrigin::Asked,
        seed: None,
    };
    (start, messages)
}

/// What a turn begins with.
pub(super) struct TurnStart {
    /// Who answers.
    pub(super) loaded: Arc<Loaded>,
    /// The message.
    pub(super) prompt: String,
    /// Why.
    pub(super) origin: TurnOrigin,
    /// Its seed; `None` leaves it to the settings.
    pub(super) seed: Option<u64>,
}

/// Asks for an answer to the last of `messages`, as the settings say.
pub(super) fn ask(state: &mut State, start: TurnStart, messages: Vec<Message>) -> Effect {
    let fit = state.settings.fit();
    let input = TurnInput::Chat {
        messages,
        pins: state.settings.pins.clone(),
        length: fit.length,
        overflow: state.settings.overflow,
    };
    begin(state, start, input, fit.params)
}

/// Asks for the blanks of a text that answers the last of `messages`, with these settings.
pub(super) fn ask_fill(
    state: &mut State,
    start: TurnStart,
    messages: Vec<Message>,
    parts: Vec<FillPart>,
    params: Params,
) -> Effect {
    let input = TurnInput::Fill(Fill {
        before: FillBefore::Chat(messages.clone()),
        parts,
        overflow: state.settings.overflow,
        blocks: FillBlocks::One,
        ends: FillEnds::Never,
    });
    let effect = begin(state, start, input, params);
    if let Some(turn) = state.running_mut() {
        turn.messages = messages;
    }
    effect
}

/// Begins a turn.
pub(super) fn begin(
    state: &mut State,
    start: TurnStart,
    input: TurnInput,
    mut params: Params,
) -> Effect {
    params.seed = start.seed.unwrap_or_else(|| next_seed(state));
    state.turn = state.turn.next();
    state.playback = Playback::default();
    let mut turn = Turn::new(state.turn, start.loaded, start.prompt);
    if let TurnInput::Chat { messages, .. } = &input {
        turn.messages.clone_from(messages);
    }
    turn.asked = Some(state.settings.fit().params);
    turn.origin = start.origin;
    turn.params = params.clone();
    state.activity = Activity::Turn(Box::new(turn));
    Effect::Start(Box::new(TurnRequest {
        turn: state.turn,
        input,
        params,
    }))
}

/// The seed of the next turn. Random ones are short, so that they can be typed again.
fn next_seed(state: &mut State) -> u64 {
    const SEEDS: u64 = 1_000_000;
    match state.settings.seed {
        Seed::Fixed(seed) => seed,
        Seed::Random => draw(&mut state.entropy) % SEEDS,
    }
}

/// SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
fn draw(entropy: &mut u64) -> u64 {
    *entropy = entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *entropy;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
