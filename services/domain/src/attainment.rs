//! Attainment: how many of the settled clocks were met, and how much that says.

/// Two-sided 95 % quantile of the standard normal distribution.
pub const Z95: f64 = 1.959_963_984_540_054;

/// Clocks with a verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Attainment {
    /// Clocks that stopped in time.
    pub met: u64,
    /// Clocks that were met or breached.
    pub settled: u64,
}

impl Attainment {
    /// Counts one more clock with a verdict.
    pub fn count(&mut self, met: bool) {
        self.met += u64::from(met);
        self.settled += 1;
    }

    /// Adds other clocks.
    pub fn add(&mut self, other: Self) {
        self.met += other.met;
        self.settled += other.settled;
    }

    /// Clocks that were breached.
    pub fn breached(self) -> u64 {
        self.settled - self.met
    }

    /// The share that was met, within 0..=1. Empty: no clock has a verdict.
    pub fn ratio(self) -> Option<f64> {
        (self.settled > 0).then(|| count(self.met) / count(self.settled))
    }

    /// The 95 % interval of the share: [`wilson`].
    pub fn interval(self) -> Option<[f64; 2]> {
        wilson(self.met, self.settled)
    }
}

/// The 95 % Wilson score interval of `successes` in `trials`, within 0..=1: honest for small numbers and near 0 and 1.
/// `None` without trials.
///
/// Wilson (1927), without continuity correction: centre `(p + z²/2n) / (1 + z²/n)`, half-width
/// `z / (1 + z²/n) · √(p(1 − p)/n + z²/4n²)`.
pub fn wilson(successes: u64, trials: u64) -> Option<[f64; 2]> {
    if trials == 0 {
        return None;
    }
    let n = count(trials);
    let p = count(successes) / n;
    let z2 = Z95 * Z95;
    let scale = 1.0 + z2 / n;
    let centre = (p + z2 / (2.0 * n)) / scale;
    let half = Z95 / scale * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some([if successes == 0 { 0.0 } else { centre - half }, if successes == trials { 1.0 } else { centre + half }])
}

/// A count as a number; exact below 2^53.
#[allow(clippy::cast_precision_loss)]
pub fn count(value: u64) -> f64 {
    value as f64
}
