//! Percentiles and means of a sample, with intervals that assume no distribution where none is needed.

use super::Z95;
use super::wilson::count;

/// The `q`-quantile (0..=1) of a sorted sample by linear interpolation between the closest ranks: numpy's `linear`,
/// Hyndman and Fan's type 7. `None` for an empty sample.
pub fn linear(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = q.clamp(0.0, 1.0) * count(last as u64);
    let below = floor(rank).min(last);
    let above = (below + 1).min(last);
    let weight = rank - count(below as u64);
    Some(sorted[below] + (sorted[above] - sorted[below]) * weight)
}

/// A 95 % interval of the `q`-quantile from order statistics (normal approximation of the binomial ranks, Conover
/// 1999): no distribution is assumed. An end is `None` where the sample is too small to have one.
pub fn linear_interval(sorted: &[f64], q: f64) -> [Option<f64>; 2] {
    let n = count(sorted.len() as u64);
    let half = Z95 * (n * q * (1.0 - q)).sqrt();
    let at = |rank: f64| {
        // Ranks count from 1.
        let index = floor(rank).checked_sub(1)?;
        sorted.get(index).copied()
    };
    let low = (n * q - half).floor();
    let high = (n * q + half).ceil() + 1.0;
    [if low < 1.0 { None } else { at(low) }, at(high)]
}

/// The mean of whole numbers, summed exactly. `None` for an empty sample.
#[allow(clippy::cast_precision_loss)]
pub fn mean(values: &[i64]) -> Option<f64> {
    let sum: i128 = values.iter().copied().map(i128::from).sum();
    (!values.is_empty()).then(|| sum as f64 / count(values.len() as u64))
}

/// A 95 % interval of the mean by the central limit theorem: mean ± z·s/√n. Below 30 values there is none, since
/// durations are far from normal.
pub fn mean_interval(values: &[f64]) -> [Option<f64>; 2] {
    if values.len() < 30 {
        return [None, None];
    }
    let n = count(values.len() as u64);
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let half = Z95 * (squares / (n - 1.0) / n).sqrt();
    [Some(mean - half), Some(mean + half)]
}

/// The whole part of a number that is not negative.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn floor(value: f64) -> usize {
    value.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::reference::{cases, close, numbers};

    #[test]
    fn it_agrees_with_numpy() {
        for case in cases("percentile") {
            let mut values = numbers(&case["values"]);
            values.sort_by(f64::total_cmp);
            let value = linear(&values, case["q"].as_f64().unwrap()).unwrap();
            assert!(close(value, case["value"].as_f64().unwrap()), "{case}");
        }
    }

    #[test]
    fn an_empty_sample_has_no_percentile_and_no_mean() {
        assert_eq!(linear(&[], 0.5), None);
        assert_eq!(mean(&[]), None);
        assert_eq!(linear_interval(&[], 0.5), [None, None]);
    }

    #[test]
    fn a_small_sample_has_no_interval() {
        assert_eq!(linear_interval(&[1.0, 2.0, 3.0], 0.5), [None, None]);
        assert_eq!(mean_interval(&[1.0; 29]), [None, None]);
    }

    #[test]
    fn ranks_of_the_median_of_hundred_are_40_and_61() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(linear_interval(&sorted, 0.5), [Some(40.0), Some(61.0)]);
    }

    #[test]
    fn a_mean_of_large_numbers_is_exact() {
        assert_eq!(mean(&[i64::MAX, i64::MAX, 2 - i64::MAX, 2 - i64::MAX]), Some(1.0));
    }

    proptest! {
        #[test]
        fn a_percentile_lies_in_the_sample_and_in_its_interval(
            mut values in prop::collection::vec(-1e6f64..1e6, 1..200), q in 0.0f64..=1.0,
        ) {
            values.sort_by(f64::total_cmp);
            let value = linear(&values, q).unwrap();
            prop_assert!(values[0] <= value && value <= values[values.len() - 1]);
            let [low, high] = linear_interval(&values, q);
            prop_assert!(low.is_none_or(|low| low <= value));
            prop_assert!(high.is_none_or(|high| value <= high));
        }
    }
}
