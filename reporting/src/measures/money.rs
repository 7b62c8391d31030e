//! Cost and contracts: exact sums, one currency and one source at a time, each with the window its data really has.

use std::collections::{BTreeMap, BTreeSet};

use domain::amount::{Amount, Currency, Money};
use jiff::ToSpan;
use jiff::civil::Date;

use super::Context;
use crate::Error;
use crate::inputs::{ContractRow, CostRow, Inputs};
use crate::period::{Period, date};
use crate::report::measure::{Measure, Scope, Value};

/// Days ahead in which a notice deadline asks for a decision.
pub const NOTICE_DAYS: i64 = 90;

/// Lines of the ledger that count: of each source those of the window, or all of them where the window holds none.
pub(super) fn costs<'a>(inputs: &'a Inputs, period: &Period) -> Vec<&'a CostRow> {
    let window = period.until(inputs.as_of);
    let within = |cost: &&CostRow| window.contains(cost.start_at);
    let current: BTreeSet<&str> = inputs.costs.iter().filter(within).map(|cost| cost.source.as_str()).collect();
    inputs.costs.iter().filter(|cost| within(cost) || !current.contains(cost.source.as_str())).collect()
}

/// What was billed: as a whole, by service, by provider, and by what the provider calls its services.
pub(super) fn cost_measures(context: &Context) -> Result<Vec<Measure>, Error> {
    let rows = costs(context.inputs, &context.period);
    let real = rows.iter().filter(|cost| !cost.illustrative);
    let splits = Splits::of(real.map(|cost| (cost.source.as_str(), cost.billed.currency)));
    // As many digits as the finest line of the currency needs: the parts stand below each other.
    let mut digits: BTreeMap<Currency, u32> = BTreeMap::new();
    for billed in rows.iter().map(|cost| &cost.billed) {
        let most = digits.entry(billed.currency).or_insert_with(|| billed.currency.minor_digits());
        *most = (*most).max(billed.value.fraction_digits());
    }
    let mut groups: BTreeMap<Scope, Vec<&CostRow>> = BTreeMap::new();
    for cost in rows {
        let base = splits.of_cost(cost);
        let provider = base.clone().with("provider", cost.provider.as_str());
        for scope in [
            base.clone(),
            base.with("service", cost.service.as_str()),
            provider.clone().with("provider_service", cost.provider_service.as_str()),
            provider,
        ] {
            groups.entry(scope).or_default().push(cost);
        }
    }
    groups
        .into_iter()
        .map(|(scope, rows)| {
            let currency = rows[0].billed.currency;
            let total = Amount::sum(currency, rows.iter().map(|cost| &cost.billed))?;
            let start = rows.iter().map(|cost| cost.start_at).min();
            let end = rows.iter().map(|cost| cost.end_at).max();
            let outside = !rows.iter().any(|cost| context.window.contains(cost.start_at));
            let late = rows.iter().any(|cost| cost.late);
            let invented = rows.iter().any(|cost| cost.illustrative) || context.is_invented(&scope);
            let digits = digits.get(&currency).copied().unwrap_or_else(|| currency.minor_digits());
            Ok(Measure {
                window: start.zip(end).map(|(start, end)| format!("{start}/{end}")).unwrap_or_default(),
                source: source(&rows[0].source, outside, late, invented),
                value: Value::Exact(total.value, digits),
                unit: currency.to_string(),
                n: rows.len() as u64,
                ..context.measure("cost.billed", scope)
            })
        })
        .collect()
}

/// Contracts that come from one source: what is recorded by different people is not added up.
#[derive(Clone, Debug, PartialEq)]
pub struct Register {
    /// What tells its measures from those of other registers. Empty: there is no other.
    pub scope: Scope,
    /// The date by which "ahead" is meant: the as-of, or its newest start if the register is newer.
    pub date: Date,
    /// Its contracts.
    pub contracts: Vec<ContractRow>,
    /// Those on which a decision is due, the largest first.
    pub due: Vec<ContractRow>,
}

impl Register {
    /// Whether any of it is invented for demonstration.
    pub fn is_illustrative(&self) -> bool {
        self.contracts.iter().any(|contract| contract.illustrative)
    }
}

/// The registers, what is invented last; one that is empty where no contract is on record.
pub(super) fn registers(inputs: &Inputs) -> Vec<Register> {
    let mut by_source: BTreeMap<&str, Vec<ContractRow>> = BTreeMap::new();
    for contract in &inputs.contracts {
        by_source.entry(&contract.source).or_default().push(contract.clone());
    }
    if by_source.is_empty() {
        by_source.entry("").or_default();
    }
    let invented = |contracts: &[ContractRow]| contracts.iter().any(|contract| contract.illustrative);
    // What is invented never stands for the whole.
    let several = by_source.values().filter(|contracts| !invented(contracts)).count() > 1;
    let mut registers: Vec<Register> = by_source
        .into_iter()
        .map(|(source, contracts)| {
            let date = register_date(inputs, source);
            let mut due: Vec<ContractRow> = contracts.iter().filter(|row| is_due(row, date)).cloned().collect();
            due.sort_by(|a, b| {
                let amount = |row: &ContractRow| row.committed.map_or(0, |money| money.minor_units);
                amount(b).cmp(&amount(a)).then_with(|| (a.deadline_on, &a.name).cmp(&(b.deadline_on, &b.name)))
            });
            let apart = several || invented(&contracts);
            let scope = if apart { Scope::one("source", named(source)) } else { Scope::all() };
            Register { scope, date, contracts, due }
        })
        .collect();
    registers.sort_by_key(Register::is_illustrative);
    registers
}

/// The date by which "ahead" is meant in the register of a source.
pub(super) fn register_date(inputs: &Inputs, source: &str) -> Date {
    let contracts = inputs.contracts.iter().filter(|contract| contract.source == source);
    contracts.filter_map(|contract| contract.start_on).fold(date(inputs.as_of), Date::max)
}

/// Whether a decision on the contract is due within [`NOTICE_DAYS`] days of the register's date.
pub(super) fn is_due(contract: &ContractRow, from: Date) -> bool {
    let until = from.saturating_add(NOTICE_DAYS.days());
    contract.deadline_on.is_some_and(|deadline| from <= deadline && deadline <= until)
}

/// Quarter of a date: `2026-Q1`.
pub(crate) fn quarter(on: Date) -> String {
    format!("{}-Q{}", on.year(), (on.month() + 2) / 3)
}

/// The contracts of each register and what they commit: as a whole, by quarter of the deadline, by owner, and those due
/// soon.
pub(super) fn contract_measures(context: &Context, registers: &[Register]) -> Result<Vec<Measure>, Error> {
    let mut measures = Vec::new();
    for register in registers {
        let base = &register.scope;
        let groups = |scopes: &dyn Fn(&ContractRow) -> Vec<Scope>, rows: &[ContractRow]| {
            let mut groups: BTreeMap<Scope, Vec<ContractRow>> = BTreeMap::new();
            groups.entry(base.clone()).or_default();
            for row in rows {
                for scope in scopes(row) {
                    groups.entry(scope).or_default().push(row.clone());
                }
            }
            groups
        };
        let whole = |_: &ContractRow| vec![base.clone()];
        let whole_and_parts = |contract: &ContractRow| {
            let quarter = contract.deadline_on.map_or_else(|| "open-ended".to_owned(), quarter);
            let owner = contract.owner_unit.as_str();
            vec![base.clone(), base.clone().with("quarter", quarter), base.clone().with("owner_unit", owner)]
        };
        for (rows, scopes, count, sum) in [
            (
                &register.contracts,
                &whole_and_parts as &dyn Fn(&ContractRow) -> Vec<Scope>,
                "supplier.contracts",
                "supplier.committed",
            ),
            (&register.due, &whole, "supplier.notice_due", "supplier.notice_due_committed"),
        ] {
            for (scope, rows) in groups(scopes, rows) {
                let window = if count == "supplier.notice_due" {
                    format!("{}/{}", register.date, register.date.saturating_add((NOTICE_DAYS + 1).days()))
                } else {
                    term(&rows)
                };
                measures.push(Measure {
                    window: window.clone(),
                    source: contracts_source(&rows),
                    ..context.count(count, scope.clone(), rows.len() as u64)
                });
                committed(context, register, sum, &scope, &window, &rows, &mut measures)?;
            }
        }
    }
    Ok(measures)
}

fn committed(
    context: &Context,
    register: &Register,
    id: &str,
    scope: &Scope,
    window: &str,
    rows: &[ContractRow],
    measures: &mut Vec<Measure>,
) -> Result<(), Error> {
    let currencies: BTreeSet<Currency> =
        register.contracts.iter().filter_map(|row| row.committed).map(|money| money.currency).collect();
    let mut sums: BTreeMap<Scope, (Currency, Vec<&ContractRow>)> = BTreeMap::new();
    for row in rows {
        if let Some(money) = row.committed {
            let scope = scope.clone();
            let scope = if currencies.len() > 1 { scope.with("currency", money.currency.code()) } else { scope };
            sums.entry(scope).or_insert_with(|| (money.currency, Vec::new())).1.push(row);
        }
    }
    for (scope, (currency, rows)) in sums {
        let total = Money::sum(currency, rows.iter().filter_map(|row| row.committed))?;
        let copies: Vec<ContractRow> = rows.iter().map(|row| (*row).clone()).collect();
        measures.push(Measure {
            window: window.to_owned(),
            source: contracts_source(&copies),
            value: Value::Exact(total.value(), currency.minor_digits()),
            unit: currency.to_string(),
            n: rows.len() as u64,
            ..context.measure(id, scope)
        });
    }
    Ok(())
}

/// From the first start to the last end, as an interval of dates.
fn term(rows: &[ContractRow]) -> String {
    let start = rows.iter().filter_map(|row| row.start_on).min();
    let end = rows.iter().filter_map(|row| row.end_on).max();
    let show = |on: Option<Date>| on.map_or_else(|| "..".to_owned(), |on| on.to_string());
    format!("{}/{}", show(start), show(end))
}

fn contracts_source(rows: &[ContractRow]) -> String {
    let names: BTreeSet<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    let names: Vec<&str> = names.into_iter().map(named).collect();
    let late = rows.iter().any(|row| row.late);
    source(&names.join(", "), false, late, rows.iter().any(|row| row.illustrative))
}

/// The source of a ledger line, with a mark on what is invented for demonstration.
pub(super) fn source_of(cost: &CostRow) -> String {
    format!("{}{}", named(&cost.source), if cost.illustrative { "; ILLUSTRATIVE" } else { "" })
}

/// A source as people read it.
pub(super) fn named(source: &str) -> &str {
    if source.is_empty() { "entered here" } else { source }
}

pub(super) fn source(name: &str, outside: bool, late: bool, invented: bool) -> String {
    let mut text = named(name).to_owned();
    if outside {
        text.push_str("; outside the report's period, shown with its own window");
    }
    if late {
        text.push_str("; first recorded after the as-of, shown as first recorded");
    }
    if invented {
        text.push_str("; ILLUSTRATIVE");
    }
    text
}

/// Which of source and currency tell amounts apart: what is one for all is not part of a scope, what differs is, and
/// then there is no total.
struct Splits {
    source: bool,
    currency: bool,
}

impl Splits {
    fn of<'a>(rows: impl Iterator<Item = (&'a str, Currency)>) -> Self {
        let (mut sources, mut currencies) = (BTreeSet::new(), BTreeSet::new());
        for (source, currency) in rows {
            sources.insert(source);
            currencies.insert(currency);
        }
        Self { source: sources.len() > 1, currency: currencies.len() > 1 }
    }

    /// As [`Self::scope`]; what is invented for demonstration always stands apart, and so is in no real figure.
    fn of_cost(&self, cost: &CostRow) -> Scope {
        if cost.illustrative {
            return Scope::one("source", source_of(cost)).with("currency", cost.billed.currency.code());
        }
        self.scope(&cost.source, cost.billed.currency)
    }

    fn scope(&self, source: &str, currency: Currency) -> Scope {
        let scope = if self.source { Scope::one("source", named(source)) } else { Scope::all() };
        if self.currency { scope.with("currency", currency.code()) } else { scope }
    }
}
