//! What changes on the screen and is written again.

use super::*;

#[test]
fn what_changes_in_an_entry_is_written_again_however_long_it_is() {
    let mut driver = answered();
    assert_eq!(written(&driver.act(Action::Redraw)), [""; 0]);
    for entry in driver.state.transcript.entries.iter_mut() {
        match &mut entry.entry {
            Entry::You { text, .. } => *text = text.chars().rev().collect(),
            Entry::Answer(answer) => answer.stats.nfe += 1,
            Entry::Failure(_) | Entry::Note(_) => (),
        }
    }
    let again = written(&driver.act(Action::Redraw));
    let [asked, answer] = &again[..] else {
        panic!("{again:?}");
    };
    assert!(
        asked.starts_with("msg 1 after 0: olleh") && answer.starts_with("gen 2"),
        "{again:?}"
    );
    assert_eq!(written(&driver.act(Action::Redraw)), [""; 0]);
}
