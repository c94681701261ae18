//! `Reckoning`: which position each line of a segment has, where lines can be damaged, missing or doubled.
//!
//! The line of an event is as far into its segment as its position is from the segment's, unless somebody took lines out
//! or put some in. Then events say other positions than their lines have, and those after them do so by as much. One
//! event that alone says another position is damaged: those after it say so, and what was thought is taken back.

/// How many changes of the shift are remembered at the least. A reader of a log goes back by as many lines, or to the
/// beginning of the segment.
const KEPT: usize = 256;

/// Reckons the positions of the lines of one segment after the other.
#[derive(Debug)]
pub(crate) struct Reckoning {
    /// At which position the segment begins.
    first: u64,
    /// How far the positions of its events are from those of their lines.
    shift: i128,
    /// The position of the last event.
    at: u64,
    /// What was thought before the last event alone said otherwise.
    before: Option<(i128, u64)>,
    /// The lines from which on the shift was another one, each with the shift of those before it.
    changes: Vec<(u64, i128)>,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// After the one before it. Where its position is not the next one, those between are missing.
    Next,
    /// Somewhere where it or another event was already: it is none.
    Repeated,
    /// After the one before the last: that one said a wrong position.
    Back,
}

impl Reckoning {
    /// Of the segment that begins at `first`.
    pub(crate) fn from(first: u64) -> Self {
        Self { first, shift: 0, at: first.saturating_sub(1), before: None, changes: Vec::new() }
    }

    /// At which position the segment begins.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Goes on with the segment that begins at `first`. If the last event said a position that is not before that, gives the
    /// position before the segment: it was wrong.
    pub(crate) fn begin_segment(&mut self, first: u64) -> Option<u64> {
        let back = (self.at >= first).then(|| first.saturating_sub(1));
        *self = Self::from(first);
        back
    }

    /// The position of the `line`th line of the log, counted as if none were missing or doubled.
    pub(crate) fn position_of(&self, line: u64) -> u64 {
        let position = i128::from(line).saturating_add(self.shift);
        u64::try_from(position.max(0)).unwrap_or(u64::MAX)
    }

    /// Where the event in the `line`th line stands that says it is at `position`.
    pub(crate) fn place(&mut self, line: u64, position: u64) -> Placed {
        let shift = i128::from(position) - i128::from(line);
        if position > self.at {
            self.before = (shift != self.shift).then_some((self.shift, self.at));
            if shift != self.shift {
                if self.changes.len() == 2 * KEPT {
                    self.changes.drain(..KEPT);
                }
                self.changes.push((line, self.shift));
            }
            (self.shift, self.at) = (shift, position);
            return Placed::Next;
        }
        match self.before {
            Some((before, at)) if position > at && shift == before => {
                (self.shift, self.at, self.before) = (shift, position, None);
                self.changes.pop();
                Placed::Back
            }
            _ => Placed::Repeated,
        }
    }

    /// Forgets what was read from the `line`th line on, and gives the position before that: as those before it say.
    pub(crate) fn go_back_to(&mut self, line: u64) -> u64 {
        while let Some((_, shift)) = self.changes.pop_if(|(from, _)| *from >= line) {
            self.shift = shift;
        }
        if line <= self.first {
            self.shift = 0;
        }
        let before = self.position_of(line).saturating_sub(1);
        (self.at, self.before) = (self.at.min(before), None);
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where each of these events of a segment that begins at 5 stands.
    fn places(positions: &[u64]) -> Vec<Placed> {
        let mut reckoning = Reckoning::from(5);
        (5..).zip(positions).map(|(line, position)| reckoning.place(line, *position)).collect()
    }

    #[test]
    fn what_is_taken_out_or_put_in_moves_all_that_follows() {
        use Placed::{Next, Repeated};
        assert_eq!(places(&[5, 6, 7]), [Next, Next, Next]);
        assert_eq!(places(&[5, 8, 9]), [Next, Next, Next], "6 and 7 are missing");
        assert_eq!(places(&[5, 6, 6, 5, 7, 8]), [Next, Next, Repeated, Repeated, Next, Next]);
        assert_eq!(places(&[0, 4, 5]), [Repeated, Repeated, Next]);
        let mut reckoning = Reckoning::from(5);
        reckoning.place(5, 7);
        assert_eq!(reckoning.position_of(6), 8);
        assert_eq!((reckoning.go_back_to(5), reckoning.place(5, 7)), (4, Next));
    }

    #[test]
    fn what_is_forgotten_says_nothing_of_what_comes_in_its_place() {
        use Placed::{Back, Next, Repeated};
        let mut reckoning = Reckoning::from(1);
        assert_eq!([reckoning.place(1, 1), reckoning.place(3, 4), reckoning.place(4, 9)], [Next; 3]);
        // 5 to 8 are missing for the line that is forgotten, and not for the one in its place.
        assert_eq!((reckoning.go_back_to(4), reckoning.place(4, 5)), (4, Next));
        assert_eq!(
            (reckoning.go_back_to(2), reckoning.place(2, 2), reckoning.place(3, 2)),
            (1, Next, Repeated)
        );
        // One that was taken back left nothing behind.
        assert_eq!([reckoning.place(3, 96), reckoning.place(4, 4)], [Next, Back]);
        assert_eq!((reckoning.go_back_to(4), reckoning.position_of(4)), (3, 4));
        // However many there were.
        let mut reckoning = Reckoning::from(1);
        for line in 1..2000 {
            assert_eq!(reckoning.place(line, 2 * line), Next);
        }
        assert_eq!((reckoning.go_back_to(1900), reckoning.go_back_to(1800)), (2 * 1899, 2 * 1799));
        assert_eq!((reckoning.go_back_to(1), reckoning.position_of(1)), (0, 1));
    }

    #[test]
    fn one_event_that_says_a_wrong_position_silences_none_after_it() {
        use Placed::{Back, Next};
        assert_eq!(places(&[5, 96, 7, 8]), [Next, Next, Back, Next]);
        assert_eq!(places(&[5, 7, 96, 9, 10]), [Next, Next, Next, Back, Next], "6 is missing, too");
        assert_eq!(places(&[u64::MAX, 6]), [Next, Back]);
        let mut reckoning = Reckoning::from(5);
        reckoning.place(5, u64::MAX);
        assert_eq!((reckoning.position_of(6), reckoning.begin_segment(6)), (u64::MAX, Some(5)));
        assert_eq!(reckoning.begin_segment(7), None);
    }
}
