//! The way of cost through pools and services: exact until it is rounded once, whole minor units from then on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Rule, Target};
use crate::amount::{Amount, Currency, Decimal, Error, Money, RoundedAll};

/// What was charged in a period: a line of the cost ledger, or lines that differ in nothing but their amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Cost pool. Empty: none.
    pub pool: String,
    /// Service that it names. Empty: none.
    pub service: String,
    /// How much; negative for credits.
    pub amount: Amount,
    /// Start of the charge period, inclusive.
    pub start_at: Timestamp,
    /// End of the charge period, exclusive.
    pub end_at: Timestamp,
    /// Lines of the ledger that it stands for.
    pub lines: u64,
    /// Whether any of them is invented for demonstration.
    pub illustrative: bool,
}

/// Where cost comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A cost pool. Empty: lines that name none.
    Pool(String),
    /// A service.
    Service(String),
    /// A customer.
    Customer(String),
    /// Nobody: no rule says whose it is.
    Unallocated,
}

/// Money on its way, with what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// How much.
    pub money: Money,
    /// Whether a line, a rule or anything before it is invented for demonstration.
    pub illustrative: bool,
    /// Pool and service of the ledger lines that it is made of.
    pub origins: BTreeSet<(String, String)>,
}

/// What went from one place to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it comes from.
    pub source: Place,
    /// Where it goes to.
    pub target: Place,
    /// Rule that says so. Empty: the ledger lines name the service, or nothing says where it goes.
    pub rule: String,
    /// The part of the source that the rule gives. `None`: no rule, or what the rule leaves.
    pub share: Option<Decimal>,
    /// How much.
    pub flow: Flow,
}

/// What a service costs and who bears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCost {
    /// What ledger lines that name it amount to.
    pub direct: Flow,
    /// What pools and other services passed to it.
    pub received: Flow,
    /// What it passed to other services.
    pub passed_on: Flow,
    /// What it passed to customers.
    pub charged: Flow,
    /// What nobody bears but the service.
    pub kept: Flow,
    /// Of what is kept: what came after the turn of the service.
    pub late: Flow,
}

/// Where the cost of a period went, in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The currency.
    pub currency: Currency,
    /// The exact sum of what was charged for the period.
    pub input: Decimal,
    /// The nearest money to it, which is what was allocated.
    pub total: Money,
    /// `input` minus `total`, in the main unit.
    pub residue: Decimal,
    /// Ledger lines with a part in the period.
    pub ledger_lines: u64,
    /// Every step, by source and target.
    pub lines: Vec<Line>,
    /// Services with any cost, by name.
    pub services: BTreeMap<String, ServiceCost>,
    /// Customers with any cost, by name: from services and from pools.
    pub customers: BTreeMap<String, Flow>,
    /// What no rule gives to anybody, by pool.
    pub unallocated: BTreeMap<String, Flow>,
}

/// The part of a charge that falls between two instants, in proportion to time and to 18 digits after the point. Parts
/// side by side add up to the whole.
pub fn portion(charge: &Charge, start: Timestamp, end: Timestamp) -> Decimal {
    let micros = |at: Timestamp| at.clamp(charge.start_at, charge.end_at).as_microsecond();
    let begin = charge.start_at.as_microsecond();
    let whole = charge.end_at.as_microsecond() - begin;
    let until = |at: Timestamp| charge.amount.value.portion(micros(at) - begin, whole);
    // Two parts of one amount, of which neither exceeds it, are never too far apart to be kept.
    until(end).checked_sub(&until(start)).unwrap_or_else(|_| Decimal::zero())
}

/// Allocates what was charged for the time from `start` to `end`, each currency by itself.
///
/// A charge that overlaps the period counts in proportion to time. One that names a service goes there; the others are
/// shared out by the rule of their pool. Then services pass on what they have, each once and as a whole, in the stated
/// order (step-down): what comes to a service after its turn stays there. A rule counts for the time in which it holds;
/// of two for one source the first by order and name. Amounts are exact up to here and are rounded once, together, by
/// largest remainder; from then on whole minor units are shared, so that at every place what comes in goes out.
pub fn allocate(
    charges: &[Charge],
    rules: &BTreeMap<String, Rule>,
    start: Timestamp,
    end: Timestamp,
) -> Result<Vec<Allocation>, Error> {
    let mut by_currency: BTreeMap<Currency, Vec<Charge>> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge.start_at < end && charge.end_at > start) {
        by_currency.entry(charge.amount.currency).or_default().push(charge.clone());
    }
    let mut cuts: BTreeSet<Timestamp> = BTreeSet::from([start, end]);
    cuts.extend(rules.values().flat_map(Rule::bounds).flatten().filter(|at| start < *at && *at < end));
    let cuts: Vec<Timestamp> = cuts.into_iter().collect();
    by_currency.into_iter().map(|(currency, charges)| of_currency(currency, &charges, rules, &cuts)).collect()
}

/// Charges that differ in nothing but their amounts, as one: what is rounded does not depend on how lines were grouped.
fn grouped(charges: &[Charge]) -> Result<Vec<Charge>, Error> {
    let mut groups: BTreeMap<(&str, &str, Timestamp, Timestamp), Charge> = BTreeMap::new();
    for charge in charges {
        let key = (charge.pool.as_str(), charge.service.as_str(), charge.start_at, charge.end_at);
        if let Some(known) = groups.get_mut(&key) {
            known.amount = known.amount.checked_add(&charge.amount)?;
            known.lines += charge.lines;
            known.illustrative |= charge.illustrative;
        } else {
            groups.insert(key, charge.clone());
        }
    }
    Ok(groups.into_values().collect())
}

fn of_currency(
    currency: Currency,
    charges: &[Charge],
    rules: &BTreeMap<String, Rule>,
    cuts: &[Timestamp],
) -> Result<Allocation, Error> {
    let charges = grouped(charges)?;
    // By stretch of time in which the same rules hold, pool and service.
    let mut exact: BTreeMap<(usize, &str, &str), (Decimal, bool)> = BTreeMap::new();
    for charge in &charges {
        for (index, stretch) in cuts.windows(2).enumerate() {
            if charge.start_at < stretch[1] && charge.end_at > stretch[0] {
                let key = (index, charge.pool.as_str(), charge.service.as_str());
                let (sum, illustrative) = exact.entry(key).or_insert((Decimal::zero(), false));
                *sum = sum.checked_add(&portion(charge, stretch[0], stretch[1]))?;
                *illustrative |= charge.illustrative;
            }
        }
    }
    let values: Vec<Decimal> = exact.values().map(|(value, _)| value.clone()).collect();
    let RoundedAll { parts, total, residue } = Money::round_all(currency, &values)?;
    let mut ledger: BTreeMap<usize, Vec<(Place, String, Flow)>> = BTreeMap::new();
    for (((index, pool, service), (_, illustrative)), money) in exact.into_iter().zip(parts) {
        let origins = BTreeSet::from([(pool.to_owned(), service.to_owned())]);
        let flow = Flow { money, illustrative, origins };
        ledger.entry(index).or_default().push((Place::Pool(pool.to_owned()), service.to_owned(), flow));
    }
    let mut books = Books::new(currency);
    for (index, flows) in ledger {
        Cascade::new(rules, cuts[index], &mut books).run(flows)?;
    }
    Ok(Allocation {
        currency,
        input: Decimal::sum(&values)?,
        total,
        residue,
        ledger_lines: charges.iter().map(|charge| charge.lines).sum(),
        lines: books.lines.into_iter().map(Line::from).collect(),
        services: books.services,
        customers: books.customers,
        unallocated: books.unallocated,
    })
}

type Step = (Place, Place, String, Option<Decimal>);

/// What has been written down of every stretch.
struct Books {
    currency: Currency,
    lines: BTreeMap<Step, Flow>,
    services: BTreeMap<String, ServiceCost>,
    customers: BTreeMap<String, Flow>,
    unallocated: BTreeMap<String, Flow>,
}

/// The cascade of one stretch, in which the same rules hold throughout.
struct Cascade<'a> {
    rules: Vec<(&'a str, &'a Rule)>,
    books: &'a mut Books,
    /// What services have that they have not passed on.
    held: BTreeMap<String, Flow>,
    /// Services whose turn is over.
    over: BTreeSet<String>,
}

impl<'a> Cascade<'a> {
    fn new(rules: &'a BTreeMap<String, Rule>, at: Timestamp, books: &'a mut Books) -> Self {
        let mut rules: Vec<(&str, &Rule)> =
            rules.iter().map(|(name, rule)| (name.as_str(), rule)).filter(|(_, rule)| rule.holds(at)).collect();
        rules.sort_by_key(|(name, rule)| (rule.order, *name));
        let mut seen = BTreeSet::new();
        rules.retain(|(_, rule)| seen.insert((rule.pool.as_str(), rule.service.as_str())));
        Self { rules, books, held: BTreeMap::new(), over: BTreeSet::new() }
    }

    fn run(mut self, flows: Vec<(Place, String, Flow)>) -> Result<(), Error> {
        let mut pools: BTreeMap<String, Flow> = BTreeMap::new();
        for (source, service, flow) in flows {
            match source {
                Place::Pool(pool) if service.is_empty() => self.books.fund(&mut pools, pool, &flow)?,
                source => {
                    add(&mut self.books.service(&service).direct, &flow)?;
                    self.books.write((source, Place::Service(service.clone()), String::new(), None), &flow)?;
                    self.hold(&service, &flow)?;
                }
            }
        }
        for (pool, flow) in pools {
            let rule = self.rules.iter().copied().find(|(_, rule)| !rule.pool.is_empty() && rule.pool == pool);
            let source = Place::Pool(pool.clone());
            let rest = match rule {
                Some((name, rule)) => self.share(&source, name, rule, &flow)?,
                None => flow,
            };
            if rest.money.minor_units != 0 {
                self.books.unallocate(pool, &rest)?;
            }
        }
        for (name, rule) in self.rules.clone().into_iter().filter(|(_, rule)| !rule.service.is_empty()) {
            self.over.insert(rule.service.clone());
            if let Some(flow) = self.held.remove(&rule.service) {
                let rest = self.share(&Place::Service(rule.service.clone()), name, rule, &flow)?;
                add(&mut self.books.service(&rule.service).kept, &rest)?;
            }
        }
        for (service, flow) in self.held {
            add(&mut self.books.service(&service).kept, &flow)?;
        }
        Ok(())
    }

    /// Passes on what the targets of a rule get, and gives back what they leave.
    fn share(&mut self, source: &Place, name: &str, rule: &Rule, flow: &Flow) -> Result<Flow, Error> {
        let mut weights: Vec<Decimal> = rule.targets.iter().map(|target| target.share.clone()).collect();
        let rest = Decimal::from(1).checked_sub(&Decimal::sum(&weights)?)?;
        weights.push(if rest.is_negative() { Decimal::zero() } else { rest });
        let mut parts = flow.money.allocate(&weights)?.into_iter();
        for (target, money) in rule.targets.iter().zip(parts.by_ref()) {
            if money.minor_units != 0 {
                let part = Flow { money, illustrative: flow.illustrative || rule.illustrative, ..flow.clone() };
                self.pass(source, name, target, part)?;
            }
        }
        let money = parts.next().unwrap_or(Money::new(0, flow.money.currency));
        Ok(Flow { money, illustrative: flow.illustrative || rule.illustrative, ..flow.clone() })
    }

    fn pass(&mut self, source: &Place, name: &str, target: &Target, flow: Flow) -> Result<(), Error> {
        let place = if target.service.is_empty() {
            self.books.charge(&target.customer, &flow)?;
            Place::Customer(target.customer.clone())
        } else {
            add(&mut self.books.service(&target.service).received, &flow)?;
            self.hold(&target.service, &flow)?;
            Place::Service(target.service.clone())
        };
        if let Place::Service(service) = source {
            let cost = self.books.service(service);
            add(if target.service.is_empty() { &mut cost.charged } else { &mut cost.passed_on }, &flow)?;
        }
        self.books.write((source.clone(), place, name.to_owned(), Some(target.share.clone())), &flow)
    }

    fn hold(&mut self, service: &str, flow: &Flow) -> Result<(), Error> {
        if self.over.contains(service) {
            let cost = self.books.service(service);
            add(&mut cost.kept, flow)?;
            return add(&mut cost.late, flow);
        }
        self.books.fund(&mut self.held, service.to_owned(), flow)
    }
}

impl Books {
    fn new(currency: Currency) -> Self {
        Self {
            currency,
            lines: BTreeMap::new(),
            services: BTreeMap::new(),
            customers: BTreeMap::new(),
            unallocated: BTreeMap::new(),
        }
    }

    fn service(&mut self, name: &str) -> &mut ServiceCost {
        let nothing = Flow::nothing(self.currency);
        self.services.entry(name.to_owned()).or_insert_with(|| ServiceCost {
            direct: nothing.clone(),
            received: nothing.clone(),
            passed_on: nothing.clone(),
            charged: nothing.clone(),
            kept: nothing.clone(),
            late: nothing,
        })
    }

    fn fund(&self, places: &mut BTreeMap<String, Flow>, name: String, flow: &Flow) -> Result<(), Error> {
        add(places.entry(name).or_insert_with(|| Flow::nothing(self.currency)), flow)
    }

    fn charge(&mut self, customer: &str, flow: &Flow) -> Result<(), Error> {
        let nothing = Flow::nothing(self.currency);
        add(self.customers.entry(customer.to_owned()).or_insert(nothing), flow)
    }

    fn unallocate(&mut self, pool: String, flow: &Flow) -> Result<(), Error> {
        self.write((Place::Pool(pool.clone()), Place::Unallocated, String::new(), None), flow)?;
        let nothing = Flow::nothing(self.currency);
        add(self.unallocated.entry(pool).or_insert(nothing), flow)
    }

    fn write(&mut self, step: Step, flow: &Flow) -> Result<(), Error> {
        let nothing = Flow::nothing(self.currency);
        add(self.lines.entry(step).or_insert(nothing), flow)
    }
}

impl Flow {
    fn nothing(currency: Currency) -> Self {
        Self { money: Money::new(0, currency), illustrative: false, origins: BTreeSet::new() }
    }
}

impl ServiceCost {
    /// What the service costs: what came to it without what other services bear. Its customers and it bear it together.
    pub fn cost(&self) -> Result<Flow, Error> {
        let mut cost = self.charged.clone();
        add(&mut cost, &self.kept)?;
        Ok(cost)
    }
}

impl From<(Step, Flow)> for Line {
    fn from(((source, target, rule, share), flow): (Step, Flow)) -> Self {
        Self { source, target, rule, share, flow }
    }
}

fn add(sum: &mut Flow, flow: &Flow) -> Result<(), Error> {
    sum.money = sum.money.checked_add(flow.money)?;
    sum.illustrative |= flow.illustrative;
    sum.origins.extend(flow.origins.iter().cloned());
    Ok(())
}
