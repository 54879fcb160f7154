//! Spans of time of a session, to be asked about.

/// Spans of time, both ends in them, in order and apart from each other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spans(pub(super) Vec<(i64, i64)>);

impl Spans {
    /// Orders spans and joins those that touch.
    pub fn new(mut spans: Vec<(i64, i64)>) -> Self {
        spans.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::new();
        for (from, until) in spans {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(until),
                _ => joined.push((from, until.max(from))),
            }
        }
        Self(joined)
    }

    /// Whether one of them has a moment in common with `start..end`.
    pub fn touch(&self, start: i64, end: i64) -> bool {
        let at = self.0.partition_point(|(_, until)| *until < start);
        self.0.get(at).is_some_and(|(from, _)| *from < end)
    }

    /// Those that last at least this long.
    #[must_use]
    pub fn of_at_least(&self, ns: i64) -> Self {
        Self(self.0.iter().copied().filter(|(from, until)| until.saturating_sub(*from) >= ns).collect())
    }

    /// Whether a moment lies in one of them.
    pub fn hold(&self, t_ns: i64) -> bool {
        let at = self.0.partition_point(|(_, until)| *until < t_ns);
        self.0.get(at).is_some_and(|(from, _)| *from <= t_ns)
    }
}
