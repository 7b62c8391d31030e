//! The Wilson score interval of a share: honest for small numbers and near 0 and 1.

pub use domain::attainment::{count, wilson as interval};

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
