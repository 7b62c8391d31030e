//! Value and cost: where cost goes, spend against budget, unit cost, benefits, credits at stake. Whole minor units, one
//! currency at a time; where there is no number its reason stands in its place.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::agreement::{Kind, Month, owed};
use domain::allocation::{Allocation, Charge, Flow, Place, ServiceCost, allocate};
use domain::amount::{Amount, Currency, Decimal, Money};
use domain::attainment::Attainment;
use domain::clock::State;
use domain::value::{Benefit, Budget, after, instant};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Context, money};
use crate::Error;
use crate::inputs::{ClockRow, CostRow, Inputs, Registered, TicketRow};
use crate::period::Period;
use crate::report::measure::{Measure, Scope, Value};

/// The measures of value and cost.
pub(super) fn measures(context: &Context) -> Result<Vec<Measure>, Error> {
    let costs = Costs::of(context.inputs, &context.period)?;
    let mut measures = costs.per_service(context)?;
    measures.extend(costs.per_ticket(context)?);
    measures.extend(costs.against_budgets(context)?);
    measures.extend(benefit_measures(context)?);
    measures.extend(credit_measures(context)?);
    Ok(measures)
}

/// Where the cost of the window went.
struct Costs<'a> {
    inputs: &'a Inputs,
    /// The window of the report, or that of the ledger where the report's holds none of it.
    window: Period,
    outside: bool,
    rows: Vec<&'a CostRow>,
    allocations: Vec<Allocation>,
}

impl<'a> Costs<'a> {
    fn of(inputs: &'a Inputs, period: &Period) -> Result<Self, Error> {
        let asked = period.until(inputs.as_of);
        let within = |window: &Period| -> Vec<&'a CostRow> {
            inputs.costs.iter().filter(|cost| cost.start_at < window.end && cost.end_at > window.start).collect()
        };
        let mut window = asked;
        let mut rows = within(&asked);
        let start = inputs.costs.iter().map(|cost| cost.start_at).min();
        let end = inputs.costs.iter().map(|cost| cost.end_at).max();
        let outside = rows.is_empty();
        if let Some((start, end)) = start.zip(end).filter(|_| outside) {
            window = Period { start, end };
            rows = within(&window);
        }
        let charges: Vec<Charge> = rows.iter().map(|cost| charge(cost)).collect();
        let allocations = allocate(&charges, &inputs.rules, window.start, window.end)?;
        Ok(Self { inputs, window, outside: outside && !rows.is_empty(), rows, allocations })
    }

    /// A measure of cost in the window of the costs.
    fn measure(&self, context: &Context, id: &str, scope: Scope) -> Measure {
        Measure {
            window: self.window.to_string(),
            source: money::source("cost ledger: no line", false, false, context.is_invented(&scope)),
            filter: None,
            ..context.measure(id, scope)
        }
    }

    /// One whose number cannot be told.
    fn none(&self, context: &Context, id: &str, scope: Scope, reason: &str) -> Measure {
        Measure { reason: Some(reason.to_owned()), ..self.measure(context, id, scope) }
    }

    /// One of money that ledger lines are behind.
    fn of_money(&self, context: &Context, id: &str, scope: Scope, flow: &Flow) -> Measure {
        let rows: Vec<&CostRow> = self.behind(flow).collect();
        let invented = flow.illustrative || context.is_invented(&scope);
        Measure {
            source: self.source(&rows, invented),
            n: rows.len() as u64,
            ..with_money(self.measure(context, id, scope), flow.money)
        }
    }

    /// The ledger lines that money is made of.
    fn behind<'b>(&'b self, flow: &'b Flow) -> impl Iterator<Item = &'a CostRow> + 'b {
        self.rows.iter().copied().filter(|row| {
            row.billed.currency == flow.money.currency
                && flow.origins.iter().any(|(pool, service)| *pool == row.pool && *service == row.service)
        })
    }

    fn source(&self, rows: &[&CostRow], invented: bool) -> String {
        let names: BTreeSet<&str> = rows.iter().map(|row| money::named(&row.source)).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let names = if names.is_empty() { "no line".to_owned() } else { names.join(", ") };
        let late = rows.iter().any(|row| row.late);
        money::source(&format!("cost ledger: {names}"), self.outside, late, invented)
    }

    /// What tells the currencies of the ledger apart; nothing where there is one.
    fn base(&self, currency: Currency) -> Scope {
        by_currency(self.allocations.len(), currency)
    }

    fn per_service(&self, context: &Context) -> Result<Vec<Measure>, Error> {
        const ID: &str = "value.cost_per_service";
        let mut measures = Vec::new();
        for allocation in &self.allocations {
            let base = self.base(allocation.currency);
            for (scope, flow) in places(allocation)? {
                measures.push(self.of_money(context, ID, within(&base, &scope), &flow));
            }
            for (customer, flow) in &allocation.customers {
                let scope = base.clone().with("customer", customer.as_str());
                measures.push(self.of_money(context, "value.cost_per_customer", scope, flow));
            }
        }
        if self.allocations.is_empty() {
            measures.push(self.none(context, ID, Scope::all(), "no cost is recorded"));
        }
        for service in self.inputs.services.keys().filter(|name| self.costs_of(name).next().is_none()) {
            measures.push(self.none(context, ID, Scope::one("service", service.as_str()), NO_COST));
        }
        Ok(measures)
    }

    /// What a service costs, in each currency in which it costs anything.
    fn costs_of<'b>(&'b self, service: &'b str) -> impl Iterator<Item = &'b ServiceCost> {
        self.allocations.iter().filter_map(move |allocation| allocation.services.get(service))
    }

    fn per_ticket(&self, context: &Context) -> Result<Vec<Measure>, Error> {
        const ID: &str = "value.cost_per_ticket";
        let allocated = self.allocations.iter().flat_map(|allocation| allocation.services.keys());
        let services: BTreeSet<&String> = self.inputs.services.keys().chain(allocated).collect();
        let mut measures = Vec::new();
        for service in services {
            let scope = Scope::one("service", service.as_str());
            let costs: Vec<Flow> = self.costs_of(service).map(ServiceCost::cost).collect::<Result<_, _>>()?;
            let tickets = self.resolved(service).count() as u64;
            let none = |reason: &str| Measure { n: tickets, ..self.none(context, ID, scope.clone(), reason) };
            measures.push(match costs.as_slice() {
                [] => none(NO_COST),
                [_] if tickets == 0 => none("no incident of the service was resolved in the window of its cost"),
                [flow] => {
                    let unit = flow.money.value().portion(1, i64::try_from(tickets).unwrap_or(i64::MAX));
                    let digits = flow.money.currency.minor_digits();
                    let measure = self.of_money(context, ID, scope.clone(), flow);
                    Measure { value: Value::Exact(unit.round(digits), digits), n: tickets, ..measure }
                }
                [..] => none(&format!(
                    "its cost is in {}, and currencies are not added",
                    costs.iter().map(|flow| flow.money.currency.to_string()).collect::<Vec<_>>().join(" and ")
                )),
            });
        }
        Ok(measures)
    }

    /// The incidents of a service that were resolved in the window of the costs.
    fn resolved<'b>(&'b self, service: &'b str) -> impl Iterator<Item = &'a TicketRow> + 'b {
        let resolved = |row: &&TicketRow| row.resolved_at.is_some_and(|at| self.window.contains(at));
        self.inputs.incidents().filter(move |row| row.service == service).filter(resolved)
    }

    /// What was spent from a pool or on a service in a currency. Empty: nothing is recorded.
    fn spent(&self, scope: &Scope, currency: Currency) -> Result<Option<Flow>, Error> {
        let Some(allocation) = self.allocations.iter().find(|allocation| allocation.currency == currency) else {
            return Ok(None);
        };
        if let Some(service) = scope.text("service") {
            return Ok(allocation.services.get(&service).map(ServiceCost::cost).transpose()?);
        }
        let pool = Place::Pool(scope.text("pool").unwrap_or_default());
        let lines = allocation.lines.iter().filter(|line| line.source == pool);
        // Which rules share a pool out does not change what it is charged.
        let recorded = |line: &Flow| {
            let mut rows = self.behind(line).filter(|row| row.pool == scope.text("pool").unwrap_or_default());
            rows.any(|row| row.illustrative)
        };
        sum(lines.map(|line| Flow { illustrative: recorded(&line.flow), ..line.flow.clone() }))
    }

    /// Every budget with a day in the window and what was spent, by currency; several for the same are one.
    fn budgets(&self) -> Result<BTreeMap<Currency, Vec<Compared<'a>>>, Error> {
        let mut groups: BTreeMap<(Currency, Scope), Vec<&'a Registered<Budget>>> = BTreeMap::new();
        for budget in self.inputs.budgets.iter().filter(|budget| self.portion(&budget.content).is_some()) {
            let of = &budget.content;
            let (name, value) = if of.service.is_empty() { ("pool", &of.pool) } else { ("service", &of.service) };
            groups.entry((of.amount.currency, Scope::one(name, value.as_str()))).or_default().push(budget);
        }
        let mut found: BTreeMap<Currency, Vec<Compared>> = BTreeMap::new();
        for ((currency, scope), budgets) in groups {
            let portions: Vec<Decimal> = budgets.iter().filter_map(|one| self.portion(&one.content)).collect();
            let budget = Amount::new(Decimal::sum(&portions)?, currency).to_money()?.money;
            let spent = self.spent(&scope, currency)?;
            found.entry(currency).or_default().push(Compared { scope, budget, budgets, spent, without: Vec::new() });
        }
        Ok(found)
    }

    fn against_budgets(&self, context: &Context) -> Result<Vec<Measure>, Error> {
        let found = self.budgets()?;
        let mut measures = Vec::new();
        if found.is_empty() {
            let reason = "no budget is recorded for any day of the window";
            measures.extend(BUDGETS.map(|id| self.none(context, id, Scope::all(), reason)));
        }
        for (currency, all) in &found {
            let base = by_currency(found.len(), *currency);
            for one in all {
                measures.extend(self.compare(context, &within(&base, &one.scope), one)?);
            }
            measures.extend(match together(*currency, all)? {
                Some(whole) => self.compare(context, &base, &whole)?,
                None => BUDGETS.map(|id| self.none(context, id, base.clone(), OVERLAP)),
            });
        }
        Ok(measures)
    }

    /// The three measures of a budget.
    fn compare(&self, context: &Context, scope: &Scope, of: &Compared) -> Result<[Measure; 3], Error> {
        let [budget, variance, spend] = BUDGETS;
        let invented = of.budgets.iter().any(|budget| budget.content.illustrative) || context.is_invented(scope);
        let mark = if invented { "; ILLUSTRATIVE" } else { "" };
        let late = of.budgets.iter().any(|budget| budget.late);
        let names: Vec<&str> = of.budgets.iter().map(|budget| budget.name.as_str()).collect();
        let mut names = names.join(", ");
        if !of.without.is_empty() {
            names = format!("{names}; without {}, of which no cost is recorded", of.without.join(", "));
        }
        let planned = Measure {
            source: money::source(&names, self.outside, late, invented),
            n: of.budgets.len() as u64,
            ..with_money(self.measure(context, budget, scope.clone()), of.budget)
        };
        let Some(spent) = &of.spent else {
            let reason = self.unspent(&of.scope, of.budget.currency);
            let none = |id: &str| Measure {
                source: planned.source.clone(),
                unit: planned.unit.clone(),
                ..self.none(context, id, scope.clone(), &reason)
            };
            return Ok([none(variance), none(spend), planned]);
        };
        let spent_measure = self.of_money(context, spend, scope.clone(), spent);
        let plain = spent_measure.source.trim_end_matches("; ILLUSTRATIVE");
        let mark = if spent.illustrative { "; ILLUSTRATIVE" } else { mark };
        let difference = spent.money.checked_add(negative(of.budget)?)?;
        let source = format!("{plain}; budgets: {names}{mark}");
        let compared = Measure { source, n: spent_measure.n, ..self.measure(context, variance, scope.clone()) };
        Ok([with_money(compared, difference), spent_measure, planned])
    }

    /// Why nothing is known to be spent.
    fn unspent(&self, scope: &Scope, currency: Currency) -> String {
        let what = scope.parts().map(|(name, part)| format!("{name} {part}")).collect::<Vec<_>>().join(" ");
        let others: Vec<String> = self
            .allocations
            .iter()
            .filter(|allocation| allocation.currency != currency)
            .filter(|allocation| self.spent(scope, allocation.currency).is_ok_and(|spent| spent.is_some()))
            .map(|allocation| allocation.currency.to_string())
            .collect();
        if others.is_empty() {
            let what = if what.is_empty() { "what has a budget" } else { &what };
            return format!("no cost is recorded for {what} in the window, which is not the same as nothing spent");
        }
        format!(
            "the cost of {what} is in {} and the budget in {currency}: currencies are not added",
            others.join(" and ")
        )
    }

    /// What of a budget falls in the window. Empty: nothing.
    fn portion(&self, budget: &Budget) -> Option<Decimal> {
        let (start_at, end_at) = (instant(budget.start_on)?, after(budget.end_on)?);
        (start_at < self.window.end && end_at > self.window.start).then(|| {
            let whole = Charge { amount: budget.amount.to_amount(), start_at, end_at, ..nothing_charged() };
            domain::allocation::portion(&whole, self.window.start, self.window.end)
        })
    }
}

/// The measures of budgets, in the order in which [`Costs::compare`] reads them.
const BUDGETS: [&str; 3] = ["value.budget", "value.budget_variance", "value.spend"];

const NO_COST: &str = "no cost is recorded for the service or allocated to it in the window";

/// A budget, or several for the same, and what was spent.
struct Compared<'a> {
    scope: Scope,
    budget: Money,
    budgets: Vec<&'a Registered<Budget>>,
    /// `None`: nothing is recorded.
    spent: Option<Flow>,
    /// What has a budget and is left out, since nothing is recorded of its cost.
    without: Vec<String>,
}

/// All budgets of a currency that something is recorded of, or all if there is none. `None`: they overlap.
fn together<'a>(currency: Currency, all: &[Compared<'a>]) -> Result<Option<Compared<'a>>, Error> {
    let of_pools = all.iter().filter(|one| one.scope.get("pool").is_some()).count();
    if of_pools != 0 && of_pools != all.len() {
        return Ok(None);
    }
    let (known, unknown): (Vec<&Compared>, Vec<&Compared>) = all.iter().partition(|one| one.spent.is_some());
    let (counted, without) = if known.is_empty() { (unknown, Vec::new()) } else { (known, unknown) };
    Ok(Some(Compared {
        scope: Scope::all(),
        budget: Money::sum(currency, counted.iter().map(|one| one.budget))?,
        budgets: counted.iter().flat_map(|one| one.budgets.iter().copied()).collect(),
        spent: sum(counted.iter().filter_map(|one| one.spent.clone()))?,
        without: without.iter().flat_map(|one| one.scope.parts()).map(|(_, part)| part.to_string()).collect(),
    }))
}

/// A scope restricted further by another.
fn within(base: &Scope, scope: &Scope) -> Scope {
    scope.parts().fold(base.clone(), |all, (name, part)| all.with(name, part.clone()))
}

const OVERLAP: &str =
    "budgets of pools and of services overlap: a pool pays for services, and the same money would count twice";

/// Where the cost of a currency stays, and the total.
fn places(allocation: &Allocation) -> Result<Vec<(Scope, Flow)>, Error> {
    let mut found = Vec::new();
    for (service, cost) in &allocation.services {
        found.push((Scope::one("service", service.as_str()), cost.cost()?));
    }
    let nobody = Scope::one("service", "");
    let nothing = Flow { money: Money::new(0, allocation.currency), illustrative: false, origins: BTreeSet::new() };
    found.push((nobody.clone(), sum(allocation.unallocated.values().cloned())?.unwrap_or(nothing)));
    let mut straight: BTreeMap<&str, Vec<Flow>> = BTreeMap::new();
    for line in &allocation.lines {
        if let (Place::Pool(_), Place::Customer(customer)) = (&line.source, &line.target) {
            straight.entry(customer).or_default().push(line.flow.clone());
        }
    }
    for (customer, flows) in straight {
        if let Some(flow) = sum(flows.into_iter())? {
            found.push((nobody.clone().with("customer", customer), flow));
        }
    }
    let total = sum(found.iter().map(|(_, flow)| flow.clone()))?;
    found.extend(total.map(|total| (Scope::all(), total)));
    Ok(found)
}

/// Money put together. Empty: there is none.
fn sum(flows: impl Iterator<Item = Flow>) -> Result<Option<Flow>, Error> {
    let mut total: Option<Flow> = None;
    for flow in flows {
        total = Some(match total {
            None => flow,
            Some(total) => Flow {
                money: total.money.checked_add(flow.money)?,
                illustrative: total.illustrative || flow.illustrative,
                origins: total.origins.into_iter().chain(flow.origins).collect(),
            },
        });
    }
    Ok(total)
}

fn negative(money: Money) -> Result<Money, Error> {
    let minor_units = money.minor_units.checked_neg().ok_or(domain::amount::Error::MoneyOverflow(money.currency))?;
    Ok(Money { minor_units, ..money })
}

fn with_money(measure: Measure, money: Money) -> Measure {
    let digits = money.currency.minor_digits();
    Measure { value: Value::Exact(money.value(), digits), unit: money.currency.to_string(), ..measure }
}

/// What tells several currencies apart; nothing where there is one.
fn by_currency(several: usize, currency: Currency) -> Scope {
    if several > 1 { Scope::one("currency", currency.code()) } else { Scope::all() }
}

fn nothing_charged() -> Charge {
    Charge {
        pool: String::new(),
        service: String::new(),
        amount: Amount::new(Decimal::zero(), Currency::NONE),
        start_at: Timestamp::UNIX_EPOCH,
        end_at: Timestamp::UNIX_EPOCH,
        lines: 1,
        illustrative: false,
    }
}

fn charge(cost: &CostRow) -> Charge {
    Charge {
        pool: cost.pool.clone(),
        service: cost.service.clone(),
        amount: cost.billed.clone(),
        start_at: cost.start_at,
        end_at: cost.end_at,
        illustrative: cost.illustrative,
        ..nothing_charged()
    }
}

/// The benefits that count: those with a day in the window, or all of them where there is none.
fn benefits_of<'a>(inputs: &'a Inputs, period: &Period) -> (Vec<&'a Registered<Benefit>>, bool) {
    let window = period.until(inputs.as_of);
    let within = |benefit: &&Registered<Benefit>| {
        let (start, end) = (instant(benefit.content.start_on), after(benefit.content.end_on));
        start.is_some_and(|start| start < window.end) && end.is_some_and(|end| end > window.start)
    };
    let found: Vec<_> = inputs.benefits.iter().filter(within).collect();
    if found.is_empty() { (inputs.benefits.iter().collect(), !inputs.benefits.is_empty()) } else { (found, false) }
}

/// The scopes of a benefit without its currency.
fn scopes_of(benefit: &Benefit) -> [Scope; 3] {
    [Scope::all(), Scope::one("objective", benefit.objective.as_str()), Scope::one("service", benefit.service.as_str())]
}

fn benefit_measures(context: &Context) -> Result<Vec<Measure>, Error> {
    const IDS: [&str; 2] = ["value.benefit_planned", "value.benefit_realised"];
    let (benefits, outside) = benefits_of(context.inputs, &context.period);
    if benefits.is_empty() {
        let none = |id| Measure {
            source: "benefits: none".to_owned(),
            reason: Some("no benefit is recorded".to_owned()),
            ..context.measure(id, Scope::all())
        };
        return Ok(IDS.map(none).into());
    }
    let currencies: BTreeSet<Currency> = benefits.iter().map(|one| one.content.planned.likely.currency).collect();
    let mut groups: BTreeMap<(Currency, Scope), Vec<&Registered<Benefit>>> = BTreeMap::new();
    for benefit in benefits {
        let currency = benefit.content.planned.likely.currency;
        for scope in scopes_of(&benefit.content) {
            groups.entry((currency, scope)).or_default().push(benefit);
        }
    }
    let mut measures = Vec::new();
    for ((currency, scope), benefits) in groups {
        let scope = within(&by_currency(currencies.len(), currency), &scope);
        let of = |amount: &dyn Fn(&Benefit) -> Option<Money>| -> Result<Money, Error> {
            Ok(Money::sum(currency, benefits.iter().filter_map(|benefit| amount(&benefit.content)))?)
        };
        let bound = |money: Money| money.value().to_string().parse::<f64>().ok();
        let recorded = benefits.iter().filter(|benefit| benefit.content.realised.is_some()).count() as u64;
        let missing = benefits.len() as u64 - recorded;
        let start = benefits.iter().map(|benefit| benefit.content.start_on).min();
        let end = benefits.iter().map(|benefit| benefit.content.end_on).max().and_then(after);
        let window = start.and_then(instant).zip(end).map(|(start, end)| Period { start, end }.to_string());
        let invented = benefits.iter().any(|benefit| benefit.content.illustrative) || context.is_invented(&scope);
        let late = benefits.iter().any(|benefit| benefit.late);
        let source = |note: String| money::source(&format!("benefits{note}"), outside, late, invented);
        let base =
            |id: &str| Measure { window: window.clone().unwrap_or_default(), ..context.measure(id, scope.clone()) };
        measures.push(Measure {
            source: source(String::new()),
            n: benefits.len() as u64,
            interval: Some([bound(of(&|one| Some(one.planned.low))?), bound(of(&|one| Some(one.planned.high))?)]),
            ..with_money(base(IDS[0]), of(&|one| Some(one.planned.likely))?)
        });
        let note =
            if missing > 0 { format!("; not recorded for {missing} of {}", benefits.len()) } else { String::new() };
        let realised = Measure { source: source(note), n: recorded, unit: currency.to_string(), ..base(IDS[1]) };
        measures.push(if recorded == 0 {
            Measure { reason: Some("nothing realised is recorded, which is not zero".to_owned()), ..realised }
        } else {
            with_money(realised, of(&|one| one.realised)?)
        });
    }
    Ok(measures)
}

/// The clocks of customers' agreements on incidents that were opened in the window and whose outcome is fixed, with their
/// tickets. A month is judged by what was opened in it, or a window would judge the rest of the month before it.
fn verdicts<'a>(inputs: &'a Inputs, period: &Period) -> impl Iterator<Item = (&'a TicketRow, &'a ClockRow)> {
    let window = period.until(inputs.as_of);
    inputs
        .incidents()
        .filter(move |row| window.contains(row.opened_at))
        .flat_map(|row| row.clocks.iter().map(move |clock| (row, clock)))
        .filter(|(_, clock)| clock.kind == Kind::Sla && clock.settled_at.is_some())
}

fn credit_measures(context: &Context) -> Result<Vec<Measure>, Error> {
    const ID: &str = "value.credit_exposure";
    let inputs = context.inputs;
    let mut months: BTreeMap<&str, BTreeMap<Month, Attainment>> = BTreeMap::new();
    for (row, clock) in verdicts(inputs, &context.period) {
        let on = row.opened_at.to_zoned(TimeZone::UTC).date();
        let month = Month { revision: clock.revision, of: (on.year(), on.month()), metric: clock.metric };
        let of = months.entry(clock.agreement.as_str()).or_default().entry(month).or_default();
        of.count(clock.state == State::Met);
    }
    let agreements: BTreeSet<&str> =
        inputs.agreements.iter().filter(|row| row.kind == Kind::Sla).map(|row| row.name.as_str()).collect();
    let none = |scope: Scope, reason: String| Measure {
        reason: Some(reason),
        source: "agreements with customers".to_owned(),
        ..context.measure(ID, scope)
    };
    let mut measures = Vec::new();
    let mut totals: BTreeMap<Currency, (Amount, u64, bool)> = BTreeMap::new();
    let currencies: BTreeSet<Currency> = inputs.agreements.iter().flat_map(currencies_of).collect();
    for name in agreements {
        let scope = Scope::one("agreement", name);
        let months = months.remove(name).unwrap_or_default();
        let clocks: u64 = months.values().map(|attainment| attainment.settled).sum();
        let revisions = || inputs.agreements.iter().filter(|row| row.name == name);
        let reason = if revisions().all(|row| row.credits.bands.is_empty()) {
            Some("the agreement has no credit bands")
        } else if clocks == 0 {
            Some("no clock of the agreement on an incident opened in the window has its outcome")
        } else {
            let unknown = months.iter().any(|(month, attainment)| {
                let terms = inputs.agreement(name, month.revision).map(|row| &row.credits);
                let missed = terms.and_then(|terms| terms.missed(*attainment));
                missed.is_some_and(|band| band.charge_percent.is_some())
                    && terms.is_some_and(|terms| terms.monthly_charge.is_none())
            });
            unknown.then_some("a credit is a share of the monthly charge, which the agreement does not record")
        };
        if let Some(reason) = reason {
            measures.push(Measure { n: clocks, ..none(scope, reason.to_owned()) });
            continue;
        }
        let credits = owed(&months, |revision| Some(inputs.agreement(name, revision)?.credits.clone()))?;
        let invented = revisions().any(|row| row.illustrative);
        let mine: BTreeSet<Currency> = revisions().flat_map(currencies_of).collect();
        for currency in mine {
            let owed = credits.get(&currency).cloned().unwrap_or_else(|| Amount::new(Decimal::zero(), currency));
            let scope = by_currency(currencies.len(), currency).with("agreement", name);
            let mark = if invented { "; ILLUSTRATIVE" } else { "" };
            let source = format!("{}; promises: {name}{mark}", context.ticket_source);
            let base = Measure { n: clocks, source, ..context.measure(ID, scope) };
            measures.push(with_money(base, owed.to_money()?.money));
            let (sum, n, marked) =
                totals.remove(&currency).unwrap_or((Amount::new(Decimal::zero(), currency), 0, false));
            totals.insert(currency, (sum.checked_add(&owed)?, n + clocks, marked || invented));
        }
    }
    if totals.is_empty() {
        let reason = "no agreement with a customer records credit bands and clocks to judge by them";
        measures.push(none(Scope::all(), reason.to_owned()));
    }
    for (currency, (sum, n, invented)) in totals {
        let mark = if invented { "; ILLUSTRATIVE" } else { "" };
        let source = format!("{}; promises with credit bands{mark}", context.ticket_source);
        let base = Measure { source, n, ..context.measure(ID, by_currency(currencies.len(), currency)) };
        measures.push(with_money(base, sum.to_money()?.money));
    }
    Ok(measures)
}

/// The currencies in which an agreement can owe credits.
fn currencies_of(row: &crate::inputs::AgreementRow) -> Vec<Currency> {
    let of_band = |band: &domain::agreement::CreditBand| match band.charge_percent {
        Some(_) => row.credits.monthly_charge.map(|charge| charge.currency),
        None => band.amount.map(|amount| amount.currency),
    };
    row.credits.bands.iter().filter_map(of_band).collect()
}

/// The incidents behind a unit cost.
pub(super) fn tickets(inputs: &Inputs, period: &Period, scope: &Scope) -> Result<Vec<String>, Error> {
    let costs = Costs::of(inputs, period)?;
    let service = scope.text("service").unwrap_or_default();
    Ok(costs.resolved(&service).map(|row| row.name.clone()).collect())
}

/// The ledger lines behind money; of budgets the budgets.
pub(super) fn cost_entries(inputs: &Inputs, period: &Period, id: &str, scope: &Scope) -> Result<Vec<String>, Error> {
    let costs = Costs::of(inputs, period)?;
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut flows: Vec<Flow> = Vec::new();
    if BUDGETS.contains(&id) {
        let budgets = costs.budgets()?;
        for (currency, all) in &budgets {
            let base = by_currency(budgets.len(), *currency);
            let whole = together(*currency, all)?;
            for one in all.iter().chain(&whole).filter(|one| within(&base, &one.scope) == *scope) {
                match &one.spent {
                    _ if id == BUDGETS[0] => found.extend(one.budgets.iter().map(|budget| budget.name.as_str())),
                    Some(spent) => flows.push(spent.clone()),
                    None => {}
                }
            }
        }
    } else {
        for allocation in &costs.allocations {
            let customer = |(name, flow): (&String, &Flow)| (Scope::one("customer", name.as_str()), flow.clone());
            let all = if id == "value.cost_per_customer" {
                allocation.customers.iter().map(customer).collect()
            } else {
                places(allocation)?
            };
            let base = costs.base(allocation.currency);
            flows.extend(all.into_iter().filter(|(place, _)| within(&base, place) == *scope).map(|(_, flow)| flow));
        }
    }
    for flow in &flows {
        found.extend(costs.behind(flow).map(|row| row.name.as_str()));
    }
    let ordered = inputs.costs.iter().map(|row| &row.name).chain(inputs.budgets.iter().map(|row| &row.name));
    Ok(ordered.filter(|name| found.contains(name.as_str())).cloned().collect())
}

/// The benefits behind a number.
pub(super) fn benefits(inputs: &Inputs, period: &Period, id: &str, scope: &Scope) -> Vec<String> {
    let holds = |benefit: &&Registered<Benefit>| {
        let of = &benefit.content;
        let fits = |(name, part): (&str, &crate::report::measure::Part)| match name {
            "objective" => part.to_string() == of.objective,
            "service" => part.to_string() == of.service,
            "currency" => part.to_string() == of.planned.likely.currency.code(),
            _ => false,
        };
        scope.parts().all(fits) && (id != "value.benefit_realised" || of.realised.is_some())
    };
    benefits_of(inputs, period).0.into_iter().filter(holds).map(|benefit| benefit.name.clone()).collect()
}

/// The incidents whose clocks are behind credits.
pub(super) fn judged(inputs: &Inputs, period: &Period, scope: &Scope) -> Vec<String> {
    let agreement = scope.text("agreement");
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for (row, clock) in verdicts(inputs, period) {
        if agreement.as_deref().is_none_or(|name| name == clock.agreement) {
            found.insert(&row.name);
        }
    }
    inputs.tickets.iter().map(|row| &row.name).filter(|name| found.contains(name.as_str())).cloned().collect()
}
