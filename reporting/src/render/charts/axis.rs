//! Scales and axes that all charts share.

use super::scene::{Anchor, Ink, Scene};
use crate::report::text;

/// A scale from values to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Scale {
    pub(super) fn at(&self, value: f64) -> f64 {
        if self.to <= self.from {
            return self.start;
        }
        self.start + (value - self.from) / (self.to - self.from) * (self.end - self.start)
    }
}

/// Round steps from zero that cover `most`, about `wanted` of them.
pub(super) fn ticks(most: f64, wanted: f64) -> Vec<f64> {
    if most <= 0.0 {
        return vec![0.0];
    }
    let raw = most / wanted;
    let magnitude = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * magnitude).find(|step| *step >= raw);
    let step = step.unwrap_or(10.0 * magnitude);
    let mut ticks = vec![0.0];
    let mut value = 0.0;
    while value < most {
        value += step;
        ticks.push(value);
    }
    ticks
}

/// A number on an axis: no more digits than it needs, thousands apart.
pub(super) fn label(value: f64) -> String {
    if value.fract() == 0.0 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = value.abs() as u64;
        format!("{}{}", if value < 0.0 { "−" } else { "" }, text::count(whole))
    } else {
        format!("{value}")
    }
}

/// Horizontal grid lines with their values to the left.
pub(super) fn grid(scene: &mut Scene, scale: &Scale, ticks: &[f64], left: f64, right: f64) {
    for tick in ticks {
        let y = scale.at(*tick);
        let ink = if *tick == 0.0 { Ink::Axis } else { Ink::Grid };
        scene.line((left, y), (right, y), ink, 1.0);
        scene.small((left - 8.0, y), &label(*tick), Anchor::End, Ink::Muted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_most() {
        assert_eq!(ticks(2_345.0, 4.0), [0.0, 1000.0, 2000.0, 3000.0]);
        assert_eq!(ticks(7.0, 4.0), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(0.0, 4.0), [0.0]);
    }
}
