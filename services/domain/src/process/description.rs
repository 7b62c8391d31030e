//! What a process says beyond how its tickets move: activities, and measures with their targets.

use serde::{Deserialize, Serialize};

use super::{Process, Transition};
use crate::amount::Decimal;

/// What is done in a process, apart from how a ticket moves. Responsibilities are stated for activities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Id in lower case: `authorise`. What responsibilities refer to.
    pub id: String,
    /// Name for people.
    pub display_name: String,
    /// What is done, in a paragraph.
    #[serde(default)]
    pub description: String,
    /// Ids of the transitions that are made in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<String>,
    /// Ids of the activities whose work is approved in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approves: Vec<String>,
}

/// On which side of a target is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    /// The target or more.
    AtLeast,
    /// The target or less.
    AtMost,
}

/// A measure of a process with its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Id of the measure as reports know it: `sla.attainment`.
    pub id: String,
    /// What it tells about this process, in a sentence. May be empty.
    #[serde(default)]
    pub description: String,
    /// Value that is aimed at.
    pub target: Decimal,
    /// What the value is counted in: `ratio`, `hours`.
    #[serde(default)]
    pub unit: String,
    /// On which side of the target is good.
    pub direction: Direction,
}

impl Process {
    /// The activity of that id.
    pub fn activity(&self, id: &str) -> Option<&Activity> {
        self.activities.iter().find(|activity| activity.id == id)
    }

    /// The activity that a transition is made in; the first one, should several claim it.
    pub fn activity_of(&self, transition: &str) -> Option<&Activity> {
        self.activities.iter().find(|activity| activity.transitions.iter().any(|id| id == transition))
    }

    /// The transitions that are made in an activity, in the order of the definition.
    pub fn transitions_of<'a>(&'a self, activity: &'a Activity) -> impl Iterator<Item = &'a Transition> {
        self.transitions.iter().filter(|transition| activity.transitions.contains(&transition.id))
    }
}
