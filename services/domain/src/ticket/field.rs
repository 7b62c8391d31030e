//! The fields of a ticket that change by being given a value, each with its path in the contract.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::patch::{Patch, Slot};
use super::{Details, Ticket};
use crate::priority::Override;
use crate::process::PendingReason;

/// A set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct FieldSet(u64);

impl FieldSet {
    /// The set of these fields.
    pub const fn of(fields: &[Field]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < fields.len() {
            bits |= 1 << fields[index] as u64;
            index += 1;
        }
        Self(bits)
    }

    /// Whether the field is in the set.
    pub const fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u64) != 0
    }

    /// Fields of either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Fields of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Fields of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Has no field.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields, in the order of [`Field::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |&field| self.contains(field))
    }

    fn insert(&mut self, field: Field) {
        self.0 |= 1 << field as u64;
    }
}

macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:ident $path:literal: $type:ty => $($slot:ident).+;)+) => {
        /// A field of a ticket.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Field {
            /// Every field.
            pub const ALL: [Self; [$($path),+].len()] = [$(Self::$variant),+];

            /// Its path: `resolution.code`.
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$variant => $path,)+
                }
            }

            /// The field of that exact path.
            pub fn parse(path: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|field| field.path() == path)
            }

            /// Whether the ticket has a value there; false counts as none.
            pub fn is_set(self, ticket: &Ticket) -> bool {
                match self {
                    $(Self::$variant => ticket.$($slot).+.is_set(),)+
                }
            }
        }

        /// What is to become of the fields of a ticket. In JSON a map by path; absent: kept, null: cleared.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Changes {
            $(
                $(#[doc = $doc])+
                #[serde(rename = $path, default, skip_serializing_if = "Patch::is_keep")]
                pub $name: Patch<$type>,
            )+
        }

        impl Changes {
            /// The fields that are not kept.
            pub fn fields(&self) -> FieldSet {
                let mut set = FieldSet::default();
                $(if !self.$name.is_keep() { set.insert(Field::$variant); })+
                set
            }

            /// Takes out the part about these fields; they are kept afterwards.
            #[must_use]
            pub fn take(&mut self, fields: FieldSet) -> Self {
                let mut part = Self::default();
                $(if fields.contains(Field::$variant) { part.$name = std::mem::take(&mut self.$name); })+
                part
            }

            /// A copy of the part about these fields.
            #[must_use]
            pub fn part(&self, fields: FieldSet) -> Self {
                let mut part = Self::default();
                $(if fields.contains(Field::$variant) { part.$name = self.$name.clone(); })+
                part
            }

            /// The part that gives fields a value: all there is to say about a ticket that is new.
            #[must_use]
            pub(super) fn set_only(mut self) -> Self {
                $(if self.$name == Patch::Clear { self.$name = Patch::Keep; })+
                self
            }

            /// What this says, and where it is silent what the other says.
            #[must_use]
            pub fn or(mut self, other: Self) -> Self {
                $(if self.$name.is_keep() { self.$name = other.$name; })+
                self
            }

            /// What these fields of the ticket hold, as changes that would put it there.
            pub fn showing(ticket: &Ticket, fields: FieldSet) -> Self {
                let mut shown = Self::default();
                $(if fields.contains(Field::$variant) { shown.$name = ticket.$($slot).+.as_patch(); })+
                shown
            }

            /// The part about these fields that would alter the ticket.
            #[must_use]
            pub fn against(&self, ticket: &Ticket, fields: FieldSet) -> Self {
                let mut part = Self::default();
                $(if fields.contains(Field::$variant) {
                    part.$name = self.$name.against(&ticket.$($slot).+);
                })+
                part
            }

            /// Whether they would make a difference to these fields of the ticket.
            pub(super) fn alters(&self, ticket: &Ticket, fields: FieldSet) -> bool {
                false $(|| fields.contains(Field::$variant) && self.$name.alters(&ticket.$($slot).+))+
            }

            /// Puts the changes into the ticket. Derived fields are the caller's business.
            pub(super) fn apply(&self, ticket: &mut Ticket) {
                $(self.$name.apply(&mut ticket.$($slot).+);)+
            }
        }
    };
}

fields! {
    /// What is wrong or wanted, in a sentence.
    Title title "title": String => title;
    /// The whole story.
    Description description "description": String => description;
    /// Category from the general to the special.
    CategoryPath category_path "category_path": Vec<String> => category_path;
    /// How it came in: `phone`, `email`, `portal`, `monitoring`.
    Channel channel "channel": String => channel;
    /// Where it is.
    Location location "location": String => location;
    /// Labels.
    Tags tags "tags": Vec<String> => tags;
    /// Fields that the process defines, all of them at once.
    CustomFields custom_fields "custom_fields": BTreeMap<String, Value> => custom_fields;
    /// Whether only those involved may see it.
    Confidential confidential "confidential": bool => confidential;
    /// Customer it belongs to: `customers/acme`.
    Customer customer "customer": String => customer;
    /// Person who asks: `people/ann`.
    Requester requester "requester": String => requester;
    /// Person who recorded it, when somebody else asks.
    ReportedBy reported_by "reported_by": String => reported_by;
    /// Person who is affected, when somebody else asks.
    AffectedUser affected_user "affected_user": String => affected_user;
    /// People who are kept informed.
    Watchers watchers "watchers": Vec<String> => watchers;
    /// Service concerned: `services/email`.
    Service service "service": String => service;
    /// Offering asked for: `services/email/offerings/new-mailbox`.
    Offering offering "offering": String => offering;
    /// Configuration items concerned.
    ConfigurationItems configuration_items "configuration_items": Vec<String> => configuration_items;
    /// Effect on the business, from 1 (highest).
    Impact impact "impact": u8 => impact;
    /// How fast it has to be, from 1 (highest).
    Urgency urgency "urgency": u8 => urgency;
    /// Priority set by hand.
    PriorityOverride priority_override "priority_override": Override => priority_override;
    /// Group that has it: `groups/network`.
    Group group "assignment.group": String => assignment.group;
    /// Person who has it: `people/bob`.
    Person person "assignment.person": String => assignment.person;
    /// Contract of the supplier that works on it: `contracts/4711`.
    Contract contract "assignment.contract": String => assignment.contract;
    /// Why it waits.
    PendingReason pending_reason "pending_reason": PendingReason => pending.reason;
    /// When waiting ends by itself.
    ResumeAt resume_at "resume_at": Timestamp => pending.resume_at;
    /// For whom it waits, when that is known.
    AwaitedParty awaited_party "awaited_party": String => pending.awaited_party;
    /// How it was resolved, as a code: `fixed`, `workaround`.
    ResolutionCode resolution_code "resolution.code": String => resolution.code;
    /// What was done.
    ResolutionText resolution_text "resolution.text": String => resolution.text;
    /// Cause, as far as known.
    ResolutionCause resolution_cause "resolution.cause": String => resolution.cause;
    /// Why it was cancelled.
    CancelReason cancel_reason "cancel_reason": String => cancel_reason;
    /// System it came from: `servicenow`.
    SourceSystem source_system "source_system": String => source_system;
    /// Id in that system.
    SourceId source_id "source_id": String => source_id;
    /// References in other systems.
    ExternalReferences external_references "external_references": Vec<String> => external_references;
    /// When it was opened: when it happened, not when it was recorded.
    OpenedAt opened_at "opened_at": Timestamp => opened_at;
    /// When it was last resolved.
    ResolvedAt resolved_at "resolved_at": Timestamp => resolved_at;
    /// When it was closed or cancelled.
    ClosedAt closed_at "closed_at": Timestamp => closed_at;
    /// Date negotiated with the requester.
    RequestedAt requested_at "requested_at": Timestamp => requested_at;
    /// How often it was reopened.
    ReopenCount reopen_count "reopen_count": u32 => reopen_count;
    /// How often it changed hands.
    ReassignmentCount reassignment_count "reassignment_count": u32 => reassignment_count;
    /// The source's own verdict on its service level.
    SourceSlaMet source_sla_met "source_sla_met": bool => source_sla_met;
    /// Detail of the practice, all of it at once.
    Details details "details": Details => details;
}

/// Who has the ticket: changed by assigning it.
pub(super) const ASSIGNMENT: FieldSet = FieldSet::of(&[Field::Group, Field::Person, Field::Contract]);
/// What the priority follows from.
pub(super) const PRIORITY: FieldSet = FieldSet::of(&[Field::Impact, Field::Urgency, Field::PriorityOverride]);
/// Why the ticket waits.
pub(super) const PENDING: FieldSet = FieldSet::of(&[Field::PendingReason, Field::ResumeAt, Field::AwaitedParty]);
/// How the ticket was resolved.
pub(super) const RESOLUTION: FieldSet =
    FieldSet::of(&[Field::ResolutionCode, Field::ResolutionText, Field::ResolutionCause]);
/// What a move into another state says about itself.
pub(super) const OF_A_MOVE: FieldSet = PENDING.or(FieldSet::of(&[Field::CancelReason]));
/// What only the server and imports write.
pub(super) const DERIVED: FieldSet = FieldSet::of(&[
    Field::OpenedAt,
    Field::ResolvedAt,
    Field::ClosedAt,
    Field::ReopenCount,
    Field::ReassignmentCount,
    Field::SourceSlaMet,
]);
/// What a person may write by an update, in any open state.
pub(super) const PLAIN: FieldSet = FieldSet::of(&Field::ALL)
    .without(ASSIGNMENT)
    .without(PRIORITY)
    .without(RESOLUTION)
    .without(OF_A_MOVE)
    .without(DERIVED);

impl FieldSet {
    /// Every field.
    pub const ALL: Self = Self::of(&Field::ALL);
}

impl Changes {
    /// The same, with the override of the other if that sets the same priority: who set it first did.
    #[must_use]
    pub(super) fn keeping_override_of(mut self, other: &Self) -> Self {
        let value = |changes: &Self| changes.priority_override.value().map(|by_hand| by_hand.value);
        if value(&self).is_some() && value(&self) == value(other) {
            self.priority_override.clone_from(&other.priority_override);
        }
        self
    }

    /// Says nothing about any field.
    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }
}
