//! How long until it happens when some are still waiting: Kaplan-Meier, and Aalen-Johansen with a competing end.
//! Counting only what is finished makes waiting look shorter than it is.

use serde::Serialize;

use super::Z95;
use super::wilson::count;

/// How an observation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What is waited for happened.
    Event,
    /// Something else happened that rules it out for good.
    Competing,
    /// Still waiting when last seen.
    Censored,
}

/// One point of a curve: what holds from `time` until the next point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Time since the start, in the unit of the observations.
    pub time: i64,
    /// Waiting just before `time`.
    pub at_risk: u64,
    /// Events at `time`.
    pub events: u64,
    /// Share for which the event has happened by `time`: the cumulative incidence. Without competing ends this is one
    /// minus the Kaplan-Meier estimate.
    pub incidence: f64,
    /// Variance of the incidence.
    pub variance: f64,
}

/// The estimated curve of one population.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// Number of observations.
    pub n: u64,
    /// How many had the event.
    pub events: u64,
    /// How many had a competing end.
    pub competing: u64,
    /// How many were still waiting.
    pub censored: u64,
    /// Longest observation; `None` without any.
    pub last: Option<i64>,
    /// One point per time with an event or a competing end, rising.
    pub points: Vec<Point>,
}

/// The cumulative incidence of the event: Aalen-Johansen `F(t) = Σ S(tᵢ₋₁) dᵢ/nᵢ`, with the variance of Marubini and
/// Valsecchi (Collett, 3rd ed., p. 411), which is Greenwood's where nothing competes. At equal times ends come before
/// censorings.
pub fn curve(observations: &[(i64, Outcome)]) -> Curve {
    let mut sorted = observations.to_vec();
    sorted.sort_unstable();
    let total = |outcome| sorted.iter().filter(|(_, o)| *o == outcome).count() as u64;
    let mut curve = Curve {
        n: sorted.len() as u64,
        events: total(Outcome::Event),
        competing: total(Outcome::Competing),
        censored: total(Outcome::Censored),
        last: sorted.last().map(|(time, _)| *time),
        points: Vec::new(),
    };
    // S just before the time, F at it, and Σ a, Σ aF, Σ aF² … of the variance written out.
    let (mut survival, mut incidence) = (1.0_f64, 0.0_f64);
    let (mut square, mut linear, mut constant) = (0.0_f64, 0.0_f64, 0.0_f64);
    let mut seen = 0_u64;
    for group in sorted.chunk_by(|a, b| a.0 == b.0) {
        let at = |outcome| group.iter().filter(|(_, o)| *o == outcome).count() as u64;
        let (events, all) = (at(Outcome::Event), at(Outcome::Event) + at(Outcome::Competing));
        let at_risk = curve.n - seen;
        seen += group.len() as u64;
        if all == 0 {
            continue;
        }
        let (n, d, d1) = (count(at_risk), count(all), count(events));
        incidence += survival * d1 / n;
        // (F(t) − F(tᵢ))² a  +  S² d₁(n − d₁)/n³  −  2 (F(t) − F(tᵢ)) S d₁/n², summed over i, as a polynomial in F(t).
        let a = if all < at_risk { d / (n * (n - d)) } else { 0.0 };
        let b = survival * d1 / (n * n);
        square += a;
        linear += -2.0 * a * incidence - 2.0 * b;
        constant += a * incidence * incidence + survival * survival * d1 * (n - d1) / (n * n * n) + 2.0 * b * incidence;
        survival *= 1.0 - d / n;
        let variance = square * incidence * incidence + linear * incidence + constant;
        curve.points.push(Point { time: group[0].0, at_risk, events, incidence, variance: variance.max(0.0) });
    }
    curve
}

impl Point {
    /// The 95 % interval of the incidence by the log(−log) transformation of one minus it (exponential Greenwood), so
    /// that it stays within 0..=1.
    pub fn interval(&self) -> [f64; 2] {
        let rest = 1.0 - self.incidence;
        if rest <= 0.0 || self.incidence <= 0.0 {
            return [self.incidence, self.incidence];
        }
        let half = Z95 * self.variance.sqrt() / (rest * rest.ln().abs());
        [1.0 - rest.powf((-half).exp()), 1.0 - rest.powf(half.exp())]
    }
}

impl Curve {
    /// The incidence at `time`.
    pub fn incidence_at(&self, time: i64) -> f64 {
        let passed = self.points.partition_point(|point| point.time <= time);
        passed.checked_sub(1).map_or(0.0, |index| self.points[index].incidence)
    }

    /// The first time by which the event has happened for a share of at least `q`; `None` if it never does within
    /// what was seen.
    pub fn quantile(&self, q: f64) -> Option<i64> {
        self.first(|point| point.incidence, q)
    }

    /// The 95 % interval of a quantile: where the bounds of the curve cross `q` (Brookmeyer and Crowley). An end is
    /// `None` where its bound never does.
    pub fn quantile_interval(&self, q: f64) -> [Option<i64>; 2] {
        [self.first(|point| point.interval()[1], q), self.first(|point| point.interval()[0], q)]
    }

    fn first(&self, height: impl Fn(&Point) -> f64, q: f64) -> Option<i64> {
        // A hair of tolerance: a share of exactly one half is reached even where sums of fractions fall short of it.
        self.points.iter().find(|point| height(point) >= q - 1e-12).map(|point| point.time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::reference::{cases, close};

    fn observations(case: &serde_json::Value, outcomes: &str) -> Vec<(i64, Outcome)> {
        let times = case["times"].as_array().unwrap().iter();
        let outcomes = case[outcomes].as_array().unwrap().iter();
        times
            .zip(outcomes)
            .map(|(time, outcome)| {
                let outcome = match outcome.as_u64().unwrap() {
                    1 => Outcome::Event,
                    2 => Outcome::Competing,
                    _ => Outcome::Censored,
                };
                (time.as_i64().unwrap(), outcome)
            })
            .collect()
    }

    #[test]
    fn without_competing_ends_it_agrees_with_lifelines_kaplan_meier() {
        for case in cases("kaplan_meier") {
            let curve = curve(&observations(&case, "events"));
            for row in case["rows"].as_array().unwrap() {
                let time = row["t"].as_i64().unwrap();
                let surviving = row["s"].as_f64().unwrap();
                assert!(close(1.0 - curve.incidence_at(time), surviving), "{row}");
                let point = curve.points.iter().rfind(|point| point.time <= time);
                if let Some(point) = point.filter(|point| point.incidence > 0.0) {
                    let [low, high] = point.interval();
                    assert!(close(1.0 - high, row["lo"].as_f64().unwrap()), "{row}");
                    assert!(close(1.0 - low, row["hi"].as_f64().unwrap()), "{row}");
                }
            }
            let hours = |value: &serde_json::Value| value.as_f64().map(|v| v.round() as i64);
            assert_eq!(curve.quantile(0.5), hours(&case["median"]));
            let interval = case["median_interval"].as_array().unwrap();
            assert_eq!(curve.quantile_interval(0.5), [hours(&interval[0]), hours(&interval[1])]);
        }
    }

    #[test]
    fn with_competing_ends_it_agrees_with_lifelines_aalen_johansen() {
        for case in cases("aalen_johansen") {
            let curve = curve(&observations(&case, "outcomes"));
            for row in case["rows"].as_array().unwrap() {
                let time = row["t"].as_i64().unwrap();
                assert!(close(curve.incidence_at(time), row["f"].as_f64().unwrap()), "{row}");
                let variance = curve.points.iter().rfind(|p| p.time <= time).map_or(0.0, |p| p.variance);
                assert!(close(variance, row["var"].as_f64().unwrap()), "{row} {variance}");
            }
        }
    }

    #[test]
    fn open_ones_lengthen_the_median() {
        let closed: Vec<_> = (1..=10).map(|time| (time, Outcome::Event)).collect();
        let mut with_open = closed.clone();
        with_open.extend((1..=10).map(|_| (10, Outcome::Censored)));
        assert_eq!(curve(&closed).quantile(0.5), Some(5));
        assert_eq!(curve(&with_open).quantile(0.5), Some(10));
    }

    #[test]
    fn a_competing_end_never_turns_into_the_event() {
        let half: Vec<_> =
            (1..=10).map(|t| (t, if t % 2 == 0 { Outcome::Event } else { Outcome::Competing })).collect();
        let curve = curve(&half);
        assert!(close(curve.incidence_at(10), 0.5));
    }

    #[test]
    fn a_median_that_was_not_reached_is_not_invented() {
        let curve = curve(&[(1, Outcome::Event), (5, Outcome::Censored), (6, Outcome::Censored)]);
        assert_eq!(curve.quantile(0.5), None);
        assert_eq!(super::curve(&[]).quantile(0.5), None);
    }

    proptest! {
        #[test]
        fn the_curve_rises_within_its_interval(
            observations in prop::collection::vec((0i64..100, prop_oneof![
                Just(Outcome::Event), Just(Outcome::Competing), Just(Outcome::Censored)]), 0..150),
        ) {
            let curve = curve(&observations);
            prop_assert_eq!(curve.events + curve.competing + curve.censored, curve.n);
            let mut before = 0.0;
            for point in &curve.points {
                prop_assert!(point.incidence >= before - 1e-12 && point.incidence <= 1.0 + 1e-12);
                let [low, high] = point.interval();
                prop_assert!(low <= point.incidence + 1e-9 && point.incidence <= high + 1e-9);
                before = point.incidence;
            }
        }
    }
}
