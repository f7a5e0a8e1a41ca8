use std::sync::Arc;

use unmask_core::engine::{Loaded, TurnId};

use crate::clean::clean_line;
use crate::state::{Answer, Entry, State, TranscriptItem, Turn};
use unmask_core::conversations::StoppedCanvas;

/// What a resumed conversation still lacks when it is opened, since its model may come later.
pub(super) fn restore(state: &mut State) {
    if state.saved.canvases.is_empty() && state.saved.answered_by.is_none() {
        return;
    }
    let Some(loaded) = state.model.clone() else {
        return;
    };
    tell_of_another_model(state, &loaded);
    give_canvases_back(state, &loaded);
}

fn tell_of_another_model(state: &mut State, loaded: &Loaded) {
    if let Some(before) = state.saved.answered_by.take()
        && before != loaded.name
    {
        let names = [before, loaded.name.clone()].map(|name| clean_line(&name));
        let [before, now] = names;
        let note = format!("{before} answered here so far; now {now} does");
        state.transcript.push(Entry::Note(note));
    }
}

/// StoppedCanvas answers get their canvases back once the model is there that they belong to.
fn give_canvases_back(state: &mut State, loaded: &Arc<Loaded>) {
    let is_of_model = |stopped: &StoppedCanvas| stopped.model == loaded.key;
    let (now, later) = std::mem::take(&mut state.saved.canvases)
        .into_iter()
        .partition(is_of_model);
    state.saved.canvases = later;
    for stopped in now {
        give_back(&mut state.transcript.entries, &stopped, loaded);
    }
}

fn give_back(entries: &mut [TranscriptItem], stopped: &StoppedCanvas, loaded: &Arc<Loaded>) {
    if !fits(stopped, loaded) {
        tracing::warn!(
            key = loaded.key,
            "a stopped canvas does not fit the model of this key"
        );
        return;
    }
    let mut prompt = String::new();
    for item in entries {
        let is_it = item.kept.is_some_and(|kept| kept.id == stopped.id);
        match &mut item.entry {
            Entry::You { text, .. } => prompt.clone_from(text),
            Entry::Answer(answer) if is_it => {
                answer.trace = Some(Arc::new(turn(stopped, answer, loaded, prompt)));
                return;
            }
            Entry::Answer(_) | Entry::Failure(_) | Entry::Note(_) => (),
        }
    }
}

/// The file may be of another checkpoint under the same key, or damaged.
fn fits(stopped: &StoppedCanvas, loaded: &Loaded) -> bool {
    let mut tokens = stopped.canvas.tokens().iter();
    stopped.canvas.mask() == loaded.special.mask
        && tokens.all(|token| (token.0 as usize) < loaded.facts.vocab)
}

fn turn(stopped: &StoppedCanvas, answer: &Answer, loaded: &Arc<Loaded>, prompt: String) -> Turn {
    let mut turn = Turn::new(TurnId::default(), Arc::clone(loaded), prompt);
    turn.lay_out(stopped.canvas.clone(), &answer.params);
    turn.step = answer.stats.steps;
    turn.nfe = answer.stats.nfe;
    turn.elapsed = answer.stats.elapsed;
    turn.at_rest()
}
