//! Decides on an approval of a ticket, and passes a decision on.

use domain::approval::Delegation;
use domain::ticket::Decision;
use domain::ticket::command::{Deciding, Delegating, decide_approval, delegate_approval};
use servicekit::{Caller, Error, Scope, standard};

use super::Operations;
use crate::error::rejected;
use crate::store::delegation::leading_to;
use crate::store::ticket::Stored;

/// The decision.
#[derive(Debug, Clone)]
pub struct DecideApproval {
    /// Name of the ticket.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// Id of the approval within the ticket.
    pub approval: String,
    /// What is decided.
    pub decision: Decision,
    /// Why. Required to reject.
    pub comment: String,
}

/// Who is to decide in the caller's place.
#[derive(Debug, Clone)]
pub struct DelegateApproval {
    /// Name of the ticket.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// Id of the approval within the ticket.
    pub approval: String,
    /// Who is to decide: `people/bob`.
    pub delegate: String,
    /// Why. Empty: not said.
    pub comment: String,
}

impl Operations {
    /// Delegations in force by which the caller may decide.
    async fn delegations_to(&self, caller: &Caller) -> Result<Vec<Delegation>, Error> {
        // Of those between others too: they may lead to the caller.
        let mut connection = self.kit.database.get(&Scope::Everything).await?;
        leading_to(&mut connection, &caller.actor, self.kit.clock.now()).await
    }

    /// Decides on an approval.
    pub async fn decide_approval(&self, write: standard::Write, command: DecideApproval) -> Result<Stored, Error> {
        let DecideApproval { name, etag, approval, decision, comment } = command;
        let delegations = self.delegations_to(&write.caller).await?;
        self.change(write, name, etag, move |case| {
            let deciding = Deciding { approval: &approval, decision, comment: &comment, delegations: &delegations };
            decide_approval(case.process, &case.stored.ticket, case.known, deciding, &case.act)
                .map_err(|rejection| rejected(rejection, ""))
        })
        .await
    }

    /// Passes the caller's decision on an approval on.
    pub async fn delegate_approval(&self, write: standard::Write, command: DelegateApproval) -> Result<Stored, Error> {
        let DelegateApproval { name, etag, approval, delegate, comment } = command;
        let delegations = self.delegations_to(&write.caller).await?;
        self.change(write, name, etag, move |case| {
            let delegating =
                Delegating { approval: &approval, delegate: &delegate, comment: &comment, delegations: &delegations };
            delegate_approval(case.process, &case.stored.ticket, case.known, delegating, &case.act)
                .map_err(|rejection| rejected(rejection, ""))
        })
        .await
    }
}
