//! The storage on a folder of its own, as the screen drives it.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use unmask_core::Params;
use unmask_core::engine::TurnId;
use unmask_core::event::{FinishReason, Stats};
use unmask_core::params::{CacheMode, Transfer};

use unmask_core::conversations::{
    Access, Condition, Durability, HistoryFile, MessageId, Record, SessionFolder, SessionId,
    SessionStore, StoppedCanvas, Visibility,
};

use super::*;
use crate::screen_time::TimeOfDay;
use crate::state::{Answer, Entry, EntryVisibility};

mod traces;

/// 2026-11-24 12:04 UTC.
const NOW: i64 = 1_795_521_840;

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder can be made"),
        }
    }

    fn storage(&self) -> Storage {
        let folder = SessionFolder::within(self.folder.path());
        let history = HistoryFile::within(self.folder.path());
        Storage::new(SessionStore::new(folder), history, TimeZone::UTC)
    }

    fn sessions(&self) -> PathBuf {
        self.folder.path().join("unmask/sessions")
    }

    /// The only file, beside the lock that systems other than Unix have.
    fn file(&self) -> PathBuf {
        let year = fs::read_dir(self.sessions().join("2026")).expect("it was made");
        let mut files: Vec<PathBuf> = year.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| cfg!(unix) || path.extension() != Some("lock".as_ref()));
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }
}

fn act(storage: &mut Storage, job: Job) -> Option<StorageEvent> {
    let now = Timestamp::from_second(NOW).expect("it is a time");
    storage.act(job, now)
}

fn you(text: &str) -> Entry {
    Entry::You {
        text: text.to_owned(),
        kind: crate::state::MessageKind::Plain,
        at: TimeOfDay {
            hour: 12,
            minute: 4,
        },
    }
}

fn answer(text: &str) -> Entry {
    Entry::Answer(Answer {
        name: "toy".to_owned(),
        text: text.to_owned(),
        reason: FinishReason::EndToken,
        stats: Stats {
            steps: 8,
            nfe: 9,
            nfe_saved: 0.5,
            committed: 10,
            text_tokens: 7,
            elapsed: std::time::Duration::from_millis(1234),
            text_alone: true,
        },
        params: Box::new(Params {
            steps: 8,
            block_length: 4,
            temperature: 0.7,
            cfg_scale: 0.1,
            transfer: Transfer::Threshold(0.9),
            cache: CacheMode::Dual,
            seed: u64::MAX,
            ..Params::default()
        }),
        trace: None,
        log_kept: crate::state::LogKept::No,
    })
}

/// Entries as the screen writes them: each follows the one before.
fn records(entries: &[Entry], first: u64) -> Vec<Record> {
    let ids = (first..).map(MessageId);
    let record = |(entry, id): (&Entry, MessageId)| {
        let parent = id.0.checked_sub(1).filter(|&id| id > 0).map(MessageId);
        record_of(entry, id, parent).expect("it is written")
    };
    entries.iter().zip(ids).map(record).collect()
}

fn write(storage: &mut Storage, entries: &[Entry], first: u64) -> Option<StorageEvent> {
    act(
        storage,
        Job::Write(records(entries, first), Durability::Sync),
    )
}

#[track_caller]
fn saved(news: Option<StorageEvent>) -> SessionId {
    match news {
        Some(StorageEvent::Saved(id)) => id,
        other => panic!("it was not saved: {other:?}"),
    }
}

#[track_caller]
fn open(storage: &mut Storage, id: SessionId) -> Opened {
    match act(storage, Job::Open(id)) {
        Some(StorageEvent::Opened(opened)) => *opened,
        other => panic!("it was not opened: {other:?}"),
    }
}

fn entries(opened: &Opened) -> Vec<Entry> {
    let entries = opened.conversation.entries.iter();
    entries.map(|(_, _, entry)| entry.clone()).collect()
}

#[test]
fn what_is_written_comes_back_whole() {
    let desk = Desk::new();
    let blanks = Entry::You {
        text: "Two ___ three".to_owned(),
        kind: crate::state::MessageKind::Blanks,
        at: TimeOfDay {
            hour: 12,
            minute: 4,
        },
    };
    let said = [you("é\n\"漢\" \u{1b}[2J"), answer("b"), blanks];
    let id = saved(write(&mut desk.storage(), &said, 1));
    let opened = open(&mut desk.storage(), id);
    assert_eq!(entries(&opened), said);
    assert_eq!(
        (
            opened.access,
            opened.conversation.skipped,
            opened.conversation.last
        ),
        (Access::Write, 0, MessageId(3))
    );
}

#[test]
fn a_file_is_made_by_the_first_message_and_told_once() {
    let desk = Desk::new();
    let mut storage = desk.storage();
    assert_eq!(act(&mut storage, Job::Begin), None);
    assert!(!desk.sessions().exists());
    saved(write(&mut storage, &[you("a")], 1));
    assert_eq!(write(&mut storage, &[answer("b")], 2), None);
    assert!(desk.file().extension().is_some_and(|it| it == "jsonl"));
}

#[test]
fn a_file_cut_at_any_byte_is_gone_on_with_and_loses_one_record_at_most() {
    let desk = Desk::new();
    let id = saved(write(&mut desk.storage(), &[you("a"), answer("é")], 1));
    let whole = fs::read(desk.file()).expect("it is there");
    for cut in 0..=whole.len() {
        fs::write(desk.file(), &whole[..cut]).expect("it can be written");
        let lines = whole[..cut].iter().filter(|&&byte| byte == b'\n').count();
        let mut storage = desk.storage();
        let opened = open(&mut storage, id);
        assert!(opened.conversation.skipped <= 1, "cut at {cut}");
        let next = records(&[you("next")], opened.conversation.last.0 + 1);
        act(&mut storage, Job::Write(next, Durability::Flush));
        drop(storage);
        let again = entries(&open(&mut desk.storage(), id));
        assert_eq!(again.last(), Some(&you("next")), "cut at {cut}");
        assert!(again.len() > lines.saturating_sub(1), "cut at {cut}");
    }
}

#[test]
fn kinds_to_come_stay_where_they_are() {
    let desk = Desk::new();
    let id = saved(write(&mut desk.storage(), &[you("a")], 1));
    let strange = "{\"t\":\"pin\",\"at\":3,\"word\":\"x\"}\n";
    let before = fs::read_to_string(desk.file()).expect("it is there") + strange;
    fs::write(desk.file(), &before).expect("it can be written");
    let mut storage = desk.storage();
    assert_eq!(open(&mut storage, id).conversation.skipped, 0);
    write(&mut storage, &[answer("b")], 2);
    let after = fs::read_to_string(desk.file()).expect("it is there");
    assert!(after.starts_with(&before));
}

#[test]
fn a_second_reader_goes_on_in_a_copy_with_everything_in_it() {
    let desk = Desk::new();
    let mut first = desk.storage();
    let id = saved(write(&mut first, &[you("a"), answer("b")], 1));
    let mut second = desk.storage();
    assert_eq!(open(&mut second, id).access, Access::InUse);
    write(&mut first, &[you("of the first")], 3);
    act(&mut second, Job::Branch);
    let copy = saved(write(&mut second, &[you("of the second")], 3));
    assert_ne!(copy, id);
    drop((first, second));
    let read = |id| entries(&open(&mut desk.storage(), id));
    assert_eq!(read(id), [you("a"), answer("b"), you("of the first")]);
    assert_eq!(read(copy), [you("a"), answer("b"), you("of the second")]);
}

#[test]
fn a_disk_that_refuses_is_told_once_and_loses_nothing_once_it_takes_again() {
    let desk = Desk::new();
    let mut storage = desk.storage();
    // A file where the folder should be.
    fs::create_dir_all(desk.folder.path().join("unmask")).expect("it can be made");
    fs::write(desk.sessions(), "").expect("it can be written");
    let news = write(&mut storage, &[you("a")], 1);
    assert!(matches!(news, Some(StorageEvent::NotSaved(why)) if why.contains("sessions")));
    assert_eq!(write(&mut storage, &[answer("b")], 2), None);
    fs::remove_file(desk.sessions()).expect("it is there");
    let id = saved(write(&mut storage, &[you("c")], 3));
    drop(storage);
    let opened = open(&mut desk.storage(), id);
    assert_eq!(entries(&opened), [you("a"), answer("b"), you("c")]);
}

#[test]
fn a_newer_format_is_refused_with_a_word() {
    let desk = Desk::new();
    let id = saved(write(&mut desk.storage(), &[you("a")], 1));
    let text = fs::read_to_string(desk.file()).expect("it is there");
    fs::write(desk.file(), text.replace("\"v\":1", "\"v\":2")).expect("it can be written");
    let news = act(&mut desk.storage(), Job::Open(id));
    assert!(matches!(news, Some(StorageEvent::NotOpened(why)) if why.contains("newer unmask")));
}

#[test]
fn names_and_sights_are_read_again() {
    let desk = Desk::new();
    let mut storage = desk.storage();
    let id = saved(write(&mut storage, &[you("a"), answer("b")], 1));
    let visibility = Record::Visibility {
        ids: vec![MessageId(2)],
        visibility: Visibility::Replaced,
    };
    act(&mut storage, Job::Write(vec![visibility], Durability::Sync));
    drop(storage);
    let mut other = desk.storage();
    let renamed = act(&mut other, Job::Rename(id, "Primes".to_owned()));
    assert_eq!(renamed, Some(StorageEvent::Changed));
    let opened = open(&mut other, id);
    assert_eq!(opened.conversation.title.as_deref(), Some("Primes"));
    assert_eq!(opened.conversation.entries[1].1, EntryVisibility::Replaced);
}

#[test]
fn lists_say_what_can_be_done_with_each() {
    let desk = Desk::new();
    let mut first = desk.storage();
    let here = saved(write(
        &mut first,
        &[you("What is a prime?"), answer("b")],
        1,
    ));
    let mut second = desk.storage();
    let elsewhere = saved(write(&mut second, &[you("hello")], 1));
    let Some(StorageEvent::Listed(rows)) = act(&mut first, Job::List) else {
        panic!("no list");
    };
    let row = |id| rows.iter().find(|row| row.id == id).expect("it is listed");
    assert_eq!(
        (
            row(here).condition,
            row(here).messages,
            row(here).title.as_str()
        ),
        (Condition::Here, 2, "What is a prime?")
    );
    assert_eq!(row(elsewhere).condition, Condition::InUse);
    let refused = act(&mut first, Job::Delete(elsewhere));
    assert!(matches!(refused, Some(StorageEvent::Refused(why)) if why.contains("another unmask")));
    assert_eq!(
        act(&mut first, Job::Delete(here)),
        Some(StorageEvent::Changed)
    );
    assert!(desk.file().exists());
}

#[test]
fn conversations_are_found_by_the_beginning_of_their_ids() {
    let desk = Desk::new();
    let folder = SessionFolder::within(desk.folder.path());
    let why = |word: &str| folder.find(word).map(|it| it.id).map_err(|it| it.whole());
    let nothing = why("last").expect_err("there is none");
    assert!(nothing.contains("none is saved"), "{nothing}");
    let first = saved(write(&mut desk.storage(), &[you("a")], 1));
    let second = saved(write(&mut desk.storage(), &[you("b")], 1));
    assert_eq!(why(&first.to_string().to_lowercase()), Ok(first));
    assert_eq!(why(&second.to_string()[..25]), Ok(second));
    let several = why("0").expect_err("there are two");
    assert!(several.contains("2 conversations"), "{several}");
    let unknown = why("zzz").expect_err("there is none");
    assert!(unknown.contains(&second.to_string()), "{unknown}");
}

#[test]
fn a_stopped_canvas_is_kept_with_its_answer() {
    use unmask_core::{Canvas, Position, TokenId};
    let loaded = crate::fixture::loaded(&[]);
    let mut turn = crate::state::Turn::new(TurnId(1), loaded, "a".to_owned());
    let mut canvas = Canvas::new(&[TokenId(7), TokenId(8)], 4, TokenId(0));
    canvas.pin(Position(2), TokenId(9));
    canvas.commit(Position(3), TokenId(5));
    turn.lay_out(canvas.clone(), &Params::default());
    let Entry::Answer(mut stopped) = answer("b") else {
        panic!("it is an answer");
    };
    stopped.trace = Some(std::sync::Arc::new(turn));
    let kept = |reason| {
        let desk = Desk::new();
        let answer = Entry::Answer(Answer {
            reason,
            ..stopped.clone()
        });
        let id = saved(write(&mut desk.storage(), &[you("a"), answer], 1));
        open(&mut desk.storage(), id).conversation.canvases
    };
    let expected = StoppedCanvas {
        id: MessageId(2),
        model: "llada".to_owned(),
        canvas,
    };
    assert_eq!(kept(FinishReason::Stopped), [expected]);
    assert_eq!(kept(FinishReason::Complete), []);
}
