use super::{
    branch, compare, conversation, draft, export, fill, find, fork, last_turn, load, replay, scan,
    settings, text_selection, themes,
};
use crate::action::Order;
use crate::clean::clean_line;
use crate::effect::{Effect, Mouse};
use crate::state::{Naming, State};

use super::copy;

/// What a slash command with an argument, or a panel, asks for.
pub(super) fn carry_out(state: &mut State, order: Order) -> Vec<Effect> {
    match order {
        Order::Rename(title) => rename(state, &title),
        Order::Delete(id) => return conversation::delete(state, id),
        Order::Copy(order) => return copy::carry_out(state, order),
        Order::Mouse(mouse) => return give_mouse(state, mouse),
        Order::Set(field, value) => settings::order(state, field, &value),
        Order::Preset(name) => settings::lay_preset(state, &name),
        Order::Dial(speed) => settings::turn_dial(state, speed),
        Order::Retry(seed) => return last_turn::retry(state, Some(seed)),
        Order::Scan => return scan::scan(state),
        Order::Look(look) => return scan::look(state, look),
        Order::Load(request) => return load::load(state, request),
        Order::Approve(approve) => return vec![Effect::Approve(approve)],
        Order::AddModel(model) => return vec![Effect::AddModel(model)],
        Order::Length(length) => {
            state.settings.length = length;
            return draft::submit(state);
        }
        Order::Theme(name) => return themes::ask(state, name),
        Order::Motion(motion) => state.motion = motion,
        Order::Insert(text) => draft::insert(state, &text),
        Order::Export(format, path) => return export::export(state, format, path),
        Order::Fill { template, parts } => return fill::fill(state, template, parts),
        Order::EditMessage(number) => fork::edit_turn(state, number),
        Order::Find(words) => find::find(state, words),
        Order::Compare(with) => return compare::compare(state, with),
        Order::Branch(name) => fork::go_to(state, name),
        Order::Replay(number) => return replay::open_turn(state, number),
        Order::Remask(what) => return branch::remask(state, what),
    }
    Vec::new()
}

fn rename(state: &mut State, title: &str) {
    state.title = clean_line(title);
    state.saved.naming = Naming::ByUser;
}

/// Gives the mouse to the screen or to the terminal.
pub(super) fn give_mouse(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    state.mouse = mouse;
    text_selection::let_go(state);
    state.notify(match mouse {
        Mouse::Captured => {
            "The mouse is captured: the wheel scrolls, drag selects; with Shift the terminal does"
        }
        Mouse::Released => "The mouse is the terminal's: drag selects",
    });
    vec![Effect::Mouse(mouse)]
}
