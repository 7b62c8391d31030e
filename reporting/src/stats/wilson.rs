//! The Wilson score interval of a share: honest for small numbers and near 0 and 1.

use super::Z95;

/// The 95 % Wilson score interval of `successes` in `trials`, within 0..=1. `None` without trials.
///
/// Wilson (1927), without continuity correction: centre `(p + z²/2n) / (1 + z²/n)`, half-width
/// `z / (1 + z²/n) · √(p(1 − p)/n + z²/4n²)`.
pub fn interval(successes: u64, trials: u64) -> Option<[f64; 2]> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::reference::{cases, close};

    #[test]
    fn it_agrees_with_statsmodels() {
        for case in cases("wilson") {
            let [low, high] = interval(case["k"].as_u64().unwrap(), case["n"].as_u64().unwrap()).unwrap();
            assert!(close(low, case["lo"].as_f64().unwrap()), "{case}");
            assert!(close(high, case["hi"].as_f64().unwrap()), "{case}");
        }
    }

    #[test]
    fn nothing_tried_says_nothing() {
        assert_eq!(interval(0, 0), None);
    }

    proptest! {
        #[test]
        fn it_holds_the_share_and_narrows_with_more_trials(k in 0u64..500, more in 0u64..500, times in 2u64..50) {
            let n = k + more;
            prop_assume!(n > 0);
            let [low, high] = interval(k, n).unwrap();
            let share = count(k) / count(n);
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            let [low_more, high_more] = interval(k * times, n * times).unwrap();
            prop_assert!(high_more - low_more < high - low);
        }
    }
}
