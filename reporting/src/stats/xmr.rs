//! Signal or noise: the XmR chart (individuals and moving range), rules as the NHS "Making Data Count" uses them.

use serde::Serialize;

use super::wilson::count;

/// Fewest points for limits that mean something.
pub const MIN_POINTS: usize = 12;

/// Three standard deviations from a mean moving range of two: 3 / 1.128.
const LIMIT_FACTOR: f64 = 2.66;

/// The chart of a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chart {
    /// Mean of the points.
    pub mean: f64,
    /// Mean less 2.66 mean moving ranges; below zero where counts cannot be.
    pub lower: f64,
    /// Mean plus 2.66 mean moving ranges.
    pub upper: f64,
    /// What each point tells, in order; empty: common cause only.
    pub signals: Vec<Vec<Rule>>,
}

/// Why a point is more than noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Outside the limits.
    Outside,
    /// One of seven or more in a row on one side of the mean.
    Side,
    /// One of seven or more in a row that only rise or only fall.
    Trend,
    /// One of two out of three in the outer third towards the same limit.
    OuterThird,
}

impl Rule {
    /// The rule in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Outside => "outside the limits",
            Self::Side => "seven in a row on one side of the mean",
            Self::Trend => "seven in a row in one direction",
            Self::OuterThird => "two of three near the same limit",
        }
    }
}

/// The chart of `points` in time order; `None` below [`MIN_POINTS`].
///
/// Limits are mean ± 2.66 · mean moving range (Wheeler). A point on the mean interrupts a run.
pub fn chart(points: &[f64]) -> Option<Chart> {
    if points.len() < MIN_POINTS {
        return None;
    }
    let mean = points.iter().sum::<f64>() / count(points.len() as u64);
    let ranges = points.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    let range = ranges.sum::<f64>() / count(points.len() as u64 - 1);
    let (lower, upper) = (mean - LIMIT_FACTOR * range, mean + LIMIT_FACTOR * range);
    let mut signals = vec![Vec::new(); points.len()];
    for (index, &point) in points.iter().enumerate() {
        if point < lower || point > upper {
            signals[index].push(Rule::Outside);
        }
    }
    let side = |point: f64| sign(point - mean);
    mark_runs(&mut signals, Rule::Side, 7, |index| side(points[index]));
    // A trend of seven points has six steps; its first point belongs to it.
    let steps: Vec<i8> = points.windows(2).map(|pair| sign(pair[1] - pair[0])).collect();
    for (first, last) in runs(steps.len(), |index| steps[index]) {
        if last - first + 1 >= 6 {
            (first..=last + 1).for_each(|index| signals[index].push(Rule::Trend));
        }
    }
    let third = (upper - mean) * 2.0 / 3.0;
    let outer = |point: f64| {
        if (point - mean).abs() > third { side(point) } else { 0 }
    };
    for start in 0..points.len() - 2 {
        for direction in [-1, 1] {
            let near: Vec<usize> = (start..start + 3).filter(|&index| outer(points[index]) == direction).collect();
            if near.len() >= 2 {
                for index in near {
                    if !signals[index].contains(&Rule::OuterThird) {
                        signals[index].push(Rule::OuterThird);
                    }
                }
            }
        }
    }
    Some(Chart { mean, lower, upper, signals })
}

fn sign(value: f64) -> i8 {
    i8::from(value > 0.0) - i8::from(value < 0.0)
}

fn mark_runs(signals: &mut [Vec<Rule>], rule: Rule, least: usize, sign_at: impl Fn(usize) -> i8) {
    for (first, last) in runs(signals.len(), sign_at) {
        if last - first + 1 >= least {
            (first..=last).for_each(|index| signals[index].push(rule));
        }
    }
}

/// Stretches of one sign, as first and last index; a zero belongs to none.
fn runs(len: usize, sign_at: impl Fn(usize) -> i8) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for index in 0..len {
        if sign_at(index) == 0 {
            continue;
        }
        match found.last_mut() {
            Some((_, last)) if *last + 1 == index && sign_at(*last) == sign_at(index) => *last = index,
            _ => found.push((index, index)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rules that the point at `index` breaks.
    fn rules(points: &[f64], index: usize) -> Vec<Rule> {
        chart(points).unwrap().signals[index].clone()
    }

    #[test]
    fn eleven_points_have_no_limits() {
        assert_eq!(chart(&[1.0; 11]), None);
    }

    #[test]
    fn limits_are_266_mean_moving_ranges_from_the_mean() {
        // Mean 10; ranges alternate between 2 and 2, so the mean moving range is 2.
        let points: Vec<f64> = (0..12).map(|i| if i % 2 == 0 { 9.0 } else { 11.0 }).collect();
        let chart = chart(&points).unwrap();
        assert!((chart.mean - 10.0).abs() < 1e-12);
        assert!((chart.upper - 15.32).abs() < 1e-12 && (chart.lower - 4.68).abs() < 1e-12);
        assert!(chart.signals.iter().all(Vec::is_empty));
    }

    #[test]
    fn one_point_far_off_is_a_signal() {
        let mut points: Vec<f64> = (0..14).map(|i| if i % 2 == 0 { 9.0 } else { 11.0 }).collect();
        points[6] = 60.0;
        assert_eq!(rules(&points, 6), [Rule::Outside]);
        assert!(rules(&points, 5).is_empty());
    }

    #[test]
    fn seven_on_one_side_are_a_signal_and_six_are_not() {
        let shift = |low: usize| -> Vec<f64> {
            (0..14).map(|i| if i < low { 9.0 } else { 10.0 + f64::from(u8::from(i % 2 == 0)) }).collect()
        };
        assert!(rules(&shift(7), 0).contains(&Rule::Side));
        assert!(!rules(&shift(6), 0).contains(&Rule::Side));
    }

    #[test]
    fn seven_that_only_rise_are_a_signal() {
        let points = [10.0, 8.0, 12.0, 9.0, 1.0, 3.0, 5.0, 7.0, 9.5, 11.0, 13.0, 10.0, 9.0];
        assert!(rules(&points, 4).contains(&Rule::Trend) && rules(&points, 10).contains(&Rule::Trend));
        assert!(!rules(&points, 11).contains(&Rule::Trend));
    }

    #[test]
    fn two_of_three_near_one_limit_are_a_signal() {
        let points = [10.0, 11.0, 9.0, 10.0, 16.0, 10.0, 16.0, 10.0, 9.0, 11.0, 10.0, 8.0, 9.0, 11.0];
        let chart = chart(&points).unwrap();
        assert!(16.0 < chart.upper, "inside the limits");
        assert!(chart.signals[4].contains(&Rule::OuterThird) && chart.signals[6].contains(&Rule::OuterThird));
        assert!(chart.signals[5].is_empty());
    }

    proptest! {
        #[test]
        fn signals_do_not_depend_on_unit_or_origin(
            points in prop::collection::vec(0i32..50, 12..40), factor in 1i32..4, offset in -20i32..20,
        ) {
            // Whole numbers and powers of two keep the arithmetic exact enough to compare.
            let plain: Vec<f64> = points.iter().map(|&p| f64::from(p)).collect();
            let moved: Vec<f64> = points.iter().map(|&p| f64::from(p * (1 << factor) + offset * 64)).collect();
            let (a, b) = (chart(&plain).unwrap(), chart(&moved).unwrap());
            let outside = |chart: &Chart| chart.signals.iter().map(|s| s.contains(&Rule::Trend)).collect::<Vec<_>>();
            prop_assert_eq!(outside(&a), outside(&b));
            prop_assert!(a.lower <= a.mean && a.mean <= a.upper);
        }
    }
}
