//! `itsm.operations.v1.TicketService`.

use domain::ticket::ExclusionRevoked;
use domain::ticket::command::Note as NewNote;
use proto::common::v1::ResourceView;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_server::TicketService;
use servicekit::convert::Reader;
use servicekit::error::Error;
use servicekit::serve::MAX_BATCH;
use servicekit::standard::Desk;
use servicekit::wire::timestamp;
use servicekit::{Caller, mask, page};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tonic::{Response, Status};

use super::{enums, import, read, show};
use crate::store::ticket::Part;
use crate::usecase::Operations;
use crate::usecase::assign_ticket::AssignTicket;
use crate::usecase::decide_approval::{DecideApproval, DelegateApproval};
use crate::usecase::delegate_approvals::DelegateApprovals;
use crate::usecase::exclude_clock::{ExcludeClock, RevokeClockExclusion};
use crate::usecase::link_tickets::LinkTickets;
use crate::usecase::list_facts::PageOf;
use crate::usecase::list_notes::Note;
use crate::usecase::major_incident::{MajorIncident, Step};
use crate::usecase::open_ticket::OpenTicket;
use crate::usecase::record_duty::RecordDuty;
use crate::usecase::transition_ticket::TransitionTicket;

/// Fields of a ticket that only the server sets, or that have a method of their own.
const OUTPUT_ONLY: &[&str] = &[
    "name",
    "uid",
    "etag",
    "create_time",
    "update_time",
    "practice",
    "process",
    "process_revision",
    "state",
    "state_category",
    "matrix_priority",
    "priority",
    "assignment",
    "cancel_reason",
    "open_time",
    "resolve_time",
    "close_time",
    "reopen_count",
    "reassignment_count",
    "links",
    "source_sla_met",
    "clocks",
    "clock_state",
    "due_time",
    "duty_due_time",
    "nonconformance_count",
    "approvals",
];
const MESSAGE: &str = "itsm.operations.v1.Ticket";

/// Tickets over gRPC.
#[derive(Clone)]
pub struct Tickets {
    desk: Desk,
    operations: Operations,
}

impl Tickets {
    /// Serves the tickets of a running service.
    pub fn new(operations: Operations) -> Self {
        Self { desk: Desk { kit: operations.kit.clone() }, operations }
    }

    fn show(&self, stored: &crate::store::ticket::Stored, view: show::View) -> pb::Ticket {
        show::ticket(stored, view, self.desk.kit.clock.now())
    }
}

/// How much is shown, where nothing is asked for `usual`.
fn view(number: i32, usual: show::View) -> Result<show::View, Error> {
    match ResourceView::try_from(number) {
        Ok(ResourceView::Unspecified) => Ok(usual),
        Ok(ResourceView::Basic) => Ok(show::View::Basic),
        Ok(ResourceView::Full) => Ok(show::View::Full),
        Err(_) => Err(Error::invalid("view", "is no view: use BASIC or FULL")),
    }
}

fn part(view: show::View) -> Part {
    match view {
        show::View::Basic => Part::WithoutClocks,
        show::View::Full => Part::Whole,
    }
}

fn note(ticket: &str, note: &Note) -> pb::Note {
    pb::Note {
        name: if note.number == 0 { String::new() } else { format!("{ticket}/notes/{}", note.number) },
        create_time: Some(timestamp(note.recorded.occurred_at)),
        author: note.recorded.actor.clone(),
        audience: enums::audience::show(note.recorded.audience),
        text: note.text.clone(),
    }
}

/// Who is to decide in somebody's place.
fn delegate(reader: &mut Reader, name: &str) {
    let mut found = Vec::new();
    domain::violation::required(&mut found, "delegate", name);
    domain::violation::reference(&mut found, "delegate", "people", name);
    reader.judge(found);
}

fn objection(field: &str, text: &str, found: &mut Reader) {
    let mut violations = Vec::new();
    domain::violation::texts(&mut violations, &[(field, text)]);
    found.judge(violations);
}

#[tonic::async_trait]
impl TicketService for Tickets {
    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        CreateTicket create_ticket(self, write, request: pb::CreateTicketRequest) -> pb::Ticket {
            let ticket = request.ticket.ok_or_else(|| Error::invalid("ticket", "is required: give the ticket to open"))?;
            let mut reader = Reader::new("ticket.");
            let fields = read::changes(&mut reader, &ticket, read::Empty::Keep);
            let opened_at = reader.timestamp("open_time", ticket.open_time.as_ref());
            reader.required("process", (!ticket.process.is_empty()).then_some(()));
            let mut comment = Reader::default();
            objection("comment", &request.comment, &mut comment);
            Error::check([reader.found(), comment.found()].concat())?;
            let command = OpenTicket { process: ticket.process, fields, opened_at, comment: request.comment };
            let validate_only = write.validate_only;
            let stored = self.operations.open_ticket(write, command).await?;
            let mut shown = self.show(&stored, show::View::Full);
            if validate_only {
                shown.uid.clear();
                shown.etag.clear();
            }
            Ok(shown)
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        GetTicket get_ticket(self, caller, request: pb::GetTicketRequest) -> pb::Ticket {
            let view = view(request.view, show::View::Full)?;
            let stored = self.operations.get_ticket(&caller, &request.name, part(view)).await?;
            Ok(self.show(&stored, view))
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        BatchGetTickets batch_get_tickets(self, caller, request: pb::BatchGetTicketsRequest) -> pb::BatchGetTicketsResponse {
            let view = view(request.view, show::View::Basic)?;
            if request.names.len() > MAX_BATCH {
                return Err(Error::invalid("names", format!("are more than {MAX_BATCH}: ask in several requests")));
            }
            let stored = self.operations.get_tickets(&caller, &request.names, part(view)).await?;
            Ok(pb::BatchGetTicketsResponse { tickets: stored.iter().map(|stored| self.show(stored, view)).collect() })
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        LookupTicket lookup_ticket(self, caller, request: pb::LookupTicketRequest) -> pb::Ticket {
            let view = view(request.view, show::View::Full)?;
            let mut reader = Reader::default();
            reader.required("source_system", (!request.source_system.is_empty()).then_some(()));
            reader.required("source_id", (!request.source_id.is_empty()).then_some(()));
            reader.finish()?;
            let stored =
                self.operations.lookup_ticket(&caller, &request.source_system, &request.source_id).await?;
            Ok(self.show(&stored, view))
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        ListTickets list_tickets(self, caller, request: pb::ListTicketsRequest) -> pb::ListTicketsResponse {
            let view = view(request.view, show::View::Basic)?;
            let list = page::Request {
                method: "itsm.operations.v1.TicketService/ListTickets",
                page_size: request.page_size,
                page_token: &request.page_token,
                filter: &request.filter,
                order_by: &request.order_by,
                selection: "",
            };
            let page = self.operations.list_tickets(&caller, list, part(view)).await?;
            let page = page.map(|stored| self.show(&stored, view));
            Ok(pb::ListTicketsResponse { tickets: page.items, next_page_token: page.next_page_token })
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        CountTickets count_tickets(self, caller, request: pb::CountTicketsRequest) -> pb::CountTicketsResponse {
            let list = page::Request {
                method: "itsm.operations.v1.TicketService/CountTickets",
                filter: &request.filter,
                ..page::Request::default()
            };
            let counts = self.operations.count_tickets(&caller, list, &request.group_by).await?;
            let total_count = counts.iter().map(|count| count.count).sum();
            let counts = if request.group_by.is_empty() { Vec::new() } else { counts };
            let counts = counts.into_iter().map(|count| pb::TicketCount { value: count.value, count: count.count });
            Ok(pb::CountTicketsResponse { total_count, counts: counts.collect() })
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        UpdateTicket update_ticket(self, write, request: pb::UpdateTicketRequest) -> pb::Ticket {
            let patch = request.ticket.ok_or_else(|| Error::invalid("ticket", "is required: give the ticket to update"))?;
            let (name, etag) = (patch.name.clone(), patch.etag.clone());
            let update_mask = request.update_mask;
            let now = self.desk.kit.clock.now();
            let wanted = move |stored: &crate::store::ticket::Stored| {
                let current = show::ticket(stored, show::View::Full, now);
                let merged = mask::apply(MESSAGE, &current, &patch, update_mask.as_ref(), OUTPUT_ONLY)?;
                let mut reader = Reader::new("ticket.");
                let changes = read::changes(&mut reader, &merged, read::Empty::Clear);
                reader.finish()?;
                Ok(changes)
            };
            let stored = self.operations.update_ticket(write, name, etag, wanted).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        TransitionTicket transition_ticket(self, write, request: pb::TransitionTicketRequest) -> pb::Ticket {
            let mut reader = Reader::new("fields.");
            let fields = read::transition_fields(&mut reader, &request.fields.unwrap_or_default());
            let mut outer = Reader::default();
            outer.required("transition", (!request.transition.is_empty()).then_some(()));
            objection("comment", &request.comment, &mut outer);
            let occurred_at = outer.timestamp("occur_time", request.occur_time.as_ref());
            Error::check([reader.found(), outer.found()].concat())?;
            let command = TransitionTicket {
                name: request.name,
                etag: request.etag,
                transition: request.transition,
                fields,
                comment: request.comment,
                occurred_at,
            };
            let stored = self.operations.transition_ticket(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        AssignTicket assign_ticket(self, write, request: pb::AssignTicketRequest) -> pb::Ticket {
            let mut reader = Reader::new("assignment.");
            let assignment = read::assignment(&mut reader, &request.assignment.unwrap_or_default());
            let mut outer = Reader::default();
            objection("comment", &request.comment, &mut outer);
            let occurred_at = outer.timestamp("occur_time", request.occur_time.as_ref());
            Error::check([reader.found(), outer.found()].concat())?;
            let command = AssignTicket {
                name: request.name,
                etag: request.etag,
                assignment,
                comment: request.comment,
                occurred_at,
            };
            let stored = self.operations.assign_ticket(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        AddNote add_note(self, write, request: pb::AddNoteRequest) -> pb::Note {
            let given = request.note.unwrap_or_default();
            let mut reader = Reader::new("note.");
            let audience = reader.choice("audience", given.audience, enums::audience::read);
            reader.required("text", (!given.text.trim().is_empty()).then_some(()));
            objection("text", &given.text, &mut reader);
            reader.finish()?;
            let Some(audience) = audience else { return Err(Error::invalid("note.audience", "is not stated")) };
            let added = NewNote { audience, text: given.text };
            let added = self.operations.add_note(write, request.parent.clone(), added).await?;
            Ok(note(&request.parent, &added))
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        ListNotes list_notes(self, caller, request: pb::ListNotesRequest) -> pb::ListNotesResponse {
            let page = PageOf {
                method: "itsm.operations.v1.TicketService/ListNotes",
                ticket: &request.parent,
                page_size: request.page_size,
                page_token: &request.page_token,
            };
            let page = self.operations.list_notes(&caller, page).await?;
            let page = page.map(|written| note(&request.parent, &written));
            Ok(pb::ListNotesResponse { notes: page.items, next_page_token: page.next_page_token })
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        LinkTickets link_tickets(self, write, request: pb::LinkTicketsRequest) -> pb::Ticket {
            let mut reader = Reader::default();
            let link = read::link(&mut reader, request.link.as_ref());
            reader.finish()?;
            let Some(link) = link else { return Err(Error::invalid("link", "is required: give a value")) };
            let command = LinkTickets { name: request.name, etag: request.etag, link, remove: request.remove };
            let stored = self.operations.link_tickets(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        ListAllowedTransitions list_allowed_transitions(self, caller, request: pb::ListAllowedTransitionsRequest)
            -> pb::ListAllowedTransitionsResponse {
            let next = self.operations.allowed_transitions(&caller, &request.name).await?;
            let allowed = next.transitions().into_iter().map(|allowed| pb::AllowedTransition {
                transition: Some(show::transition(allowed.transition)),
                permitted: allowed.missing_roles.is_empty(),
                missing_approvals: allowed.missing_approvals.iter().map(|missing| missing.what.clone()).collect(),
                missing_fields: allowed.missing_fields.iter().map(|path| crate::error::path("", path)).collect(),
                missing_roles: allowed.missing_roles.iter().map(|&role| role.to_owned()).collect(),
            });
            Ok(pb::ListAllowedTransitionsResponse { allowed_transitions: allowed.collect() })
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        ListFacts list_facts(self, caller, request: pb::ListFactsRequest) -> pb::ListFactsResponse {
            let page = PageOf {
                method: "itsm.operations.v1.TicketService/ListFacts",
                ticket: &request.name,
                page_size: request.page_size,
                page_token: &request.page_token,
            };
            let page = self.operations.list_facts(&caller, page).await?.map(Into::into);
            Ok(pb::ListFactsResponse { facts: page.items, next_page_token: page.next_page_token })
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        ExplainClocks explain_clocks(self, caller, request: pb::ExplainClocksRequest) -> pb::ExplainClocksResponse {
            let mut reader = Reader::default();
            let read_at = reader.timestamp("read_time", request.read_time.as_ref());
            let known_at = reader.timestamp("known_time", request.known_time.as_ref());
            reader.finish()?;
            let explained = self.operations.explain_clocks(&caller, &request.name, read_at, known_at).await?;
            Ok(pb::ExplainClocksResponse {
                read_time: Some(timestamp(explained.read_at)),
                clocks: explained.clocks.iter().map(|clock| show::explanation(&explained, clock)).collect(),
                lost_objectives: explained.losers.iter().map(show::loser).collect(),
                time_zone_database_version: domain::calendar::database_version().to_owned(),
                duties: explained.duties.iter().map(show::duty).collect(),
            })
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        ExcludeClock exclude_clock(self, write, request: pb::ExcludeClockRequest) -> pb::Ticket {
            let mut reader = Reader::default();
            let exclusion = read::exclusion(&mut reader, &request);
            reader.finish()?;
            let Some(exclusion) = exclusion else { return Err(Error::invalid("reason", "is not stated")) };
            let command = ExcludeClock { name: request.name, etag: request.etag, exclusion };
            let stored = self.operations.exclude_clock(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        RevokeClockExclusion revoke_clock_exclusion(self, write, request: pb::RevokeClockExclusionRequest) -> pb::Ticket {
            let mut reader = Reader::default();
            reader.required("clock", (!request.clock.is_empty()).then_some(()));
            objection("comment", &request.comment, &mut reader);
            reader.finish()?;
            let revoked = ExclusionRevoked { clock: request.clock, comment: request.comment };
            let command = RevokeClockExclusion { name: request.name, etag: request.etag, revoked };
            let stored = self.operations.revoke_clock_exclusion(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        RecordDuty record_duty(self, write, request: pb::RecordDutyRequest) -> pb::Ticket {
            let mut reader = Reader::default();
            let step = read::duty(&mut reader, &request);
            let occurred_at = reader.timestamp("occur_time", request.occur_time.as_ref());
            objection("comment", &request.comment, &mut reader);
            reader.finish()?;
            let Some(step) = step else { return Err(Error::invalid("step", "is not stated")) };
            let command =
                RecordDuty { name: request.name, etag: request.etag, step, comment: request.comment, occurred_at };
            let stored = self.operations.record_duty(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        DecideApproval decide_approval(self, write, request: pb::DecideApprovalRequest) -> pb::Ticket {
            let mut reader = Reader::default();
            let decision = reader.choice("verdict", request.verdict, enums::verdict::read);
            reader.required("approval", (!request.approval.is_empty()).then_some(()));
            objection("comment", &request.comment, &mut reader);
            reader.finish()?;
            let Some(decision) = decision else { return Err(Error::invalid("verdict", "is not stated")) };
            let command = DecideApproval {
                name: request.name,
                etag: request.etag,
                approval: request.approval,
                decision,
                comment: request.comment,
            };
            let stored = self.operations.decide_approval(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        DelegateApproval delegate_approval(self, write, request: pb::DelegateApprovalRequest) -> pb::Ticket {
            let mut reader = Reader::default();
            reader.required("approval", (!request.approval.is_empty()).then_some(()));
            delegate(&mut reader, &request.delegate);
            objection("comment", &request.comment, &mut reader);
            reader.finish()?;
            let command = DelegateApproval {
                name: request.name,
                etag: request.etag,
                approval: request.approval,
                delegate: request.delegate,
                comment: request.comment,
            };
            let stored = self.operations.delegate_approval(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        ListApprovals list_approvals(self, caller, request: pb::ListApprovalsRequest) -> pb::ListApprovalsResponse {
            let list = page::Request {
                method: "itsm.operations.v1.TicketService/ListApprovals",
                page_size: request.page_size,
                page_token: &request.page_token,
                filter: &request.filter,
                order_by: &request.order_by,
                selection: "",
            };
            let page = self.operations.list_approvals(&caller, list, &request.pending_for).await?;
            let page = page.map(|found| show::approval(&found.ticket, &found.approval));
            Ok(pb::ListApprovalsResponse { approvals: page.items, next_page_token: page.next_page_token })
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        DelegateApprovals delegate_approvals(self, write, request: pb::DelegateApprovalsRequest)
            -> pb::ApprovalDelegation {
            let mut reader = Reader::default();
            delegate(&mut reader, &request.delegate);
            objection("comment", &request.comment, &mut reader);
            let start_at = reader.timestamp("start_time", request.start_time.as_ref());
            let end_at = reader.timestamp("end_time", request.end_time.as_ref());
            let end_at = reader.required("end_time", end_at);
            reader.finish()?;
            let Some(end_at) = end_at else { return Err(Error::invalid("end_time", "is not stated")) };
            let command =
                DelegateApprovals { delegate: request.delegate, start_at, end_at, comment: request.comment };
            let stored = self.operations.delegate_approvals(write, command).await?;
            Ok(show::delegation(&stored))
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        ListApprovalDelegations list_approval_delegations(self, caller, request: pb::ListApprovalDelegationsRequest)
            -> pb::ListApprovalDelegationsResponse {
            let list = page::Request {
                method: "itsm.operations.v1.TicketService/ListApprovalDelegations",
                page_size: request.page_size,
                page_token: &request.page_token,
                filter: &request.filter,
                order_by: &request.order_by,
                selection: "",
            };
            let page = self.operations.list_delegations(&caller, list).await?;
            let page = page.map(|stored| show::delegation(&stored));
            Ok(pb::ListApprovalDelegationsResponse {
                approval_delegations: page.items,
                next_page_token: page.next_page_token,
            })
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        RevokeApprovalDelegation revoke_approval_delegation(self, write, request: pb::RevokeApprovalDelegationRequest)
            -> pb::ApprovalDelegation {
            let stored = self.operations.revoke_delegation(write, request.name).await?;
            Ok(show::delegation(&stored))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        DeclareMajorIncident declare_major_incident(self, write, request: pb::DeclareMajorIncidentRequest)
            -> pb::Ticket {
            let mut reader = Reader::default();
            let step = Step::Declare(read::declared(&mut reader, &request));
            let occurred_at = reader.timestamp("occur_time", request.occur_time.as_ref());
            objection("comment", &request.comment, &mut reader);
            reader.finish()?;
            let command =
                MajorIncident { name: request.name, etag: request.etag, step, comment: request.comment, occurred_at };
            let stored = self.operations.major_incident(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        UpdateMajorIncident update_major_incident(self, write, request: pb::UpdateMajorIncidentRequest) -> pb::Ticket {
            let mut reader = Reader::default();
            let step = Step::Update(read::updated(&mut reader, &request));
            objection("comment", &request.comment, &mut reader);
            reader.finish()?;
            let command = MajorIncident {
                name: request.name,
                etag: request.etag,
                step,
                comment: request.comment,
                occurred_at: None,
            };
            let stored = self.operations.major_incident(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    servicekit::write_method! { "itsm.operations.v1.TicketService/",
        StandDownMajorIncident stand_down_major_incident(self, write, request: pb::StandDownMajorIncidentRequest)
            -> pb::Ticket {
            let mut reader = Reader::default();
            let step = Step::StandDown(reader.timestamp("review_due_time", request.review_due_time.as_ref()));
            let occurred_at = reader.timestamp("occur_time", request.occur_time.as_ref());
            objection("comment", &request.comment, &mut reader);
            reader.finish()?;
            let command =
                MajorIncident { name: request.name, etag: request.etag, step, comment: request.comment, occurred_at };
            let stored = self.operations.major_incident(write, command).await?;
            Ok(self.show(&stored, show::View::Full))
        }
    }

    type ImportTicketsStream = futures::stream::BoxStream<'static, Result<pb::ImportTicketsResponse, Status>>;

    async fn import_tickets(
        &self,
        request: tonic::Request<tonic::Streaming<pb::ImportTicketsRequest>>,
    ) -> Result<Response<Self::ImportTicketsStream>, Status> {
        let caller = Caller::of(&request)?;
        let stream = request.into_inner();
        let permit = self.operations.admit_import(&caller)?;
        let (batches, received) = mpsc::channel(1);
        let (answers, committed) = mpsc::channel(16);
        self.operations.import_tickets(permit, received, answers);
        self.desk.kit.spawn(import::forward(stream, batches, self.desk.kit.stop.clone()));
        let committed = tokio_stream::wrappers::ReceiverStream::new(committed);
        let answers = committed.map(|outcome| outcome.map(import::answer).map_err(Status::from));
        Ok(Response::new(Box::pin(answers)))
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        BatchImportTickets batch_import_tickets(self, caller, request: pb::BatchImportTicketsRequest)
            -> pb::ImportTicketsResponse {
            let permit = self.operations.admit_import(&caller)?;
            if request.requests.is_empty() || request.requests.len() > MAX_BATCH {
                return Err(Error::invalid("requests", format!("are not 1 to {MAX_BATCH}: send several calls")));
            }
            let mut rows = import::Batches::new();
            let mut whole = Vec::new();
            for row in request.requests {
                whole.extend(rows.push(row)?);
            }
            whole.extend(rows.rest());
            let (batches, received) = mpsc::channel(whole.len());
            let (answers, mut committed) = mpsc::channel(whole.len());
            self.operations.import_tickets(permit, received, answers);
            for batch in whole {
                batches.send(Ok(batch)).await.map_err(Error::internal)?;
            }
            drop(batches);
            let mut sum = crate::usecase::import_tickets::Committed::default();
            while let Some(outcome) = committed.recv().await {
                let part = outcome?;
                sum.through = part.through;
                sum.created += part.created;
                sum.unchanged += part.unchanged;
                sum.failures.extend(part.failures);
            }
            Ok(import::answer(sum))
        }
    }

    servicekit::read_method! { "itsm.operations.v1.TicketService/",
        GetImport get_import(self, caller, request: pb::GetImportRequest) -> pb::Import {
            let _ = caller;
            import::check_id(&request.import_id)?;
            let progress = self.operations.get_import(&request.import_id).await?;
            Ok(pb::Import {
                import_id: progress.import_id,
                committed_through: progress.committed_through,
                created_count: progress.created_count,
                unchanged_count: progress.unchanged_count,
                failed_count: progress.failed_count,
                create_time: Some(timestamp(progress.created_at)),
                update_time: Some(timestamp(progress.updated_at)),
            })
        }
    }
}
