//! What must hold whatever keys are pressed and whatever the engine says, in whatever order.

use super::*;
use crate::state::Focus;

/// A stream of numbers that is the same for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

const TURNS_OF_THE_DICE: usize = 120;
const SEEDS: u64 = 150;

/// Does something a user or an engine may do now; what the user sent is written down.
fn something(driver: &mut Driver, dice: &mut Dice, sent: &mut Vec<String>) {
    const LETTERS: [char; 8] = ['m', 's', 'l', 'r', 'u', 'g', 'p', 'h'];
    match dice.below(16) {
        0..3 => {
            let text = format!("message {}", sent.len());
            // Over an overlay, it goes elsewhere.
            if driver.state.overlays.is_empty() && driver.state.focus == Focus::Composer {
                sent.push(format!("{}{text}", driver.draft()));
            }
            driver.say(&text);
        }
        3 => drop(driver.key(KeyCode::Esc)),
        4 => drop(driver.ctrl('c')),
        5 => drop(driver.key(KeyCode::Up)),
        6 => drop(driver.key(KeyCode::Tab)),
        7 => drop(driver.key(KeyCode::Char(' '))),
        8 => {
            driver.ctrl('x');
            driver.key(KeyCode::Char(LETTERS[dice.below(LETTERS.len())]));
        }
        9 => drop(driver.key(KeyCode::Enter)),
        10 => drop(driver.ctrl('r')),
        11 => drop(driver.receive_turn(TurnEvent::Failed(failure()))),
        12 if driver.stage() == Some(Stage::Denoising) => driver.begin(),
        12 => drop(driver.receive_turn(TurnEvent::Paused(1))),
        13 => drop(driver.finish("Two and three", FinishReason::Complete)),
        14 => drop(driver.finish("", FinishReason::Stopped)),
        _ => {
            driver.wait(3000);
        }
    }
}

/// Everything of the user's own words that can be reached.
fn within_reach(driver: &Driver) -> Vec<String> {
    let state = &driver.state;
    let said = driver
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::You { text, .. } => Some(text.clone()),
            Entry::Answer(_) | Entry::Failure(_) | Entry::Note(_) => None,
        });
    let history = state.history.latest_first().map(str::to_owned);
    said.chain(history)
        .chain(state.queue.iter().cloned())
        .chain([driver.draft()])
        .collect()
}

#[test]
fn no_message_is_lost_whatever_is_pressed_and_whatever_the_engine_says() {
    for seed in 1..=SEEDS {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut driver = Driver::ready();
        let mut sent = Vec::new();
        for turn in 0..TURNS_OF_THE_DICE {
            something(&mut driver, &mut dice, &mut sent);
            let kept = within_reach(&driver);
            for text in &sent {
                let text = text.trim();
                assert!(
                    kept.iter().any(|kept| kept.contains(text)),
                    "seed {seed}, turn {turn}: {text:?} is nowhere in {kept:?}"
                );
            }
        }
    }
}

#[test]
fn esc_takes_nothing_away_but_what_lies_on_top() {
    for seed in 1..=SEEDS {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut driver = Driver::ready();
        for turn in 0..TURNS_OF_THE_DICE {
            something(&mut driver, &mut dice, &mut Vec::new());
            let mut after = Driver {
                state: driver.state.clone(),
                layout: ScreenLayout::default(),
                now: driver.now,
            };
            after.key(KeyCode::Esc);
            let what = format!("seed {seed}, turn {turn}");
            assert_eq!(after.draft(), driver.draft(), "{what}: the draft");
            assert_eq!(after.state.queue, driver.state.queue, "{what}: the queue");
            assert_eq!(after.entries(), driver.entries(), "{what}: what was said");
            let [now, before] = [&after, &driver].map(|it| it.state.overlays.len());
            assert!(
                now + 1 >= before,
                "{what}: {before} overlays became {now} at once"
            );
        }
    }
}
