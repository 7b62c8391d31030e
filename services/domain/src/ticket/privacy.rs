//! What is private in the facts of tickets: free text and names of people. Every field of every fact is looked at by
//! name, so that a new one does not compile until somebody has said what it is.

use serde_json::Value;

use super::{
    Asked, Assigned, ChangeDetails, Changes, Decided, Delegated, Details, Erased, ExclusionRevoked, Fact, Imported,
    IncidentDetails, Lapsed, Link, Major, MajorDeclared, MajorUpdated, NewFact, Nonconforming, Noted, Opened, Patch,
    Prioritised, ProblemDetails, Resolution, ServiceRequestDetails, Transitioned,
};
use crate::approval::Policy;
use crate::clock::{DutyStep, Exclusion, Step};
use crate::priority::Override;
use crate::privacy::{Kind, Private, is_person};

/// Takes what is private out of a fact, its actor included: what is left has tokens.
pub fn hide(fact: &mut NewFact, salt: &mut dyn FnMut() -> String) -> Private {
    let mut hider = Hider { private: Private::default(), salt };
    hider.person(&mut fact.actor);
    hider.fact(&mut fact.fact);
    hider.private
}

/// Whom a fact says that the ticket is about: who asks, who reported it, who is affected.
pub fn names_of_concern(fact: &Fact) -> impl Iterator<Item = &str> {
    let changes = match fact {
        Fact::Opened(opened) => Some(&opened.fields),
        Fact::Updated(changes) => Some(&**changes),
        _ => None,
    };
    let named = changes.map(|changes| [&changes.requester, &changes.reported_by, &changes.affected_user]);
    named.into_iter().flatten().filter_map(Patch::value).map(String::as_str)
}

struct Hider<'a> {
    private: Private,
    salt: &'a mut dyn FnMut() -> String,
}

impl Hider<'_> {
    fn take(&mut self, kind: Kind, text: &mut String) {
        *text = self.private.hide(kind, std::mem::take(text), self.salt);
    }

    /// Text that somebody wrote.
    fn text(&mut self, text: &mut String) {
        if !text.is_empty() {
            self.take(Kind::Text, text);
        }
    }

    /// The name of whoever it is: that of a person is private.
    fn person(&mut self, name: &mut String) {
        if is_person(name) {
            self.take(Kind::Person, name);
        } else {
            self.open(name);
        }
    }

    /// Ids, codes and names of things stay, unless one looks like a token.
    fn open(&mut self, text: &mut String) {
        if Kind::of(text).is_some() {
            self.take(Kind::Text, text);
        }
    }

    /// Any JSON: numbers and names of members tell as much as texts.
    fn value(&mut self, value: &mut Value) {
        let mut text = value.to_string();
        self.take(Kind::Value, &mut text);
        *value = Value::from(text);
    }

    fn fact(&mut self, fact: &mut Fact) {
        match fact {
            Fact::Opened(opened) => {
                let Opened {
                    name: _,
                    practice: _,
                    process: _,
                    process_revision: _,
                    state: _,
                    category: _,
                    by: _,
                    fields,
                    matrix_priority: _,
                } = &mut **opened;
                self.changes(fields);
            }
            Fact::Transitioned(moved) => {
                let Transitioned { transition: _, from_state: _, state: _, category: _, by: _, fields } = &mut **moved;
                self.changes(fields);
            }
            Fact::Assigned(assigned) => {
                let Assigned { group, person, contract, reassignment_count: _ } = &mut **assigned;
                set(group, |name| self.open(name));
                set(person, |name| self.person(name));
                set(contract, |name| self.open(name));
            }
            Fact::Prioritised(prioritised) => {
                let Prioritised { impact: _, urgency: _, priority_override, matrix_priority: _, priority: _ } =
                    &mut **prioritised;
                set(priority_override, |by_hand| self.by_hand(by_hand));
            }
            Fact::Updated(changes) => self.changes(changes),
            Fact::Noted(Noted { by: _, text }) => self.text(text),
            Fact::Linked(Link { kind: _, ticket: _ })
            | Fact::Unlinked(Link { kind: _, ticket: _ })
            | Fact::Reopened { reopen_count: _ }
            | Fact::SourceMeasured { source_sla_met: _ }
            | Fact::Governed(_)
            | Fact::Conforming { rule: _ }
            | Fact::ThresholdReached(_)
            | Fact::ThresholdWithdrawn(_)
            | Fact::ApprovalLapsed(Lapsed { approval: _, fields: _ })
            | Fact::MajorStoodDown { review_due_at: _ } => {}
            Fact::Resolved(Resolution { code, text, cause }) => {
                if let Some(code) = code {
                    self.open(code);
                }
                for text in text.iter_mut().chain(cause) {
                    self.text(text);
                }
            }
            Fact::Nonconforming(Nonconforming { rule: _, detail }) => self.open(detail),
            Fact::Imported(imported) => {
                let Imported { shown: _, conditional, rows: _ } = &mut **imported;
                for changes in conditional {
                    self.changes(changes);
                }
            }
            Fact::ClockExcluded(Exclusion { clock: _, reason: _, evidence, interval: _ }) => self.text(evidence),
            Fact::ClockExclusionRevoked(ExclusionRevoked { clock: _, comment }) => self.text(comment),
            Fact::DutyRecorded(DutyStep { regulation: _, step }) => match step {
                Step::Submitted { report: _, reference } => self.open(reference),
                Step::Aware { entity: _, calendar } => self.open(calendar),
                Step::Classified | Step::Handled => {}
            },
            Fact::ApprovalRequested(asked) => {
                let Asked { approval: _, rule: _, policy, fields, asked_by } = &mut **asked;
                let Policy { roles: _, groups: _, people, quorum: _ } = policy;
                for name in people {
                    self.person(name);
                }
                // The digest of a text tells it to whoever guesses it.
                for digest in fields.values_mut() {
                    self.text(digest);
                }
                self.person(asked_by);
            }
            Fact::ApprovalDecided(decided) => {
                let Decided { approval: _, approver, delegate, capacities, decision: _, comment } = &mut **decided;
                self.person(approver);
                for name in delegate.iter_mut().chain(capacities) {
                    self.person(name);
                }
                self.text(comment);
            }
            Fact::ApprovalDelegated(delegated) => {
                let Delegated { approval: _, delegator, capacities, delegate, comment } = &mut **delegated;
                self.person(delegator);
                self.person(delegate);
                for name in capacities {
                    self.person(name);
                }
                self.text(comment);
            }
            Fact::MajorDeclared(MajorDeclared { commander, update_cadence: _, users_affected: _ }) => {
                if let Some(name) = commander {
                    self.person(name);
                }
            }
            Fact::MajorUpdated(MajorUpdated { commander, update_cadence: _, users_affected: _, review_due_at: _ }) => {
                set(commander, |name| self.person(name));
            }
            Fact::Erased(Erased { reason, tokens: _ }) => self.open(reason),
        }
    }

    fn by_hand(&mut self, by_hand: &mut Override) {
        let Override { value: _, reason, actor } = by_hand;
        self.text(reason);
        self.person(actor);
    }

    fn changes(&mut self, changes: &mut Changes) {
        let Changes {
            title,
            description,
            category_path,
            channel,
            location,
            tags,
            custom_fields,
            confidential: _,
            customer,
            requester,
            reported_by,
            affected_user,
            watchers,
            service,
            offering,
            configuration_items,
            impact: _,
            urgency: _,
            priority_override,
            group,
            person,
            contract,
            pending_reason: _,
            resume_at: _,
            awaited_party,
            resolution_code,
            resolution_text,
            resolution_cause,
            cancel_reason,
            source_system,
            source_id,
            external_references,
            opened_at: _,
            resolved_at: _,
            closed_at: _,
            requested_at: _,
            reopen_count: _,
            reassignment_count: _,
            source_sla_met: _,
            details,
        } = changes;
        for text in [title, description, location, resolution_text, resolution_cause, cancel_reason] {
            set(text, |text| self.text(text));
        }
        for texts in [tags, external_references] {
            set(texts, |texts| texts.iter_mut().for_each(|text| self.text(text)));
        }
        for name in [requester, reported_by, affected_user, person, awaited_party] {
            set(name, |name| self.person(name));
        }
        set(watchers, |names| names.iter_mut().for_each(|name| self.person(name)));
        set(custom_fields, |values| values.values_mut().for_each(|value| self.value(value)));
        set(priority_override, |by_hand| self.by_hand(by_hand));
        set(details, |details| self.details(details));
        for text in [channel, customer, service, offering, group, contract, resolution_code, source_system, source_id] {
            set(text, |text| self.open(text));
        }
        for texts in [category_path, configuration_items] {
            set(texts, |texts| texts.iter_mut().for_each(|text| self.open(text)));
        }
    }

    fn details(&mut self, details: &mut Details) {
        match details {
            Details::Incident(IncidentDetails { major }) => {
                if let Some(major) = major {
                    let Major {
                        declared_at: _,
                        commander,
                        update_cadence: _,
                        users_affected: _,
                        stood_down_at: _,
                        review_due_at: _,
                    } = &mut **major;
                    if let Some(name) = commander {
                        self.person(name);
                    }
                }
            }
            Details::ServiceRequest(ServiceRequestDetails { form_answers }) => {
                for value in form_answers.values_mut() {
                    self.value(value);
                }
            }
            Details::Problem(ProblemDetails { workaround, known_error: _, root_cause }) => {
                self.text(workaround);
                self.text(root_cause);
            }
            Details::Change(change) => {
                let ChangeDetails {
                    kind: _,
                    template: _,
                    planned_start_at: _,
                    planned_end_at: _,
                    actual_start_at: _,
                    actual_end_at: _,
                    risk,
                    implementation_plan,
                    test_plan,
                    back_out_plan,
                    outcome: _,
                } = &mut **change;
                self.open(risk);
                for text in [implementation_plan, test_plan, back_out_plan] {
                    self.text(text);
                }
            }
        }
    }
}

/// Does something with the value of a patch, if it sets one.
fn set<T>(patch: &mut Patch<T>, act: impl FnOnce(&mut T)) {
    if let Patch::Set(value) = patch {
        act(value);
    }
}
