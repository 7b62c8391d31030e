//! Scenarios of the pure core once more through real servers, whose clocks are set to the times of the scenario:
//! calendars, agreements and a process are published, the ticket is worked on, and what `ExplainClocks` answers is
//! compared with the same lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use domain::agreement::{Agreement, Objective, Pause, Target};
use domain::calendar::{Definition, Hours};
use domain::clock::{DutyStep, Step};
use itsm::client::Channel;
use jiff::{SignedDuration, Timestamp};
use proto::catalog::v1 as catalog;
use proto::catalog::v1::agreement_service_client::AgreementServiceClient;
use proto::catalog::v1::governance_service_client::GovernanceServiceClient;
use proto::journal::v1::Audience;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use servicekit::clock::Manual;
use servicekit::wire::{date, duration, parse_duration, parse_timestamp, timestamp};
use servicekit::{Kit, config};
use testkit::{Running, TestDatabase};

use super::{Client, note};
use crate::scenario::{self, Event, Owed, Scenario, Shown, revision};

/// Those whose events somebody can bring about here: files by the number and the beginning of their names.
const SAMPLE: [&str; 36] = [
    "01_holidays",
    "02_pause_over",
    "03_threshold",
    "05_raised",
    "06_overrun",
    "07_lunch",
    "08_pause",
    "09_calendar",
    "10_a_month_is",
    "11_the_zone",
    "12_around_the_clock_in_autumn",
    "12_around_the_clock_in_spring",
    "13_pause",
    "14_yearly",
    "16_a_long",
    "17_every",
    "18_a_priority",
    "20_a_replaced",
    "21_visits",
    "26_a_downgrade",
    "26_rebasing",
    "29_reopening",
    "30_an_agreed",
    "31_a_holiday",
    "33_governed",
    "39_dora",
    "41_dora",
    "43_dora",
    "45_dora",
    "48_duties",
    "49_nis2",
    "50_nis2",
    "52_duties",
    "53_a_clock",
    "54_an_interval",
    "55_a_running",
];

const PROCESS: &str = "processes/played";

/// Real servers on one database, and the clock they share.
struct Stage {
    clock: Arc<Manual>,
    agreements: AgreementServiceClient<Channel>,
    tickets: Client,
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_read_the_same_through_real_servers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/domain/tests/scenarios");
    let all = scenario::read_all(&folder);
    let mut stage = Stage::new().await;
    let mut faults = Vec::new();
    for (number, beginning) in SAMPLE.iter().enumerate() {
        let (name, scenario) = all.iter().find(|(name, _)| name.starts_with(beginning)).expect(beginning);
        let found = stage.play(&format!("s{number}"), scenario).await;
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

impl Stage {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let clock = Arc::new(Manual::at("2020-01-01T00:00:00Z".parse().unwrap()));
        let kit = Kit::open(&at, &::catalog::SERVICE, clock.clone()).await.unwrap();
        let served = Running::insecure(::catalog::server(kit)).await;
        publish_process(GovernanceServiceClient::new(served.channel().await)).await;
        let kit = Kit::open(&at, &operations::SERVICE, clock.clone()).await.unwrap();
        let operations = Running::insecure(operations::server(kit).await).await;
        Self {
            clock,
            agreements: AgreementServiceClient::new(served.channel().await),
            tickets: TicketServiceClient::new(operations.channel().await),
        }
    }

    /// Plays a scenario with names that begin with `id`, and says what differs.
    async fn play(&mut self, id: &str, scenario: &Scenario) -> Vec<String> {
        let events = scenario.events();
        let start = events.iter().map(|(at, _)| *at).min().unwrap() - SignedDuration::from_hours(24);
        self.clock.set(start);
        let customer = catalog::Customer { display_name: id.to_owned(), ..Default::default() };
        let request = catalog::CreateCustomerRequest {
            customer_id: id.to_owned(),
            customer: Some(customer),
            ..Default::default()
        };
        self.agreements.create_customer(request).await.unwrap();
        let mut calendars = scenario.calendar_revisions();
        calendars.sort_by_key(|(name, number, ..)| (*name, *number));
        for (name, number, from, definition) in calendars {
            self.publish_calendar(&format!("{id}-{name}"), number, from, definition).await;
        }
        let prices = Priorities::of(scenario, &events);
        for (name, agreement) in &scenario.agreements {
            if revision(name).1 == 1 {
                self.publish_agreement(id, name, agreement, &prices).await;
            }
        }

        let opened = events[0].0;
        let mut ticket = String::new();
        let mut now = ("new".to_owned(), None);
        for (at, event) in events {
            self.clock.set(at);
            match event {
                Event::Opened(under) => ticket = self.open(id, prices.number(under.as_deref())).await,
                Event::OpenedAlone => ticket = self.open(id, prices.number(Some(&[]))).await,
                Event::Governed(by) => self.prioritise(&ticket, prices.number(Some(&by))).await,
                Event::State { id, pending, .. } => {
                    if (id.as_str(), pending) != (now.0.as_str(), now.1) {
                        self.transition(&ticket, &id, pending.map(domain::process::PendingReason::as_str)).await;
                        now = (id, pending);
                    }
                }
                Event::Assigned { group, contract } => {
                    let (group, contract) = (group.unwrap_or_default(), contract.unwrap_or_default());
                    let assignment = pb::Assignment { group, contract, ..Default::default() };
                    let request = pb::AssignTicketRequest {
                        name: ticket.clone(),
                        assignment: Some(assignment),
                        ..Default::default()
                    };
                    self.tickets.assign_ticket(request).await.unwrap();
                }
                Event::Answered => {
                    note(self.tickets.clone(), &ticket, Audience::Public, "We look into it.").await.unwrap();
                }
                Event::Agreed(due_at) => {
                    let patch = pb::Ticket { requested_time: Some(timestamp(due_at)), ..Default::default() };
                    self.update(&ticket, patch, "requested_time").await;
                }
                Event::Excluded { clock, reason, interval } => {
                    let request = pb::ExcludeClockRequest {
                        name: ticket.clone(),
                        clock: self.clock_id(&ticket, &clock).await,
                        reason: named(reason.as_str(), "EXCLUSION_REASON_", pb::ExclusionReason::from_str_name).into(),
                        evidence: "seen".to_owned(),
                        interval: interval.map(|interval| pb::ClockInterval {
                            start_time: Some(timestamp(interval.start)),
                            end_time: Some(timestamp(interval.end)),
                        }),
                        ..Default::default()
                    };
                    self.tickets.exclude_clock(request).await.unwrap();
                }
                Event::Revoked(clock) => {
                    let request = pb::RevokeClockExclusionRequest {
                        name: ticket.clone(),
                        clock: self.clock_id(&ticket, &clock).await,
                        comment: "not so".to_owned(),
                        ..Default::default()
                    };
                    self.tickets.revoke_clock_exclusion(request).await.unwrap();
                }
                Event::Duty(step) => self.record(&ticket, id, step).await,
                Event::Informed | Event::CustomerWrote | Event::Ended(_) => panic!("{event:?} is not for this sample"),
            }
        }

        let mut faults = Vec::new();
        for expected in &scenario.then {
            let at = scenario.time(&expected.at);
            let explained = self.explain(&ticket, Some(at)).await;
            let clocks: Vec<Shown> = explained.clocks.iter().map(shown).collect();
            let duties: Vec<Owed> = explained.duties.iter().map(owed).collect();
            faults.extend(clocks.iter().filter_map(|clock| scenario::unsound(clock, opened, at)));
            faults.extend(scenario.compare(expected, &clocks, &duties, None));
        }
        faults
    }

    async fn open(&mut self, id: &str, priority: i32) -> String {
        let ticket = pb::Ticket {
            process: PROCESS.to_owned(),
            title: id.to_owned(),
            customer: format!("customers/{id}"),
            priority_override: Some(by_hand(priority)),
            ..Default::default()
        };
        let request = pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
        self.tickets.create_ticket(request).await.unwrap().into_inner().name
    }

    async fn prioritise(&mut self, ticket: &str, priority: i32) {
        let patch = pb::Ticket { priority_override: Some(by_hand(priority)), ..Default::default() };
        self.update(ticket, patch, "priority_override").await;
    }

    async fn update(&mut self, ticket: &str, patch: pb::Ticket, path: &str) {
        let request = pb::UpdateTicketRequest {
            ticket: Some(pb::Ticket { name: ticket.to_owned(), ..patch }),
            update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
            ..Default::default()
        };
        self.tickets.update_ticket(request).await.unwrap();
    }

    async fn transition(&mut self, ticket: &str, state: &str, pending: Option<&str>) {
        let reason = pending.map(|reason| named(reason, "PENDING_REASON_", pb::PendingReason::from_str_name));
        let fields =
            pb::TransitionFields { pending_reason: reason.map(i32::from).unwrap_or_default(), ..Default::default() };
        let request =
            pb::TransitionTicketRequest { fields: Some(fields), ..super::step(ticket, &format!("to_{state}")) };
        self.tickets.transition_ticket(request).await.unwrap();
    }

    async fn record(&mut self, ticket: &str, id: &str, DutyStep { regulation, step }: DutyStep) {
        use pb::record_duty_request::Step as Given;
        let step = match step {
            Step::Aware { entity, calendar } => Given::Aware(pb::DutyAwareness {
                entity: named(entity.as_str(), "DUTY_ENTITY_", pb::DutyEntity::from_str_name).into(),
                calendar: format!("calendars/{id}-{calendar}"),
            }),
            Step::Classified => Given::Classified(()),
            Step::Handled => Given::Handled(()),
            Step::Submitted { report, reference } => Given::Submitted(pb::DutySubmission {
                report: named(report.as_str(), "DUTY_REPORT_", pb::DutyReport::from_str_name).into(),
                reference,
            }),
        };
        let request = pb::RecordDutyRequest {
            name: ticket.to_owned(),
            regulation: named(regulation.as_str(), "REGULATION_", pb::Regulation::from_str_name).into(),
            step: Some(step),
            ..Default::default()
        };
        self.tickets.record_duty(request).await.unwrap();
    }

    async fn explain(&mut self, ticket: &str, at: Option<Timestamp>) -> pb::ExplainClocksResponse {
        let read_time = at.map(timestamp);
        let request = pb::ExplainClocksRequest { name: ticket.to_owned(), read_time, known_time: None };
        self.tickets.explain_clocks(request).await.unwrap().into_inner()
    }

    /// The id of the clock that ends so.
    async fn clock_id(&mut self, ticket: &str, ending: &str) -> String {
        let clocks = self.explain(ticket, None).await.clocks;
        let ids = clocks.into_iter().filter_map(|explanation| explanation.clock).map(|clock| clock.id);
        ids.into_iter().find(|id| id.ends_with(&format!("/{ending}"))).unwrap()
    }

    async fn publish_calendar(&mut self, id: &str, number: u32, from: Option<Timestamp>, definition: &Definition) {
        let name = format!("calendars/{id}");
        let calendar = calendar(&name, definition);
        if number == 1 {
            let request = catalog::CreateCalendarRequest {
                calendar_id: id.to_owned(),
                calendar: Some(calendar),
                ..Default::default()
            };
            self.agreements.create_calendar(request).await.unwrap();
        } else {
            let request = catalog::UpdateCalendarRequest { calendar: Some(calendar), ..Default::default() };
            self.agreements.update_calendar(request).await.unwrap();
        }
        let request =
            catalog::PublishCalendarRequest { name, effective_time: from.map(timestamp), ..Default::default() };
        self.agreements.publish_calendar(request).await.unwrap();
    }

    async fn publish_agreement(&mut self, id: &str, name: &str, agreement: &Agreement, prices: &Priorities) {
        let shown = catalog::Agreement {
            display_name: name.to_owned(),
            kind: named(agreement.kind.as_str(), "AGREEMENT_KIND_", catalog::AgreementKind::from_str_name).into(),
            customers: vec![format!("customers/{id}")],
            provider: agreement.provider.clone().unwrap_or_default(),
            objectives: agreement.objectives.iter().map(|objective| prices.objective(id, name, objective)).collect(),
            ..Default::default()
        };
        let agreement_id = format!("{id}-{name}");
        let request = catalog::CreateAgreementRequest {
            agreement_id: agreement_id.clone(),
            agreement: Some(shown),
            ..Default::default()
        };
        self.agreements.create_agreement(request).await.unwrap();
        let name = format!("agreements/{agreement_id}");
        let request = catalog::PublishAgreementRequest { name, ..Default::default() };
        self.agreements.publish_agreement(request).await.unwrap();
    }
}

/// A scenario says which objectives govern; a server selects them by priority. So each set of objectives that governs
/// for a while gets a priority of its own.
struct Priorities(Vec<BTreeSet<String>>);

impl Priorities {
    fn of(scenario: &Scenario, events: &[(Timestamp, Event)]) -> Self {
        let first = scenario.agreements.iter().filter(|(name, _)| revision(name).1 == 1);
        let all = first.flat_map(|(name, agreement)| {
            agreement.objectives.iter().map(move |objective| format!("{name}/{}", objective.id))
        });
        let mut sets = vec![all.collect::<BTreeSet<_>>()];
        for (_, event) in events {
            let set = match event {
                Event::Opened(Some(names)) | Event::Governed(names) => names.iter().cloned().collect(),
                Event::OpenedAlone => BTreeSet::new(),
                _ => continue,
            };
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        Self(sets)
    }

    /// The priority of a set of objectives; of all of them where none is named.
    fn number(&self, names: Option<&[String]>) -> i32 {
        let wanted = names.map(|names| names.iter().cloned().collect::<BTreeSet<_>>());
        let place = wanted.map_or(0, |wanted| self.0.iter().position(|set| *set == wanted).unwrap());
        i32::try_from(place).unwrap() + 1
    }

    fn objective(&self, id: &str, agreement: &str, objective: &Objective) -> catalog::Objective {
        let own = format!("{agreement}/{}", objective.id);
        let governs = (1..).zip(&self.0).filter(|(_, set)| set.contains(&own)).map(|(number, _)| number);
        let (target, target_months) = match objective.target {
            Some(Target::Open(open)) => (Some(duration(open)), 0),
            Some(Target::Months(months)) => (None, i32::try_from(months).unwrap()),
            None => (None, 0),
        };
        let text = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        let word = |value: serde_json::Result<serde_json::Value>| text(value.unwrap());
        let pause = |pause: &Pause| catalog::PausePolicy {
            never: *pause == Pause::default(),
            states: pause.states.clone(),
            pending_reasons: pause.pending.iter().map(|reason| reason.as_str().to_owned()).collect(),
            categories: pause.categories.iter().map(|category| category.as_str().to_owned()).collect(),
        };
        let rebase =
            |policy| named(&word(serde_json::to_value(policy)), "REBASE_POLICY_", catalog::RebasePolicy::from_str_name);
        catalog::Objective {
            id: objective.id.clone(),
            metric: named(objective.metric.as_str(), "METRIC_", catalog::Metric::from_str_name).into(),
            priorities: governs.collect(),
            target,
            target_months,
            calendar: objective.calendar.as_ref().map(|name| format!("calendars/{id}-{name}")).unwrap_or_default(),
            threshold_percents: objective.thresholds.iter().map(|percent| i32::try_from(*percent).unwrap()).collect(),
            pause: objective.pause.as_ref().map(pause),
            rebase_on_upgrade: rebase(objective.on_upgrade).into(),
            rebase_on_downgrade: rebase(objective.on_downgrade).into(),
            reopen: named(
                &word(serde_json::to_value(objective.on_reopen)),
                "REOPEN_POLICY_",
                catalog::ReopenPolicy::from_str_name,
            )
            .into(),
            visit: named(
                &word(serde_json::to_value(objective.on_return)),
                "VISIT_POLICY_",
                catalog::VisitPolicy::from_str_name,
            )
            .into(),
            ..Default::default()
        }
    }
}

/// A process in which every state can be reached from every other.
async fn publish_process(mut governance: GovernanceServiceClient<Channel>) {
    use catalog::StateCategory::{Active, Cancelled, Closed, New, Pending, Resolved};
    let states = [
        ("new", New),
        ("active", Active),
        ("waiting", Pending),
        ("parts", Pending),
        ("resolved", Resolved),
        ("closed", Closed),
        ("cancelled", Cancelled),
    ];
    let transition = |to: &str, category: catalog::StateCategory| catalog::ProcessTransition {
        id: format!("to_{to}"),
        display_name: format!("To {to}"),
        source_states: states.iter().map(|(state, _)| (*state).to_owned()).filter(|state| state != to).collect(),
        target_state: to.to_owned(),
        required_fields: if category == Pending { vec!["pending_reason".to_owned()] } else { Vec::new() },
        ..Default::default()
    };
    let process = catalog::Process {
        display_name: "Played".to_owned(),
        practice: "incident".to_owned(),
        purpose: "Plays scenarios.".to_owned(),
        ticket_prefix: "PLY".to_owned(),
        states: states
            .iter()
            .map(|(id, category)| catalog::ProcessState {
                id: (*id).to_owned(),
                display_name: (*id).to_owned(),
                category: (*category).into(),
            })
            .collect(),
        initial_state: "new".to_owned(),
        transitions: states.iter().map(|(to, category)| transition(to, *category)).collect(),
        ..Default::default()
    };
    let request =
        catalog::CreateProcessRequest { process_id: "played".to_owned(), process: Some(process), ..Default::default() };
    governance.create_process(request).await.unwrap();
    let request = catalog::PublishProcessRequest { name: PROCESS.to_owned(), ..Default::default() };
    governance.publish_process(request).await.unwrap();
}

fn calendar(name: &str, definition: &Definition) -> catalog::Calendar {
    let intervals = |hours: &[Hours]| {
        let interval = |hours: &Hours| catalog::LocalInterval {
            open_at: hours.opens.to_string(),
            close_at: hours.closes.to_string(),
        };
        hours.iter().map(interval).collect::<Vec<_>>()
    };
    catalog::Calendar {
        name: name.to_owned(),
        display_name: name.to_owned(),
        time_zone: definition.time_zone.clone(),
        weekly_hours: definition
            .weekly
            .iter()
            .map(|(day, hours)| catalog::DayHours {
                day: named(day.as_str(), "DAY_OF_WEEK_", catalog::DayOfWeek::from_str_name).into(),
                intervals: intervals(hours),
            })
            .collect(),
        exceptions: definition
            .exceptions
            .iter()
            .map(|exception| catalog::CalendarException {
                display_name: exception.name.clone(),
                start_date: Some(date(exception.first_on)),
                end_date: exception.last_on.map(date),
                yearly: exception.yearly,
                intervals: intervals(&exception.hours),
            })
            .collect(),
        ..Default::default()
    }
}

/// The value of an enum of the contract that the domain calls so.
fn named<T>(word: &str, prefix: &str, find: fn(&str) -> Option<T>) -> T {
    find(&format!("{prefix}{word}")).unwrap_or_else(|| panic!("the contract has no {prefix}{word}"))
}

fn by_hand(value: i32) -> pb::PriorityOverride {
    pb::PriorityOverride { value, reason: "played".to_owned(), ..Default::default() }
}

fn at(time: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    time.map(|time| parse_timestamp(time).unwrap())
}

fn length(duration: Option<&prost_types::Duration>) -> SignedDuration {
    parse_duration(duration.unwrap()).unwrap()
}

fn shown(explanation: &pb::ClockExplanation) -> Shown {
    let clock = explanation.clock.as_ref().unwrap();
    let bare = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_owned();
    let exclusion = clock.exclusion.as_ref();
    let elapsed = length(clock.elapsed_duration.as_ref());
    Shown {
        id: clock.id.clone(),
        state: bare(clock.state().as_str_name(), "CLOCK_STATE_"),
        activity: None,
        elapsed,
        remaining: length(clock.remaining_duration.as_ref()),
        overrun: (elapsed - length(clock.target_duration.as_ref())).max(SignedDuration::ZERO),
        millipercent: clock.elapsed_millipercent,
        started: at(clock.start_time.as_ref()),
        stopped: at(clock.stop_time.as_ref()),
        due: at(clock.due_time.as_ref()),
        breached: at(clock.breach_time.as_ref()),
        cancelled: None,
        revision: u32::try_from(clock.agreement_revision).unwrap(),
        thresholds: explanation
            .thresholds
            .iter()
            .map(|threshold| {
                let percent = u32::try_from(threshold.percent).unwrap();
                (percent, at(threshold.reach_time.as_ref()), threshold.reached)
            })
            .collect(),
        segments: explanation
            .segments
            .iter()
            .map(|segment| {
                let (start, end) = (at(segment.start_time.as_ref()).unwrap(), at(segment.end_time.as_ref()).unwrap());
                let reason = bare(segment.reason().as_str_name(), "SEGMENT_REASON_");
                (start, end, segment.counted, reason, segment.detail.clone())
            })
            .collect(),
        excused: exclusion.map(|exclusion| bare(exclusion.reason().as_str_name(), "EXCLUSION_REASON_")),
        adjusted: exclusion.filter(|exclusion| exclusion.interval.is_some()).map(|exclusion| {
            let state = bare(exclusion.adjusted_state().as_str_name(), "CLOCK_STATE_");
            (state, length(exclusion.adjusted_elapsed_duration.as_ref()))
        }),
    }
}

fn owed(duty: &pb::DutyDeadline) -> Owed {
    let deciding = duty.limits.iter().find(|limit| limit.decides);
    let lapsed = duty.limits.iter().filter(|limit| !limit.lapse_reason.is_empty());
    Owed {
        report: duty.report().as_str_name().trim_start_matches("DUTY_REPORT_").to_owned(),
        state: duty.state().as_str_name().trim_start_matches("DUTY_STATE_").to_owned(),
        due: at(duty.due_time.as_ref()),
        submitted: at(duty.submit_time.as_ref()),
        by: deciding.map(|limit| (limit.within.clone(), limit.clause.clone())),
        shifted: duty.shift.as_ref().map(|shift| (at(shift.original_time.as_ref()).unwrap(), shift.reason.clone())),
        lapsed: lapsed.map(|limit| (limit.clause.clone(), limit.lapse_reason.clone())).collect(),
    }
}

#[test]
fn the_sample_covers_what_servers_can_get_wrong() {
    // Each name is one file, and none is there twice.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/domain/tests/scenarios");
    let names: BTreeMap<String, Scenario> = scenario::read_all(&folder).into_iter().collect();
    for beginning in SAMPLE {
        assert_eq!(names.keys().filter(|name| name.starts_with(beginning)).count(), 1, "{beginning}");
    }
    assert_eq!(SAMPLE.iter().collect::<BTreeSet<_>>().len(), SAMPLE.len());
}
