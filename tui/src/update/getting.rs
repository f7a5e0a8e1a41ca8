//! Getting a model from the hub: what it takes, a question, progress, and what came of it.

use super::scan;
use crate::action::Command;
use crate::clean::clean_line;
use crate::effect::Effect;
use crate::sentence::{capital, stopped};
use crate::state::{
    Cancellation, Confirm, GetJob, GetNews, GetStep, Getting, Overlay, State, Toast,
};

/// Asks what the model would take.
pub(super) fn ask(state: &mut State, name: &str) -> Vec<Effect> {
    begin(state, name, GetStep::Looking, GetJob::Look)
}

/// Has it fetched.
pub(super) fn fetch(state: &mut State, name: &str) -> Vec<Effect> {
    let step = GetStep::Fetching { done: 0, total: 0 };
    begin(state, name, step, GetJob::Fetch)
}

fn begin(
    state: &mut State,
    name: &str,
    step: GetStep,
    job: impl FnOnce(String) -> GetJob,
) -> Vec<Effect> {
    if let Some(getting) = &state.machine.getting {
        let text = format!(
            "{} is on its way: /stop ends that",
            clean_line(&getting.name)
        );
        state.notify(text);
        return Vec::new();
    }
    state.toast = None;
    state.machine.getting = Some(Getting {
        name: name.to_owned(),
        step,
        cancellation: Cancellation::NotRequested,
    });
    state.notify(match step {
        GetStep::Looking => format!("Asking the hub for {}…", clean_line(name)),
        GetStep::Fetching { .. } => format!("Fetching {}: /stop ends it", clean_line(name)),
    });
    vec![Effect::Get(job(name.to_owned()))]
}

/// Stops it; what has come is kept. `None` if nothing is on its way, or it was asked to stop before.
pub(super) fn stop(state: &mut State) -> Option<Vec<Effect>> {
    let getting = state.machine.getting.as_mut();
    let getting = getting.filter(|it| it.cancellation == Cancellation::NotRequested)?;
    getting.cancellation = Cancellation::Requested;
    Some(vec![Effect::StopGetting])
}

/// Somebody tells how far it is.
pub(super) fn told(state: &mut State, news: GetNews) -> Vec<Effect> {
    let Some(getting) = &mut state.machine.getting else {
        return Vec::new();
    };
    if let GetNews::Planned { name, .. } = &news {
        getting.name.clone_from(name);
    }
    let name = clean_line(&getting.name);
    if let GetNews::Progress { done, total } = news {
        getting.step = GetStep::Fetching { done, total };
        return Vec::new();
    }
    let (key, step) = (getting.name.clone(), getting.step);
    let is_stopped = getting.cancellation == Cancellation::Requested;
    state.machine.getting = None;
    state.notice = None;
    match news {
        GetNews::Progress { .. } => (),
        GetNews::Planned { .. } if is_stopped => {
            state.notify(format!("Stopped asking about {name}"));
        }
        GetNews::Stopped if step == GetStep::Looking => {
            state.notify(format!("Stopped asking about {name}"));
        }
        // A question would take the letters of what is being written.
        GetNews::Planned { obstacle: None, .. } if !state.composer.is_empty() => {
            state.notify(format!("{name} can be fetched: /models get {key} asks"));
        }
        GetNews::Planned {
            lines,
            obstacle: None,
            ..
        } => state.overlays.push(Overlay::Confirm(Confirm {
            title: format!("Get {name}?"),
            lines,
            yes: "fetch".to_owned(),
            letter: 'y',
            command: Command::Fetch(key),
        })),
        GetNews::Planned {
            obstacle: Some(obstacle),
            ..
        } => refuse(
            state,
            &name,
            vec![
                capital(&stopped(&obstacle)),
                format!("`unmask pull {name} --force` fetches it all the same."),
            ],
        ),
        GetNews::Done => {
            state.notify(format!("{name} is on disk now: /models {name} loads it"));
            return scan::scan(state);
        }
        GetNews::Stopped => state.notify(format!("Stopped fetching {name}; what has come is kept")),
        GetNews::Failed(why) => refuse(state, &name, vec![capital(&stopped(&why))]),
    }
    Vec::new()
}

fn refuse(state: &mut State, name: &str, lines: Vec<String>) {
    state.toast = Some(Toast {
        title: format!("{name} was not fetched"),
        lines,
    });
}
