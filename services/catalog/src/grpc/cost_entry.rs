//! Cost entries: message <-> domain.

use domain::amount::{Amount, Currency, Decimal};
use domain::cost::CostEntry;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::{self, Reader};
use servicekit::standard::Declared;
use servicekit::wire;

use crate::store;

/// The entry that a message describes.
fn read(reader: &mut Reader, message: &pb::CostEntry) -> CostEntry {
    let start_at = reader.timestamp("start_time", message.start_time.as_ref());
    let end_at = reader.timestamp("end_time", message.end_time.as_ref());
    let billed_cost = reader.amount("billed_cost", message.billed_cost.as_ref());
    let effective_cost = reader.amount("effective_cost", message.effective_cost.as_ref());
    CostEntry {
        display_name: message.display_name.clone(),
        pool: message.pool.clone(),
        start_at: reader.required("start_time", start_at).unwrap_or_default(),
        end_at: reader.required("end_time", end_at).unwrap_or_default(),
        effective_cost: effective_cost.filter(|_| billed_cost.is_some()),
        billed_cost: reader.required("billed_cost", billed_cost).unwrap_or_else(nothing),
        vendor: message.vendor.clone(),
        provider: message.provider.clone(),
        provider_service: message.provider_service.clone(),
        charge_category: message.charge_category.clone(),
        description: message.description.clone(),
        account: message.account.clone(),
        region: message.region.clone(),
        service: message.service.clone(),
        source: message.source.clone(),
        source_id: message.source_id.clone(),
        billing_start_at: reader.timestamp("billing_start_time", message.billing_start_time.as_ref()),
        billing_end_at: reader.timestamp("billing_end_time", message.billing_end_time.as_ref()),
        tags: message.tags.clone().into_iter().collect(),
        illustrative: message.illustrative,
    }
}

/// Stands where no amount could be read; what holds it is refused.
fn nothing() -> Amount {
    Amount::new(Decimal::zero(), Currency::NONE)
}

/// The message of an entry, without what every resource has.
fn show(entry: &CostEntry) -> pb::CostEntry {
    pb::CostEntry {
        display_name: entry.display_name.clone(),
        pool: entry.pool.clone(),
        start_time: Some(wire::timestamp(entry.start_at)),
        end_time: Some(wire::timestamp(entry.end_at)),
        billed_cost: Some(convert::amount(&entry.billed_cost)),
        effective_cost: entry.effective_cost.as_ref().map(convert::amount),
        vendor: entry.vendor.clone(),
        provider: entry.provider.clone(),
        provider_service: entry.provider_service.clone(),
        charge_category: entry.charge_category.clone(),
        description: entry.description.clone(),
        account: entry.account.clone(),
        region: entry.region.clone(),
        service: entry.service.clone(),
        source: entry.source.clone(),
        source_id: entry.source_id.clone(),
        billing_start_time: entry.billing_start_at.map(wire::timestamp),
        billing_end_time: entry.billing_end_at.map(wire::timestamp),
        tags: entry.tags.clone().into_iter().collect(),
        illustrative: entry.illustrative,
        ..pb::CostEntry::default()
    }
}

impl Declared for store::CostEntry {
    type Message = pb::CostEntry;
    const MESSAGE: &'static str = "itsm.catalog.v1.CostEntry";
    const WORDS: &'static [&'static str] = &["costEntries"];

    fn read(reader: &mut Reader, _: &str, message: &pb::CostEntry) -> Option<Self> {
        Some(Self(read(reader, message)))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::CostEntry {
        show(&self.0)
    }

    servicekit::head!();
}
