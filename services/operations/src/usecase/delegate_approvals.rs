//! Lets somebody decide on approvals for a while in the place of the caller, and takes that back.

use domain::approval::Delegation;
use domain::privacy::{Kind, Private};
use jiff::Timestamp;
use serde_json::json;
use servicekit::clock::salt;
use servicekit::db::Connection;
use servicekit::idempotency::{self, Done};
use servicekit::journal::{self, Audience, NewFact};
use servicekit::page::{Listing, Page, Request};
use servicekit::{Caller, Error, Scope, standard};

use super::Operations;
use crate::error::DELEGATION_REVOKED;
use crate::store::delegation::{self, FIELDS, Stored};

/// Who is to decide, and for how long.
#[derive(Debug, Clone)]
pub struct DelegateApprovals {
    /// Who decides: `people/bob`.
    pub delegate: String,
    /// From when on. Empty: now.
    pub start_at: Option<Timestamp>,
    /// Until when.
    pub end_at: Timestamp,
    /// Why, for people. Empty: not said.
    pub comment: String,
}

impl Operations {
    /// Records that somebody decides in the caller's place, in the roles that the caller holds now.
    pub async fn delegate_approvals(
        &self,
        write: standard::Write,
        command: DelegateApprovals,
    ) -> Result<Stored, Error> {
        let now = self.kit.clock.now();
        let DelegateApprovals { delegate, start_at, end_at, comment } = command;
        let start_at = start_at.unwrap_or(now);
        let delegator = write.caller.actor.clone();
        if delegate == delegator {
            return Err(Error::invalid("delegate", "is the caller: name somebody else"));
        }
        if end_at <= start_at || end_at <= now {
            return Err(Error::invalid("end_time", "is not after the start and the present: give a time to come"));
        }
        let roles = write.caller.roles.iter().cloned().collect();
        let stored = Stored {
            name: format!("approvalDelegations/{}", self.kit.clock.id()),
            delegation: Delegation { delegator, roles, delegate },
            start_at,
            end_at,
            comment,
            created_at: now,
            revoked_at: None,
        };
        let (write, stored) = (&write, &stored);
        let work = async |connection: &mut Connection| {
            if let Some(done) = idempotency::check(connection, &write.key).await? {
                let known = delegation::lock(connection, &done.resource).await?;
                let known = known.ok_or_else(|| Error::not_found(&done.resource))?;
                return Ok(Stored { revoked_at: None, ..known });
            }
            delegation::insert(connection, stored).await?;
            let (fact, private) = fact(write, stored, 1, "created", now);
            journal::append_private(connection, self.kit.clock.id(), &[fact], &[private]).await?;
            let done = Done { resource: stored.name.clone(), version: 1 };
            idempotency::record(connection, &write.key, &done, now).await?;
            Ok(stored.clone())
        };
        self.kit.write("delegate approvals", &self.naming(&write.caller), write.validate_only, work).await
    }

    /// Takes a delegation of the caller's back, from now on.
    pub async fn revoke_delegation(&self, write: standard::Write, name: String) -> Result<Stored, Error> {
        let now = self.kit.clock.now();
        let (write, name) = (&write, &name);
        let work = async |connection: &mut Connection| {
            let known = delegation::lock(connection, name).await?;
            let known = known.filter(|known| known.delegation.delegator == write.caller.actor);
            let known = known.ok_or_else(|| Error::not_found(name))?;
            if idempotency::check(connection, &write.key).await?.is_some() {
                return Ok(known);
            }
            if known.revoked_at.is_some() {
                let text = format!("{name} was taken back already: there is nothing to revoke");
                return Err(Error::refused(DELEGATION_REVOKED, name, text));
            }
            let revoked = Stored { revoked_at: Some(now), ..known };
            delegation::revoke(connection, name, now).await?;
            let (fact, private) = fact(write, &revoked, 2, "revoked", now);
            journal::append_private(connection, self.kit.clock.id(), &[fact], &[private]).await?;
            let done = Done { resource: name.clone(), version: 2 };
            idempotency::record(connection, &write.key, &done, now).await?;
            Ok(revoked)
        };
        self.kit.write("revoke delegation", &self.naming(&write.caller), write.validate_only, work).await
    }

    /// What the caller may see, with the delegations that it has to do with.
    fn naming(&self, caller: &Caller) -> Scope {
        self.kit.scope_of(caller).deciding().naming(&caller.actor)
    }

    /// Lists delegations; callers who are bound to a customer see those that they have to do with.
    pub async fn list_delegations(&self, caller: &Caller, request: Request<'_>) -> Result<Page<Stored>, Error> {
        let listing = Listing::open(&self.kit, caller, &FIELDS, request)?;
        let mut connection = self.kit.database.get(&self.naming(caller)).await?;
        let own_of = caller.customer.as_ref().map(|_| caller.actor.as_str());
        delegation::list(&mut connection, &listing, own_of).await
    }
}

/// The fact, and what stands beside it: who these people are, and what they say.
fn fact(write: &standard::Write, stored: &Stored, version: i64, verb: &str, now: Timestamp) -> (NewFact, Private) {
    let mut private = Private::default();
    let mut actor = write.caller.actor.clone();
    private.hide_actor(&mut actor, &mut salt);
    let Delegation { delegator, roles, delegate } = &stored.delegation;
    let mut people = [delegator.clone(), delegate.clone()];
    for name in &mut people {
        private.hide_actor(name, &mut salt);
    }
    let comment = private.hide(Kind::Text, stored.comment.clone(), &mut salt);
    let [delegator, delegate] = people;
    let fact = NewFact {
        occurred_at: now,
        source_recorded_at: None,
        source_sequence: 0,
        actor,
        customer_id: write.caller.scope().to_owned(),
        audience: Audience::Internal,
        subject: stored.name.clone(),
        subject_version: version,
        kind: format!("approval_delegation.{verb}.v1"),
        payload: json!({
            "delegator": delegator,
            "roles": roles,
            "delegate": delegate,
            "start_at": stored.start_at,
            "end_at": stored.end_at,
            "comment": comment,
        }),
    };
    (fact, private)
}
