//! `ValueService`: cost entries and their import, budgets, benefits, allocation.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use proto::catalog::v1 as pb;
use proto::catalog::v1::value_service_server::ValueService;
use servicekit::intake::{self, Candidate, ROW_INVALID, Tally};
use servicekit::standard::{self, Desk};
use servicekit::{Caller, Error, Kit};
use tonic::{Request, Response, Status, Streaming};

use super::allocation;
use crate::store;
use crate::usecase::{allocate_costs, import_costs};

/// Serves what services cost and what they bring.
#[derive(Clone)]
pub struct Value {
    /// Database, clock and journal.
    pub desk: Desk,
}

#[tonic::async_trait]
impl ValueService for Value {
    servicekit::standard_methods! {
        "itsm.catalog.v1.ValueService/", store::CostEntry, pb::CostEntry { cost_entry, cost_entries, cost_entry_id };
        GetCostEntry get_cost_entry GetCostEntryRequest;
        ListCostEntries list_cost_entries ListCostEntriesRequest ListCostEntriesResponse;
        CreateCostEntry create_cost_entry CreateCostEntryRequest;
        UpdateCostEntry update_cost_entry UpdateCostEntryRequest;
        DeleteCostEntry delete_cost_entry DeleteCostEntryRequest;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.ValueService/", store::Budget, pb::Budget { budget, budgets, budget_id };
        GetBudget get_budget GetBudgetRequest;
        ListBudgets list_budgets ListBudgetsRequest ListBudgetsResponse;
        CreateBudget create_budget CreateBudgetRequest;
        UpdateBudget update_budget UpdateBudgetRequest;
        DeleteBudget delete_budget DeleteBudgetRequest;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.ValueService/", store::Benefit, pb::Benefit { benefit, benefits, benefit_id };
        GetBenefit get_benefit GetBenefitRequest;
        ListBenefits list_benefits ListBenefitsRequest ListBenefitsResponse;
        CreateBenefit create_benefit CreateBenefitRequest;
        UpdateBenefit update_benefit UpdateBenefitRequest;
        DeleteBenefit delete_benefit DeleteBenefitRequest;
    }

    servicekit::standard_methods! {
        "itsm.catalog.v1.ValueService/", store::AllocationRule, pb::AllocationRule { allocation_rule, allocation_rules, allocation_rule_id };
        GetAllocationRule get_allocation_rule GetAllocationRuleRequest;
        ListAllocationRules list_allocation_rules ListAllocationRulesRequest ListAllocationRulesResponse;
        CreateAllocationRule create_allocation_rule CreateAllocationRuleRequest;
        UpdateAllocationRule update_allocation_rule UpdateAllocationRuleRequest;
        DeleteAllocationRule delete_allocation_rule DeleteAllocationRuleRequest;
    }

    servicekit::read_method! {
        "itsm.catalog.v1.ValueService/",
        AllocateCosts allocate_costs(self, caller, request: pb::AllocateCostsRequest) -> pb::AllocateCostsResponse {
            let (start, end, currency) = allocation::read(&request)?;
            let allocations = allocate_costs::run(&self.desk.kit, &caller, start, end, currency).await?;
            allocation::show(allocations)
        }
    }

    type ImportCostsStream = Pin<Box<dyn Stream<Item = Result<pb::ImportCostsResponse, Status>> + Send>>;

    async fn import_costs(
        &self,
        request: Request<Streaming<pb::ImportCostsRequest>>,
    ) -> Result<Response<Self::ImportCostsStream>, Status> {
        let caller = Caller::of(&request)?;
        let rows = request.into_inner();
        Ok(Response::new(Box::pin(intake::run(&self.desk.kit, caller, rows, place, take, answer))))
    }
}

/// Reads the rows of a batch and takes those that can be read.
async fn take(
    kit: Kit,
    caller: Arc<Caller>,
    rows: Vec<pb::ImportCostsRequest>,
    mut tally: Tally,
) -> Result<Tally, Error> {
    let mut candidates = Vec::new();
    for pb::ImportCostsRequest { sequence, cost_entry, .. } in rows {
        let Some(message) = cost_entry else {
            tally.fail(sequence, ROW_INVALID, "cost_entry", "is required: give the entry");
            continue;
        };
        match standard::read::<store::CostEntry>("", &message) {
            Ok(body) => candidates.push(Candidate { sequence, name: String::new(), body }),
            Err(violations) => tally.fail_with(sequence, violations),
        }
    }
    import_costs::run(&kit, &caller, candidates, &mut tally).await?;
    Ok(tally)
}

fn place(row: &pb::ImportCostsRequest) -> (&str, i64) {
    (&row.import_id, row.sequence)
}

fn answer(tally: Tally) -> pb::ImportCostsResponse {
    pb::ImportCostsResponse {
        committed_through: tally.committed_through,
        created_count: tally.created,
        unchanged_count: tally.unchanged,
        failures: tally
            .failures
            .into_iter()
            .map(|failure| pb::ImportFailure {
                sequence: failure.sequence,
                reason: failure.reason.to_owned(),
                field: failure.field,
                message: failure.message,
            })
            .collect(),
    }
}
