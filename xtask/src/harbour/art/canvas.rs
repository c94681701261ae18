//! A small drawing board: pixels, and the few shapes that the harbour is drawn with.
//!
//! Whole numbers only, so that every machine draws the same bytes. Drawing outside the board is cut off, not an error.
//! File formats are `encode`'s business.

use super::palette::{Ink, NONE, by_letter};

/// A place on a board, from its upper left corner.
pub(crate) type Point = (i32, i32);

/// The thresholds of ordered dithering, 0 to 15.
const BAYER: [[i32; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// A board of straight RGBA pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Canvas {
    width: i32,
    height: i32,
    pixels: Vec<Ink>,
}

impl Canvas {
    /// A transparent board.
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let pixels = vec![NONE; usize::from(width) * usize::from(height)];
        Self { width: i32::from(width), height: i32::from(height), pixels }
    }

    /// A board of one colour.
    pub(crate) fn filled(width: u16, height: u16, ink: Ink) -> Self {
        let mut canvas = Self::new(width, height);
        canvas.pixels.fill(ink);
        canvas
    }

    /// A board drawn as rows of letters of the palette; as wide as its first row.
    pub(crate) fn from_rows(rows: &[&str]) -> Self {
        let width = rows.first().map_or(0, |row| row.len()) as u16;
        let mut canvas = Self::new(width, rows.len() as u16);
        for (y, row) in (0..).zip(rows) {
            for (x, letter) in (0..).zip(row.chars()) {
                canvas.set((x, y), by_letter(letter));
            }
        }
        canvas
    }

    pub(crate) fn width(&self) -> i32 {
        self.width
    }

    pub(crate) fn height(&self) -> i32 {
        self.height
    }

    /// All pixels, row by row.
    pub(crate) fn pixels(&self) -> &[Ink] {
        &self.pixels
    }

    fn index(&self, (x, y): Point) -> Option<usize> {
        let inside = (0..self.width).contains(&x) && (0..self.height).contains(&y);
        if inside { usize::try_from(y * self.width + x).ok() } else { None }
    }

    /// The pixel at `at`; transparent outside the board.
    pub(crate) fn get(&self, at: Point) -> Ink {
        self.index(at).map_or(NONE, |index| self.pixels[index])
    }

    pub(crate) fn set(&mut self, at: Point, ink: Ink) {
        if let Some(index) = self.index(at) {
            self.pixels[index] = ink;
        }
    }

    /// Several single pixels of one colour.
    pub(crate) fn dots(&mut self, places: &[Point], ink: Ink) {
        for at in places {
            self.set(*at, ink);
        }
    }

    pub(crate) fn rect(&mut self, (left, top): Point, (width, height): Point, ink: Ink) {
        for y in top..top + height {
            for x in left..left + width {
                self.set((x, y), ink);
            }
        }
    }

    /// The edge of a rectangle, one pixel wide.
    pub(crate) fn frame(&mut self, (left, top): Point, (width, height): Point, ink: Ink) {
        self.rect((left, top), (width, 1), ink);
        self.rect((left, top + height - 1), (width, 1), ink);
        self.rect((left, top), (1, height), ink);
        self.rect((left + width - 1, top), (1, height), ink);
    }

    pub(crate) fn line(&mut self, from: Point, to: Point, ink: Ink) {
        let (across, down) = ((to.0 - from.0).abs(), -(to.1 - from.1).abs());
        let step = ((to.0 - from.0).signum(), (to.1 - from.1).signum());
        let (mut at, mut error) = (from, across + down);
        loop {
            self.set(at, ink);
            if at == to {
                return;
            }
            let doubled = 2 * error;
            if doubled >= down {
                error += down;
                at.0 += step.0;
            }
            if doubled <= across {
                error += across;
                at.1 += step.1;
            }
        }
    }

    /// A filled circle. `diameter` is in pixels, so that even sizes are possible; `corner` is its upper left one.
    pub(crate) fn disc(&mut self, corner: Point, diameter: i32, ink: Ink) {
        for y in 0..diameter {
            for x in 0..diameter {
                let (dx, dy) = (2 * x + 1 - diameter, 2 * y + 1 - diameter);
                if dx * dx + dy * dy < diameter * diameter {
                    self.set((corner.0 + x, corner.1 + y), ink);
                }
            }
        }
    }

    /// A filled polygon; its edges belong to it.
    pub(crate) fn polygon(&mut self, corners: &[Point], ink: Ink) {
        let edges = || corners.iter().copied().zip(corners.iter().copied().cycle().skip(1));
        for y in 0..self.height {
            let mut crossings: Vec<i32> = edges()
                .filter(|(a, b)| (a.1 <= y) != (b.1 <= y))
                .map(|(a, b)| a.0 + (y - a.1) * (b.0 - a.0) / (b.1 - a.1))
                .collect();
            crossings.sort_unstable();
            for pair in crossings.chunks_exact(2) {
                self.rect((pair[0], y), (pair[1] - pair[0] + 1, 1), ink);
            }
        }
        for (a, b) in edges() {
            self.line(a, b, ink);
        }
    }

    /// Turns every pixel into what `change` makes of its place and colour.
    pub(crate) fn map(&mut self, change: impl Fn(Point, Ink) -> Ink) {
        for y in 0..self.height {
            for x in 0..self.width {
                let ink = self.get((x, y));
                self.set((x, y), change((x, y), ink));
            }
        }
    }

    /// Draws a line around everything that is drawn, on the transparent pixels beside it.
    pub(crate) fn outline(&mut self, ink: Ink) {
        let before = self.clone();
        self.map(|(x, y), old| {
            let beside = [(x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)];
            let touches = beside.into_iter().any(|at| before.get(at)[3] != 0);
            if old[3] == 0 && touches { ink } else { old }
        });
    }

    /// Puts another board's opaque pixels onto this one.
    pub(crate) fn stamp(&mut self, other: &Self, (left, top): Point) {
        for y in 0..other.height {
            for x in 0..other.width {
                let ink = other.get((x, y));
                if ink[3] != 0 {
                    self.set((left + x, top + y), ink);
                }
            }
        }
    }

    /// Fills the rows `from..to` with a dithered passage through `inks`, from above to below.
    pub(crate) fn gradient(&mut self, (from, to): Point, inks: &[Ink]) {
        let steps = 16 * ((inks.len() as u32).cast_signed() - 1);
        for y in from..to {
            let position = (y - from) * steps / (to - from);
            for x in 0..self.width {
                let above = i32::from(position % 16 > threshold((x, y)));
                let level = usize::try_from(position / 16 + above).unwrap_or(0).min(inks.len() - 1);
                self.set((x, y), inks[level]);
            }
        }
    }
}

/// The threshold of ordered dithering at a place.
fn threshold((x, y): Point) -> i32 {
    BAYER[(y & 3).cast_unsigned() as usize][(x & 3).cast_unsigned() as usize]
}

/// A number that looks random and is the same everywhere: 0 to 255, for a place and a purpose.
pub(crate) fn noise((x, y): Point, purpose: u32) -> u8 {
    let mut hash = purpose.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b;
    for part in [x, y] {
        hash ^= part.cast_unsigned().wrapping_add(0x27d4_eb2f);
        hash = hash.wrapping_mul(0xc2b2_ae35);
        hash ^= hash >> 15;
    }
    hash = hash.wrapping_mul(0x1656_67b1);
    (hash >> 24) as u8
}

#[cfg(test)]
mod tests {
    use super::super::palette::{FOAM, INK, RED};
    use super::*;

    #[test]
    fn shapes_stay_on_the_board_and_cover_what_they_say() {
        let mut canvas = Canvas::new(8, 8);
        canvas.rect((6, 6), (9, 9), RED);
        canvas.line((-3, 0), (11, 0), FOAM);
        assert_eq!(canvas.pixels().iter().filter(|ink| **ink == RED).count(), 4);
        assert_eq!(canvas.pixels().iter().filter(|ink| **ink == FOAM).count(), 8);
        canvas.polygon(&[(1, 2), (4, 2), (4, 5), (1, 5)], RED);
        assert_eq!(canvas.pixels().iter().filter(|ink| **ink == RED).count(), 4 + 16);
    }

    #[test]
    fn an_outline_surrounds_and_covers_nothing() {
        let mut canvas = Canvas::new(5, 5);
        canvas.set((2, 2), RED);
        canvas.outline(INK);
        assert_eq!(canvas.get((2, 2)), RED);
        assert_eq!(canvas.pixels().iter().filter(|ink| **ink == INK).count(), 4);
    }
}
