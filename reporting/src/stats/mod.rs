//! Statistics as plain functions: no data frames, no rounding, no randomness.
//! `reference.json` holds what statsmodels, lifelines and numpy say, with their versions; the tests agree with it.

pub mod percentile;
pub mod survival;
pub mod wilson;
pub mod xmr;

pub use domain::attainment::Z95;

#[cfg(test)]
pub(crate) mod reference {
    use serde_json::Value;

    /// The cases of one kind.
    pub(crate) fn cases(kind: &str) -> Vec<Value> {
        let all: Value = serde_json::from_str(include_str!("reference.json")).unwrap();
        all[kind].as_array().unwrap().clone()
    }

    /// The numbers of a list; what is no number stays out.
    pub(crate) fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().filter_map(Value::as_f64).collect()
    }

    /// Whether two numbers agree to nine decimals.
    pub(crate) fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }
}
