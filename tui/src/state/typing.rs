use std::time::Duration;

/// Tells a paste from typing where it is not marked, since the terminal does not do that, or a program types: three characters and more that come under 8 ms apart
/// are one, and Enter within it or shortly after belongs to it, if more comes behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typing {
    last: Option<Duration>,
    run: usize,
    paste_until: Option<Duration>,
}

const GAP: Duration = Duration::from_millis(8);
const TAIL: Duration = Duration::from_millis(120);
const RUN: usize = 3;
/// Who has written nothing for this long has paused.
const PAUSE: Duration = Duration::from_millis(1500);

impl Typing {
    /// A character has come.
    pub fn character(&mut self, now: Duration) {
        let is_close = self.last.is_some_and(|last| now.saturating_sub(last) < GAP);
        self.run = if is_close { self.run + 1 } else { 1 };
        self.last = Some(now);
        if self.run >= RUN {
            self.paste_until = Some(now + TAIL);
        }
    }

    /// True if characters have just come, and more are to be expected.
    #[must_use]
    pub fn is_going_on(&self, now: Duration) -> bool {
        self.last
            .is_some_and(|last| now.saturating_sub(last) < PAUSE)
    }

    /// What was typed is sent; what comes next is another text.
    pub fn submitted(&mut self) {
        self.last = None;
    }

    /// When it is clear that nothing more of a paste comes behind an Enter at `now`.
    #[must_use]
    pub fn settled_at(now: Duration) -> Duration {
        now + TAIL
    }

    /// True if an Enter that comes now may be part of a paste.
    pub fn enter_is_pasted(&mut self, now: Duration) -> bool {
        let is_pasted = self.paste_until.is_some_and(|until| now <= until);
        if is_pasted {
            self.last = Some(now);
            self.paste_until = Some(now + TAIL);
        }
        is_pasted
    }

    /// True while more of a raw paste may come.
    #[must_use]
    pub fn is_pasting(&self, now: Duration) -> bool {
        self.paste_until.is_some_and(|until| now <= until)
    }

    /// A burst of keys has come: more of it may follow.
    pub fn burst(&mut self, now: Duration) {
        self.last = Some(now);
        self.run = RUN;
        self.paste_until = Some(now + TAIL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn typed(times: &[u64]) -> Typing {
        let mut typing = Typing::default();
        for &time in times {
            typing.character(ms(time));
        }
        typing
    }

    #[test]
    fn enter_after_a_burst_is_part_of_the_paste() {
        assert!(typed(&[0, 1, 2]).enter_is_pasted(ms(3)));
        assert!(typed(&[0, 1, 2]).enter_is_pasted(ms(122)));
    }

    #[test]
    fn enter_after_a_burst_of_keys_is_part_of_it() {
        let mut typing = Typing::default();
        typing.burst(ms(0));
        assert!(typing.enter_is_pasted(ms(100)));
        assert!(!typing.enter_is_pasted(ms(400)));
    }

    #[test]
    fn enter_after_typing_sends() {
        assert!(!typed(&[0, 90, 180, 270]).enter_is_pasted(ms(271)));
        assert!(!typed(&[0, 1]).enter_is_pasted(ms(2)));
        assert!(!typed(&[0, 1, 2]).enter_is_pasted(ms(123)));
    }
}
