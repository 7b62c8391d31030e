//! `SupplierService`: suppliers, contracts, their import and what has to be decided soon.

use std::pin::Pin;
use std::sync::Arc;

use domain::name::Collection;
use futures::Stream;
use proto::supplier::v1 as pb;
use proto::supplier::v1::supplier_service_server::SupplierService;
use servicekit::convert::Reader;
use servicekit::intake::{self, Tally};
use servicekit::resource::Stored;
use servicekit::standard::{self, Declared, Desk};
use servicekit::{Caller, Error, Kit, Violation, page, wire};
use tonic::{Request, Response, Status, Streaming};

use crate::store::{Contract, Supplier};
use crate::usecase::import_contracts::{self, Entry};
use crate::usecase::list_renewals::{self, Window};
use crate::usecase::name_suppliers;

const CONTRACTS: Collection<1> = Collection::new(["contracts"]);

/// Serves suppliers and contracts.
#[derive(Clone)]
pub struct Suppliers {
    /// Database, clock and journal.
    pub desk: Desk,
}

#[tonic::async_trait]
impl SupplierService for Suppliers {
    servicekit::standard_methods! {
        "itsm.supplier.v1.SupplierService/", Supplier, pb::Supplier { supplier, suppliers, supplier_id };
        GetSupplier get_supplier GetSupplierRequest;
        ListSuppliers list_suppliers ListSuppliersRequest ListSuppliersResponse;
        CreateSupplier create_supplier CreateSupplierRequest;
        UpdateSupplier update_supplier UpdateSupplierRequest;
        DeleteSupplier delete_supplier DeleteSupplierRequest;
    }

    servicekit::standard_methods! {
        "itsm.supplier.v1.SupplierService/", Contract, pb::Contract { contract, contracts, contract_id };
        GetContract get_contract GetContractRequest;
        ListContracts list_contracts ListContractsRequest ListContractsResponse;
        CreateContract create_contract CreateContractRequest;
        UpdateContract update_contract UpdateContractRequest;
        DeleteContract delete_contract DeleteContractRequest;
    }

    servicekit::revision_methods! {
        "itsm.supplier.v1.SupplierService/", Contract, pb::ContractRevision { contract, contract_revisions };
        PublishContract publish_contract PublishContractRequest;
        ListContractRevisions list_contract_revisions ListContractRevisionsRequest ListContractRevisionsResponse;
    }

    servicekit::read_method! {
        "itsm.supplier.v1.SupplierService/",
        ListRenewals list_renewals(self, caller, request: pb::ListRenewalsRequest) -> pb::ListRenewalsResponse {
            let mut reader = Reader::default();
            let start = reader.date("start_date", request.start_date.as_ref());
            let end = reader.date("end_date", request.end_date.as_ref());
            reader.finish()?;
            let page = page::Request {
                method: "itsm.supplier.v1.SupplierService/ListRenewals",
                page_size: request.page_size,
                page_token: &request.page_token,
                filter: &request.filter,
                ..page::Request::default()
            };
            let page = list_renewals::run(&self.desk.kit, &caller, Window { start, end }, page).await?;
            let messages = standard::show_all(&self.desk.kit, &page.items).await?;
            Ok(pb::ListRenewalsResponse {
                renewals: page.items.iter().zip(messages).map(renewal).collect(),
                next_page_token: page.next_page_token,
            })
        }
    }

    type ImportContractsStream = Pin<Box<dyn Stream<Item = Result<pb::ImportContractsResponse, Status>> + Send>>;

    async fn import_contracts(
        &self,
        request: Request<Streaming<pb::ImportContractsRequest>>,
    ) -> Result<Response<Self::ImportContractsStream>, Status> {
        let caller = Caller::of(&request)?;
        let rows = request.into_inner();
        Ok(Response::new(Box::pin(intake::run(&self.desk.kit, caller, rows, place, take, answer))))
    }
}

fn place(row: &pb::ImportContractsRequest) -> (&str, i64) {
    (&row.import_id, row.sequence)
}

fn renewal((stored, message): (&Stored<Contract>, pb::Contract)) -> pb::Renewal {
    let contract = &stored.body.0;
    pb::Renewal {
        contract: Some(message),
        notice_deadline_date: contract.notice_deadline().map(wire::date),
        notice_stated: contract.notice_stated(),
    }
}

/// Reads the rows of a batch and takes those that can be read.
async fn take(
    kit: Kit,
    caller: Arc<Caller>,
    rows: Vec<pb::ImportContractsRequest>,
    mut tally: Tally,
) -> Result<Tally, Error> {
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let sequence = row.sequence;
        match entry(row) {
            Ok(entry) => entries.push(entry),
            Err(violations) => tally.fail_with(sequence, violations),
        }
    }
    import_contracts::run(&kit, &caller, entries, &mut tally).await?;
    Ok(tally)
}

/// A row that can be read, or everything that is wrong with it.
fn entry(row: pb::ImportContractsRequest) -> Result<Entry, Vec<Violation>> {
    let pb::ImportContractsRequest { sequence, contract, supplier_display_names, .. } = row;
    let Some(message) = contract else {
        return Err(vec![Violation::new("contract", "is required: give the contract")]);
    };
    let supplier_display_names: Vec<String> = supplier_display_names
        .iter()
        .map(|called| called.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|called| !called.is_empty())
        .collect();
    let mut reader = Reader::new("contract.");
    let contract = Contract::read(&mut reader, "", &message);
    if let Some(contract) = &contract {
        let mut found = contract.check("");
        // A supplier that is called by its name for people has no resource name yet.
        let called = message.supplier.is_empty() && !supplier_display_names.is_empty();
        found.retain(|violation| !(called && violation.field == "supplier"));
        reader.judge(found);
    }
    if message.source.is_empty() && message.source_id.is_empty() {
        reader.object("source", "is required: an import is told apart by its source and the place in it");
    }
    if !message.name.is_empty()
        && let Err(fault) = CONTRACTS.parse("name", &message.name)
    {
        reader.judge(vec![fault]);
    }
    let mut violations = reader.found().to_vec();
    for (index, called) in supplier_display_names.iter().enumerate() {
        let faults = name_suppliers::supplier(called).check("").into_iter();
        violations
            .extend(faults.map(|fault| Violation::new(format!("supplier_display_names[{index}]"), fault.message)));
    }
    match contract {
        Some(contract) if violations.is_empty() => {
            Ok(Entry { sequence, name: message.name, contract, supplier_display_names })
        }
        _ => Err(violations),
    }
}

fn answer(tally: Tally) -> pb::ImportContractsResponse {
    let failure = |failure: intake::Failure| pb::ImportFailure {
        sequence: failure.sequence,
        reason: failure.reason.to_owned(),
        field: failure.field,
        message: failure.message,
    };
    pb::ImportContractsResponse {
        committed_through: tally.committed_through,
        created_count: tally.created,
        unchanged_count: tally.unchanged,
        failures: tally.failures.into_iter().map(failure).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> pb::ImportContractsRequest {
        let contract = pb::Contract {
            display_name: "Network".to_owned(),
            source: "register.csv".to_owned(),
            source_id: "1".to_owned(),
            ..pb::Contract::default()
        };
        pb::ImportContractsRequest {
            contract: Some(contract),
            supplier_display_names: vec![" Acme\u{a0} Networks\n".to_owned(), "  ".to_owned()],
            ..pb::ImportContractsRequest::default()
        }
    }

    fn fields(row: pb::ImportContractsRequest) -> Vec<String> {
        entry(row).unwrap_err().into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn a_row_may_call_its_supplier_by_its_name_for_people() {
        assert_eq!(entry(row()).unwrap().supplier_display_names, ["Acme Networks"]);
        let nobody = pb::ImportContractsRequest { supplier_display_names: vec![" ".to_owned()], ..row() };
        assert_eq!(fields(nobody), ["contract.supplier"]);
    }

    #[test]
    fn everything_wrong_with_a_row_is_reported_at_once() {
        assert_eq!(fields(pb::ImportContractsRequest::default()), ["contract"]);
        let mut wrong = row();
        wrong.supplier_display_names.push("x".repeat(501));
        let contract = wrong.contract.as_mut().unwrap();
        contract.name = "contract/1".to_owned();
        contract.display_name = String::new();
        contract.source = String::new();
        contract.source_id = String::new();
        contract.notice_days = -1;
        let expected = [
            "contract.notice_days",
            "contract.display_name",
            "contract.source",
            "contract.name",
            "supplier_display_names[1]",
        ];
        assert_eq!(fields(wrong), expected);
    }
}
