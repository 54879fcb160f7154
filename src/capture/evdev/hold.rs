//! Holds inputs until it is certain which window they went to, where that decides whether they may be known.
//!
//! A compositor tells of another active window after it has sent keys there, and reads keys after the kernel has stamped them. So what came
//! within [`DOUBT`] before a window became active may have gone to it, and waits until no such change can come any more. Pure.
//!
//! Invariant: whatever may have gone to a window whose keys are hidden is handed over behind [`RawInput::Secret`], and nothing is handed over
//! that a later change could make secret. What it does not do: hide (the recorder does, by what it is told).

use std::collections::VecDeque;
use std::time::Duration;

use super::active::{Active, Turn};
use crate::base::event::Content;
use crate::base::time::MonoNs;
use crate::capture::RawInput;
use crate::privacy::exclude::Reason;

/// How long the compositor may take to read a key that the kernel has stamped.
const DOUBT: Duration = Duration::from_millis(100);
/// A title or name is told up to this many bytes of UTF-8.
const MAX_TEXT: usize = 256;
/// How many spans are remembered, for what is read late.
const MAX_SPANS: usize = 64;

/// A time in which keys are hidden, with both ends.
struct Span {
    from: MonoNs,
    /// `None`: it goes on.
    to: Option<MonoNs>,
    reason: Reason,
}

/// Holds what is not certain yet.
pub(super) struct Hold {
    /// In the order of time.
    waiting: VecDeque<(MonoNs, RawInput)>,
    spans: VecDeque<Span>,
    /// What was said last of hidden keys.
    told: Option<Reason>,
}

impl Hold {
    /// Begins with why keys are hidden at the start.
    pub(super) fn new(secret: Option<Reason>) -> Self {
        let first = secret.map(|reason| Span { from: MonoNs(i64::MIN), to: None, reason });
        Self { waiting: VecDeque::new(), spans: first.into_iter().collect(), told: secret }
    }

    /// Takes an input in.
    pub(super) fn push(&mut self, t: MonoNs, input: RawInput) {
        let at = self.waiting.partition_point(|(other, _)| *other <= t);
        self.waiting.insert(at, (t, input));
    }

    /// Takes in that another window is active, and why its keys are hidden.
    pub(super) fn turn(&mut self, turn: &Turn, secret: Option<Reason>) {
        let open = self.spans.back_mut().filter(|span| span.to.is_none());
        // The same window by another title, or one like it, goes on being hidden.
        if secret.is_none() || open.as_ref().map(|span| span.reason) != secret {
            if let Some(open) = open {
                open.to = Some(turn.at);
            }
            if let Some(reason) = secret {
                self.hide(before(turn.since), reason);
            }
        }
        self.push(turn.at, focus(turn.active.as_ref(), secret.is_some()));
    }

    fn hide(&mut self, from: MonoNs, reason: Reason) {
        // Rather too much is hidden than too little.
        if self.spans.len() == MAX_SPANS
            && let Some(oldest) = self.spans.pop_front()
            && let Some(front) = self.spans.front_mut()
        {
            front.from = oldest.from;
        }
        self.spans.push_back(Span { from, to: None, reason });
    }

    /// Hands over what is certain, since all changes are known up to a time.
    pub(super) fn certain(&mut self, known: MonoNs, give: &mut dyn FnMut(MonoNs, RawInput)) {
        let until = before(known);
        while self.waiting.front().is_some_and(|(t, _)| *t < until) {
            self.hand_over(give);
        }
        if self.waiting.is_empty() {
            self.tell(until, give);
        }
    }

    /// Hands over all, at the end. What is not certain, since changes are not known up to [`settled`], is hidden.
    pub(super) fn end(&mut self, known: MonoNs, end: MonoNs, give: &mut dyn FnMut(MonoNs, RawInput)) {
        if known < settled(end) {
            self.hide(before(known), Reason::FocusUnclear);
        }
        while !self.waiting.is_empty() {
            self.hand_over(give);
        }
    }

    fn hand_over(&mut self, give: &mut dyn FnMut(MonoNs, RawInput)) {
        let Some((t, input)) = self.waiting.pop_front() else { return };
        self.tell(t, give);
        give(t, input);
    }

    /// Says whether keys of a time are hidden, where that is not what was said last.
    fn tell(&mut self, t: MonoNs, give: &mut dyn FnMut(MonoNs, RawInput)) {
        let covers = |span: &&Span| span.from <= t && span.to.is_none_or(|to| t <= to);
        let reason = self.spans.iter().rev().find(covers).map(|span| span.reason);
        if reason != self.told {
            self.told = reason;
            give(t, RawInput::Secret { reason });
        }
    }
}

/// When changes have to be known up to, so that what came until a time is certain.
pub(super) fn settled(t: MonoNs) -> MonoNs {
    t.plus(DOUBT)
}

/// The row of another active window; of one that is hidden only its identifier.
pub(super) fn focus(active: Option<&Active>, is_hidden: bool) -> RawInput {
    let window_id = active.map(|active| active.id.clone()).unwrap_or_default();
    match active.filter(|_| !is_hidden) {
        Some(Active { app, title, pid, .. }) => {
            RawInput::Focus { window_id, title: Content(cut(title)), app: cut(app), pid: *pid }
        }
        None => RawInput::Focus { window_id, title: Content::default(), app: String::new(), pid: None },
    }
}

/// Cuts a text at a character.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}

fn before(t: MonoNs) -> MonoNs {
    MonoNs(t.0.saturating_sub(DOUBT.as_nanos() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    fn key(native: u32) -> RawInput {
        RawInput::Key { usage: None, native, down: true, repeat: false }
    }

    /// What was handed over, a word each: `!` and `?` begin and end a secret, `@` another window, numbers are keys.
    #[derive(Default)]
    struct Given(Vec<String>);

    impl Given {
        fn text(&self) -> String {
            self.0.join(" ")
        }

        fn take(&mut self) -> impl FnMut(MonoNs, RawInput) + '_ {
            |_, input| {
                self.0.push(match input {
                    RawInput::Secret { reason: Some(Reason::FocusUnclear) } => "~".to_owned(),
                    RawInput::Secret { reason: Some(_) } => "!".into(),
                    RawInput::Secret { reason: None } => "?".into(),
                    RawInput::Focus { title, .. } => format!("@{}", title.0),
                    RawInput::Key { native, .. } => native.to_string(),
                    _ => "x".into(),
                });
            }
        }
    }

    fn turn(since: i64, at: i64, title: &str) -> Turn {
        let active = Some(Active { id: "7".into(), title: title.into(), ..Active::default() });
        Turn { since: ms(since), at: ms(at), active }
    }

    #[test]
    fn keys_wait_until_no_change_can_come_any_more() {
        let (mut hold, mut given) = (Hold::new(None), Given::default());
        hold.push(ms(1000), key(1));
        hold.push(ms(1050), key(2));
        hold.certain(ms(1100), &mut given.take());
        assert_eq!(given.text(), "");
        hold.certain(ms(1101), &mut given.take());
        assert_eq!(given.text(), "1");
        hold.certain(ms(1200), &mut given.take());
        assert_eq!(given.text(), "1 2");
    }

    #[test]
    fn what_may_have_gone_to_a_hidden_window_is_behind_the_word() {
        let (mut hold, mut given) = (Hold::new(None), Given::default());
        for (t, native) in [(800, 1), (920, 2), (1010, 3), (1100, 4)] {
            hold.push(ms(t), key(native));
        }
        // It became active after 1000 and before 1020; keys from 900 on may have gone there.
        hold.turn(&turn(1000, 1020, "vault"), Some(Reason::Excluded));
        hold.certain(ms(1150), &mut given.take());
        assert_eq!(given.text(), "1 ! 2 3 @");
        hold.push(ms(1290), key(5));
        hold.push(ms(1310), key(6));
        hold.turn(&turn(1275, 1300, "notes"), None);
        hold.certain(ms(1500), &mut given.take());
        assert_eq!(given.text(), "1 ! 2 3 @ 4 5 @notes ? 6");
    }

    #[test]
    fn what_is_read_late_is_hidden_by_the_span_of_its_time() {
        let (mut hold, mut given) = (Hold::new(Some(Reason::Excluded)), Given::default());
        hold.turn(&turn(1000, 1010, "notes"), None);
        hold.certain(ms(2000), &mut given.take());
        hold.push(ms(990), key(1));
        hold.push(ms(1500), key(2));
        hold.certain(ms(2001), &mut given.take());
        assert_eq!(given.text(), "@notes ? ! 1 ? 2");
    }

    #[test]
    fn from_one_hidden_window_to_the_next_nothing_is_open() {
        let (mut hold, mut given) = (Hold::new(None), Given::default());
        hold.turn(&turn(1000, 1010, "one"), Some(Reason::Excluded));
        hold.push(ms(1150), key(1));
        hold.turn(&turn(1300, 1310, "two"), Some(Reason::LockScreen));
        hold.push(ms(1400), key(2));
        hold.certain(ms(2000), &mut given.take());
        assert_eq!(given.text(), "! @ 1 ! @ 2");
    }

    #[test]
    fn at_the_end_what_nobody_vouched_for_is_hidden() {
        for (known, said) in [(1100, "1 2"), (1099, "1 ~ 2"), (1000, "1 ~ 2")] {
            let (mut hold, mut given) = (Hold::new(None), Given::default());
            hold.push(ms(800), key(1));
            hold.push(ms(999), key(2));
            hold.end(ms(known), ms(1000), &mut given.take());
            assert_eq!(given.text(), said, "known up to {known}");
        }
        let (mut hold, mut given) = (Hold::new(None), Given::default());
        hold.push(ms(800), key(1));
        hold.end(MonoNs(i64::MIN), ms(1000), &mut given.take());
        assert_eq!(given.text(), "~ 1", "the compositor is gone");
    }

    #[test]
    fn a_hidden_window_that_changes_its_title_all_the_time_stays_hidden_to_its_first_key() {
        let (mut hold, mut given) = (Hold::new(None), Given::default());
        for at in 0..200 {
            hold.turn(&turn(1000 + at, 1001 + at, &format!("title {at}")), Some(Reason::Excluded));
        }
        // And windows that come and go faster than anybody remembers.
        for at in 0..200 {
            let secret = (at % 2 == 1).then_some(Reason::Excluded);
            hold.turn(&turn(2000 + at, 2001 + at, "x"), secret);
        }
        hold.push(ms(950), key(1));
        hold.certain(ms(5000), &mut given.take());
        assert!(given.text().starts_with("! 1 "), "{}", given.text());
    }

    #[test]
    fn a_title_is_cut_where_it_is_told() {
        let active = Active { title: "ä".repeat(1000), ..Active::default() };
        let RawInput::Focus { title, .. } = focus(Some(&active), false) else { panic!("no window") };
        assert_eq!(title.0, "ä".repeat(128));
    }
}
