//! What is kept on disk, and what comes back from there.

use super::*;
use crate::session::{Job, Opened, Resumed, StorageEvent};
use crate::state::{EntryVisibility, Naming, Persistence, TracesKept};
use unmask_core::conversations::{
    Access, Condition, Durability, MessageId, Record, SessionId, StoppedCanvas, Summary, Visibility,
};

mod changed;
mod lists;
mod running;

fn id() -> SessionId {
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse();
    id.expect("it is an id")
}

fn other() -> SessionId {
    let id = "01BX5ZZKBKACTAV9WEVGEMMVRZ".parse();
    id.expect("it is an id")
}

/// A screen with a model whose conversations are kept.
fn kept() -> Driver {
    let mut driver = Driver::ready();
    driver.state.saved.keeping = Persistence::All;
    driver
}

/// One whose first question is answered and on disk.
fn answered() -> Driver {
    let mut driver = kept();
    driver.say("hello");
    driver.receive_storage(StorageEvent::Saved(id()));
    driver.begin();
    driver.finish("Two", FinishReason::Complete);
    driver
}

impl Driver {
    fn receive_storage(&mut self, news: StorageEvent) -> Vec<Effect> {
        self.act(Action::Kept(news))
    }

    fn order(&mut self, command: Command) -> Vec<Effect> {
        self.act(Action::Do(command))
    }
}

fn jobs(effects: &[Effect]) -> Vec<&Job> {
    fn job(effect: &Effect) -> Option<&Job> {
        match effect {
            Effect::Keep(job) => Some(job),
            _ => None,
        }
    }
    effects.iter().filter_map(job).collect()
}

/// The kinds of the records written, in short.
fn written(effects: &[Effect]) -> Vec<String> {
    let records = jobs(effects).into_iter().filter_map(|job| match job {
        Job::Write(records, _) => Some(records.iter().map(short)),
        _ => None,
    });
    records.flatten().collect()
}

fn short(record: &Record) -> String {
    let number = |id: Option<MessageId>| id.map_or(0, |id| id.0);
    match record {
        Record::Head(_) => "head".to_owned(),
        Record::Msg(it) => format!("msg {} after {}: {}", it.id.0, number(it.parent), it.text),
        Record::Gen(it) => format!("gen {} after {}: {}", it.id.0, number(it.parent), it.text),
        Record::Title { text } => format!("title {text}"),
        Record::Visibility { ids, visibility } => format!("{visibility:?} {ids:?}"),
        Record::Del { ids } => format!("del {ids:?}"),
    }
}

fn opened(access: Access) -> StorageEvent {
    let entry = |id, entry| (MessageId(id), EntryVisibility::Seen, entry);
    StorageEvent::Opened(Box::new(Opened {
        id: other(),
        conversation: Resumed {
            parents: vec![(MessageId(2), MessageId(1))],
            entries: vec![
                entry(
                    1,
                    Entry::You {
                        text: "What is a prime?".to_owned(),
                        kind: crate::state::MessageKind::Plain,
                        at: TimeOfDay::default(),
                    },
                ),
                entry(
                    2,
                    Entry::Answer(crate::state::Answer {
                        name: "toy".to_owned(),
                        text: "A number.".to_owned(),
                        reason: FinishReason::Complete,
                        stats: Stats::default(),
                        params: Box::default(),
                        trace: None,
                        log_kept: crate::state::LogKept::No,
                    }),
                ),
            ],
            title: None,
            last: MessageId(2),
            model: "toy".to_owned(),
            skipped: 0,
            canvases: Vec::new(),
        },
        access,
        recovered: None,
    }))
}

fn opened_box() -> Box<Opened> {
    match opened(Access::Write) {
        StorageEvent::Opened(opened) => opened,
        other => panic!("it is opened, not {other:?}"),
    }
}

fn row(id: SessionId, title: &str, condition: Condition) -> Summary {
    Summary {
        id,
        title: title.to_owned(),
        messages: 2,
        model: "toy".to_owned(),
        age: Duration::from_secs(90),
        condition,
    }
}

#[test]
fn a_message_is_on_its_way_to_the_disk_before_its_turn_begins() {
    let mut driver = kept();
    let effects = driver.say("hello");
    let kinds: Vec<&str> = (effects.iter())
        .map(|effect| match effect {
            Effect::Keep(Job::Remember(_)) => "remember",
            Effect::Keep(Job::Write(_, Durability::Flush)) => "write",
            Effect::Start(_) => "start",
            _ => "?",
        })
        .collect();
    assert_eq!(kinds, ["remember", "write", "start"]);
    assert_eq!(written(&effects), ["msg 1 after 0: hello"]);
}

#[test]
fn an_answer_is_kept_at_the_end_of_its_turn_and_synced() {
    let mut driver = kept();
    driver.say("hello");
    driver.begin();
    let effects = driver.finish("Two", FinishReason::Complete);
    assert!(matches!(
        jobs(&effects)[..],
        [
            Job::Write(_, Durability::Sync),
            Job::Trace(MessageId(2), ..),
            Job::EndTrace
        ]
    ));
    assert_eq!(written(&effects), ["gen 2 after 1: Two"]);
}

#[test]
fn quitting_keeps_what_a_running_turn_has_come_to() {
    let mut driver = kept();
    driver.say("hello");
    driver.begin();
    let effects = driver.ctrl('d');
    assert_eq!(written(&effects), ["gen 2 after 1: Two"]);
    assert_eq!(effects.last(), Some(&Effect::Quit));
}

#[test]
fn nothing_is_written_of_an_empty_conversation() {
    let mut driver = kept();
    assert_eq!(driver.act(Action::Paste("draft".to_owned())), []);
    driver.act(Action::Do(crate::action::Command::Rename(
        "Name".to_owned(),
    )));
    assert_eq!(driver.order(Command::New), [Effect::Keep(Job::Begin)]);
}

#[test]
fn a_private_conversation_asks_nothing_of_the_disk() {
    let mut driver = Driver::ready();
    driver.state.saved.keeping = Persistence::Private;
    let mut effects = driver.say("hello");
    driver.begin();
    effects.extend(driver.finish("Two", FinishReason::Complete));
    effects.extend(driver.order(Command::New));
    assert_eq!(jobs(&effects), [] as [&Job; 0]);
}

#[test]
fn a_name_given_before_the_first_message_is_written_with_it() {
    let mut driver = kept();
    driver.say("/rename  Primes ");
    let effects = driver.say("hello");
    assert_eq!(written(&effects), ["msg 1 after 0: hello", "title Primes"]);
    assert_eq!(driver.state.saved.naming, Naming::Kept);
}

#[test]
fn a_message_that_was_not_sent_is_taken_back() {
    let mut driver = kept();
    driver.say("hello");
    let effects = driver.receive_turn(TurnEvent::Failed(failure()));
    assert_eq!(written(&effects), ["del [MessageId(1)]"]);
    let effects = driver.key(KeyCode::Enter);
    assert_eq!(written(&effects), ["msg 2 after 0: hello"]);
}

#[test]
fn what_the_model_no_longer_sees_is_told_and_the_next_message_follows_what_it_sees() {
    let mut driver = answered();
    for item in &mut driver.state.transcript.entries {
        item.visibility = EntryVisibility::Undone;
    }
    let effects = driver.act(Action::Wheel(1));
    assert_eq!(written(&effects), ["Undone [MessageId(1), MessageId(2)]"]);
    let effects = driver.say("again");
    assert_eq!(written(&effects), ["msg 3 after 0: again"]);
}

#[test]
fn an_answer_that_goes_on_keeps_its_name() {
    let mut driver = answered();
    if let Some(item) = driver.state.transcript.entries.last_mut()
        && let Entry::Answer(answer) = &mut item.entry
    {
        answer.text.push_str(" and three");
    }
    let effects = driver.act(Action::Wheel(1));
    assert_eq!(written(&effects), ["gen 2 after 1: Two and three"]);
}

#[test]
fn a_conversation_takes_the_place_of_the_one_before_and_is_gone_on_with() {
    let mut driver = answered();
    driver.state.saved.opening = Some(other());
    driver.receive_storage(opened(Access::Write));
    assert_eq!(driver.state.title, "What is a prime?");
    assert_eq!(driver.entries().len(), 3, "with a word about the model");
    let effects = driver.say("And 2?");
    assert_eq!(written(&effects), ["msg 3 after 2: And 2?"]);
    assert!(matches!(effects.last(), Some(Effect::Start(_))));
}

#[test]
fn no_turn_begins_while_a_conversation_is_being_opened() {
    let mut driver = kept();
    driver.state.saved.opening = Some(other());
    assert_eq!(written(&driver.say("And 2?").clone()), [] as [&str; 0]);
    assert_eq!(driver.stage(), None);
    let effects = driver.receive_storage(opened(Access::Write));
    assert_eq!(written(&effects), ["msg 3 after 2: And 2?"]);
    let TurnInput::Chat { messages, .. } = started(&effects) else {
        panic!("it is a chat");
    };
    assert_eq!(messages.len(), 3);
}

fn started(effects: &[Effect]) -> &TurnInput {
    match effects.last() {
        Some(Effect::Start(request)) => &request.input,
        other => panic!("no turn was started: {other:?}"),
    }
}

#[test]
fn a_conversation_of_another_process_goes_on_in_a_copy_with_the_first_message() {
    let mut driver = kept();
    driver.state.saved.opening = Some(other());
    driver.receive_storage(opened(Access::InUse));
    assert_eq!(driver.state.saved.word(), Some("read-only"));
    assert_eq!(
        driver.act(Action::Do(crate::action::Command::Rename("x".to_owned()))),
        []
    );
    let effects = driver.say("mine");
    assert!(matches!(
        jobs(&effects)[..],
        [Job::Remember(_), Job::Branch, Job::Write(..)]
    ));
    assert_eq!(written(&effects), ["msg 3 after 2: mine", "title x"]);
    assert_eq!(driver.state.saved.word(), None);
}

#[test]
fn a_conversation_that_cannot_be_opened_leaves_the_one_before() {
    let mut driver = answered();
    driver.state.saved.opening = Some(other());
    driver.receive_storage(StorageEvent::NotOpened("no".to_owned()));
    assert_eq!(driver.entries().len(), 2);
    assert!(driver.state.toast.is_some());
    assert_eq!(written(&driver.say("on")), ["msg 3 after 2: on"]);
}

#[test]
fn a_disk_that_refuses_is_told_in_a_corner_and_in_the_header() {
    let mut driver = answered();
    driver.receive_storage(StorageEvent::NotSaved("no space left on device".to_owned()));
    assert_eq!(driver.state.saved.word(), Some("not saved"));
    driver.key(KeyCode::Esc);
    assert_eq!(written(&driver.say("on")), ["msg 3 after 2: on"]);
    assert_eq!(driver.state.toast, None);
    driver.receive_storage(StorageEvent::Saved(id()));
    assert_eq!(driver.state.saved.word(), None);
}

#[test]
fn a_trace_that_is_not_wanted_is_neither_written_nor_told_of() {
    let both = [
        (TracesKept::All, (true, 1)),
        (TracesKept::Lean, (true, 1)),
        (TracesKept::Off, (false, 0)),
    ];
    for (traces, expected) in both {
        let mut driver = kept();
        driver.state.saved.traces = traces;
        driver.say("hello");
        driver.begin();
        driver.receive_turn(TurnEvent::Step(fixture::step(1, 4, Vec::new())));
        let effects = driver.finish("Two", FinishReason::Complete);
        let jobs = jobs(&effects);
        let traced = jobs.iter().any(|job| {
            let Job::Write(records, _) = job else {
                return false;
            };
            records
                .iter()
                .any(|it| matches!(it, Record::Gen(answer) if answer.traced))
        });
        let written = jobs.iter().filter(|job| matches!(job, Job::Trace(..)));
        assert_eq!((traced, written.count()), expected);
    }
}

#[test]
fn a_new_conversation_leaves_the_one_before_on_disk() {
    let mut driver = answered();
    assert_eq!(driver.order(Command::New), [Effect::Keep(Job::Begin)]);
    assert_eq!(driver.state.saved.id, None);
    assert_eq!(written(&driver.say("b")), ["msg 1 after 0: b"]);
}

#[test]
fn deleting_asks_first() {
    let mut driver = answered();
    driver.say("/delete");
    assert!(matches!(driver.state.overlays[..], [Overlay::Confirm(_)]));
    assert_eq!(driver.key(KeyCode::Esc), []);
    assert_eq!(driver.entries().len(), 2);
    driver.order(Command::Delete);
    let effects = driver.key(KeyCode::Char('y'));
    assert_eq!(jobs(&effects), [&Job::Delete(id()), &Job::Begin]);
    assert_eq!(driver.entries().len(), 0);
}

#[test]
fn a_running_turn_keeps_its_conversation_on_the_screen() {
    let mut driver = kept();
    driver.say("hello");
    driver.receive_storage(StorageEvent::Saved(id()));
    driver.begin();
    assert_eq!(driver.order(Command::New), []);
    driver.order(Command::Delete);
    assert_eq!(driver.state.overlays, []);
    driver.order(Command::Sessions);
    driver.receive_storage(StorageEvent::Listed(vec![row(
        other(),
        "Primes",
        Condition::Free,
    )]));
    assert_eq!(driver.key(KeyCode::Enter), []);
    assert!(driver.notice().contains("stop it first"));
}
