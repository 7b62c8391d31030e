//! What the real data lacks: names, promises, owners, money. Invented, marked so, and brought in as any files are.

use crate::apply::{self, Remote, Source};
use crate::import::Problem;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../demo/overlay/", $name)))),*]
    };
}

const FILES: [(&str, &str); 8] = shipped![
    "customers.yaml",
    "objectives.yaml",
    "services.yaml",
    "promises.yaml",
    "suppliers.yaml",
    "people.yaml",
    "value.yaml",
    "outages.yaml",
];

/// Adds what is missing and leaves alone what is there. Returns how many resources were created.
pub async fn add(remote: &Remote) -> Result<usize, Problem> {
    let sources = FILES.map(|(name, text)| Source { path: format!("demo/overlay/{name}"), text: text.to_owned() });
    apply::add(remote, &sources).await
}
