//! An objective: one metric, its target, and the policies by which its time is counted.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Kind;
use crate::process::{Category, PendingReason};

/// One promise of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Id within the agreement: `p1-resolution`.
    pub id: String,
    /// What is measured.
    pub metric: Metric,
    /// Practices it holds for. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub practices: Vec<String>,
    /// Priorities it holds for, from 1. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub priorities: Vec<u8>,
    /// Names of the offerings it holds for. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offerings: Vec<String>,
    /// Within which time the promise is kept. Empty only for AGREED_DATE, whose date is on the ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Name of the calendar whose open time counts. Empty: around the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Shares of the target at which a threshold fires, in percent, beside those of [`Objective::percents`].
    #[serde(default = "default_thresholds")]
    pub thresholds: Vec<u32>,
    /// What follows when a threshold fires. Empty: nothing but the fact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalations: Vec<Escalation>,
    /// When the clock stands still. Empty: see [`Objective::pause`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// What happens when this objective replaces one with a longer target.
    #[serde(default)]
    pub on_upgrade: Rebase,
    /// What happens when this objective replaces one with a shorter target.
    #[serde(default)]
    pub on_downgrade: Rebase,
    /// What happens to a stopped clock when the ticket is reopened.
    #[serde(default)]
    pub on_reopen: Reopen,
    /// How a clock of a group or supplier counts a later visit of the ticket.
    #[serde(default)]
    pub on_return: Visit,
    /// When news is owed; read by UPDATE clocks only.
    #[serde(default)]
    pub news: NewsPolicy,
}

/// What follows when a clock reaches a share of its target, once for each clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// The share, in percent; a threshold fires there.
    pub percent: u32,
    /// Group that gets the ticket: `groups/duty-managers`. Empty: it stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Priority that the ticket is raised to, from 1; it is never lowered. Empty: it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
}

/// What a promise is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Metric {
    /// Time to the first qualified answer by the provider.
    Response,
    /// Time until service is restored.
    Resolution,
    /// Time to the next news to the customer.
    Update,
    /// Time until a request is delivered.
    Fulfilment,
    /// Delivery by the date agreed with the requester, untouched by pauses and calendars.
    AgreedDate,
}

/// How long a promise gives. As text an ISO 8601 duration: `PT4H` (hours, minutes and seconds of
/// open time) or `P1M` (calendar months by wall clock). Days and weeks are refused: a working day
/// and a date are different promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Open time.
    Open(SignedDuration),
    /// Months in the calendar's zone: 31 January and one month is the end of February.
    Months(u32),
}

/// In which states a clock stands still. Empty: in none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pause {
    /// Ids of states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// Categories of states, whatever is awaited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Category>,
    /// What a ticket in a PENDING state waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingReason>,
}

/// What a replacement does with the time already used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rebase {
    /// The new target applies to the time already used; pauses are kept.
    #[default]
    KeepElapsed,
    /// A new measure starts at the change.
    RestartAtChange,
}

/// What a reopening does to a stopped clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reopen {
    /// It goes on; the time while resolved does not count.
    #[default]
    Continue,
    /// It goes on; the time while resolved counts.
    ContinueCounting,
    /// A second clock starts; the first keeps its verdict.
    NewCycle,
}

/// How later visits of a ticket to a group or supplier count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Visit {
    /// All visits add up: a fresh clock per visit would reward ping-pong.
    #[default]
    Cumulative,
    /// Each visit has a clock of its own.
    PerVisit,
}

/// When the next news is owed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NewsPolicy {
    /// Always: each news starts the clock of the next.
    #[default]
    Regular,
    /// Only when the customer has written and nobody has answered yet.
    OnRequest,
}

/// The text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no target: write open time like PT4H or PT1H30M, or calendar months like P1M")]
pub struct TargetError(String);

/// The percentages at which thresholds fire unless an objective says otherwise.
pub const DEFAULT_THRESHOLDS: [u32; 4] = [50, 75, 90, 100];

fn default_thresholds() -> Vec<u32> {
    DEFAULT_THRESHOLDS.to_vec()
}

impl Objective {
    /// An objective of that id and metric with every default.
    pub fn new(id: impl Into<String>, metric: Metric, target: Option<Target>) -> Self {
        Self {
            id: id.into(),
            metric,
            practices: Vec::new(),
            priorities: Vec::new(),
            offerings: Vec::new(),
            target,
            calendar: None,
            thresholds: default_thresholds(),
            escalations: Vec::new(),
            pause: None,
            on_upgrade: Rebase::default(),
            on_downgrade: Rebase::default(),
            on_reopen: Reopen::default(),
            on_return: Visit::default(),
            news: NewsPolicy::default(),
        }
    }

    /// Every share of the target at which a threshold fires, rising: those it names, those at which something follows,
    /// and 100 for the breach. Never 0: nothing fires at the start.
    pub fn percents(&self) -> BTreeSet<u32> {
        let named = self.thresholds.iter().copied();
        let escalating = self.escalations.iter().map(|escalation| escalation.percent);
        named.chain(escalating).chain([100]).filter(|percent| *percent > 0).collect()
    }

    /// Whether the clock stands still in that state. Unless the objective says otherwise, a RESPONSE
    /// clock never does, an SLA clock while pending on the customer, an OLA clock while pending on
    /// anybody, an UNDERPINNING clock while pending on anybody but the supplier.
    pub fn pauses(&self, kind: Kind, state: &str, category: Category, pending: Option<PendingReason>) -> bool {
        if let Some(pause) = &self.pause {
            return pause.holds(state, category, pending);
        }
        if category != Category::Pending || self.metric == Metric::Response {
            return false;
        }
        match kind {
            Kind::Sla => pending == Some(PendingReason::Customer),
            Kind::Ola => true,
            Kind::Underpinning => pending != Some(PendingReason::Supplier),
        }
    }
}

impl Pause {
    fn holds(&self, state: &str, category: Category, pending: Option<PendingReason>) -> bool {
        self.categories.contains(&category)
            || self.states.iter().any(|paused| paused == state)
            || (category == Category::Pending && pending.is_some_and(|reason| self.pending.contains(&reason)))
    }
}

impl Metric {
    /// Every metric, in the order readings are listed.
    pub const ALL: [Self; 5] = [Self::Response, Self::Resolution, Self::Update, Self::Fulfilment, Self::AgreedDate];

    /// The name used in the contract and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Response => "RESPONSE",
            Self::Resolution => "RESOLUTION",
            Self::Update => "UPDATE",
            Self::Fulfilment => "FULFILMENT",
            Self::AgreedDate => "AGREED_DATE",
        }
    }

    /// The metric of that exact name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.as_str() == text)
    }
}

impl Target {
    /// A length to compare targets by: which of two is stricter. A month counts as 28 days, its
    /// shortest.
    pub fn strictness(self) -> SignedDuration {
        match self {
            Self::Open(duration) => duration,
            Self::Months(months) => SignedDuration::from_hours(i64::from(months) * 28 * 24),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(duration) => duration.fmt(f),
            Self::Months(months) => write!(f, "P{months}M"),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let months = text.strip_prefix('P').and_then(|rest| rest.strip_suffix('M'));
        let months = months.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        let months = months.and_then(|digits| digits.parse().ok()).map(Self::Months);
        let open_time = || text.starts_with("PT").then(|| text.parse().ok()).flatten().map(Self::Open);
        months.or_else(open_time).ok_or_else(|| TargetError(text.to_owned()))
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_open_time_or_calendar_months_and_nothing_else() {
        for text in ["PT4H", "PT1H30M", "PT90S", "P1M", "P12M"] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text.replace("PT90S", "PT1M30S"));
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        for text in ["", "P", "PT", "P1D", "P1W", "P1Y", "P1M2D", "P1MT1H", "P+1M", "4h", "-PT4H", "P-1M", "pt4h"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_clock_pauses_for_the_customer_only_unless_the_objective_says_otherwise() {
        use PendingReason::{Customer, Supplier};
        let objective = |metric| Objective::new("a", metric, None);
        let resolution = objective(Metric::Resolution);
        let pauses = |objective: &Objective, kind, reason| objective.pauses(kind, "s", Category::Pending, reason);
        assert!(pauses(&resolution, Kind::Sla, Some(Customer)));
        assert!(!pauses(&resolution, Kind::Sla, Some(Supplier)));
        assert!(!pauses(&resolution, Kind::Sla, None));
        assert!(!pauses(&objective(Metric::Response), Kind::Sla, Some(Customer)));
        assert!(pauses(&resolution, Kind::Ola, Some(Supplier)));
        assert!(!pauses(&resolution, Kind::Underpinning, Some(Supplier)));
        assert!(pauses(&resolution, Kind::Underpinning, Some(Customer)));
        assert!(!resolution.pauses(Kind::Ola, "s", Category::Active, Some(Customer)));
        let by_state = Pause { states: vec!["s".to_owned()], ..Pause::default() };
        let by_state = Objective { pause: Some(by_state), ..objective(Metric::Response) };
        assert!(by_state.pauses(Kind::Sla, "s", Category::Active, None));
        assert!(!pauses(&Objective { pause: Some(Pause::default()), ..resolution }, Kind::Sla, Some(Customer)));
    }

    #[test]
    fn thresholds_fire_where_they_are_named_where_something_follows_and_at_the_breach() {
        let mut objective = Objective::new("a", Metric::Resolution, None);
        (objective.thresholds, objective.escalations) =
            (vec![0, 80, 50, 80], vec![Escalation { percent: 120, group: None, priority: Some(1) }]);
        assert_eq!(objective.percents().into_iter().collect::<Vec<_>>(), [50, 80, 100, 120]);
    }

    #[test]
    fn what_json_leaves_out_is_the_default() {
        let short = serde_json::json!({"id": "a", "metric": "RESOLUTION", "target": "PT4H"});
        let objective: Objective = serde_json::from_value(short).unwrap();
        let target = Target::Open(SignedDuration::from_hours(4));
        assert_eq!(objective, Objective::new("a", Metric::Resolution, Some(target)));
        let again = serde_json::from_value(serde_json::to_value(&objective).unwrap()).unwrap();
        assert_eq!(objective, again);
    }
}
