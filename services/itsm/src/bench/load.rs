//! The requests, and the streams that make them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use pb::ticket_service_client::TicketServiceClient;
use proto::operations::v1 as pb;
use tonic::Status;

use crate::client::{Channel, sentence};
use crate::import::Problem;

/// Tickets that reads and changes are spread over, at most.
const SPREAD: usize = 20_000;

/// Tickets on a page of a list.
const PAGE: i32 = 100;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Opens incidents
    Create,
    /// Gets tickets by name
    Get,
    /// Writes the title of tickets that are open
    Update,
    /// Lists a hundred tickets of a priority
    List,
    /// Of a hundred requests: 70 get, 15 list, 10 update, 5 create
    Mixed,
}

impl Kind {
    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::Update => "update",
            Self::List => "list",
            Self::Mixed => "mixed",
        }
    }

    /// What the n-th request of a stream is.
    fn of(self, draw: u64) -> Self {
        match (self, draw % 100) {
            (Self::Mixed, 0..70) => Self::Get,
            (Self::Mixed, 70..85) => Self::List,
            (Self::Mixed, 85..95) => Self::Update,
            (Self::Mixed, _) => Self::Create,
            (kind, _) => kind,
        }
    }
}

/// The load, with the tickets it is spread over.
pub struct Load {
    kind: Kind,
    /// Tickets to get.
    names: Vec<String>,
    /// Open tickets to change; each stream has its own, so that none waits for another.
    open: Vec<String>,
    /// How many streams there are.
    streams: usize,
}

/// What a stream found.
#[derive(Default)]
pub struct Found {
    /// How long each answer took, in microseconds.
    pub latencies: Vec<u64>,
    /// Requests that were refused.
    pub refused: usize,
    /// What the last refusal said.
    pub refusal: String,
}

/// Finds or makes the tickets that the load needs.
pub async fn prepare(channels: &[Channel], kind: Kind, streams: usize) -> Result<Arc<Load>, Problem> {
    let refused = |status: Status| Problem::new(sentence(&status));
    let channel = channels.first().ok_or_else(|| Problem::new("no connection: ask for one at least"))?;
    let mut client = TicketServiceClient::new(channel.clone());
    let (mut names, mut open) = (Vec::new(), Vec::new());
    if matches!(kind, Kind::Update | Kind::Mixed) {
        open = list(&mut client, "state_category = NEW").await.map_err(refused)?;
        while open.len() < streams {
            let ticket = client.create_ticket(incident(open.len() as u64)).await.map_err(refused)?.into_inner();
            open.push(ticket.name);
        }
    }
    if matches!(kind, Kind::Get | Kind::Mixed) {
        names = list(&mut client, "").await.map_err(refused)?;
        if names.is_empty() {
            return Err(Problem::new("there is no ticket to get: run `itsm bench create` first"));
        }
    }
    Ok(Arc::new(Load { kind, names, open, streams }))
}

/// Names of tickets for which the filter holds, as many as the load is spread over.
async fn list(client: &mut TicketServiceClient<Channel>, filter: &str) -> Result<Vec<String>, Status> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    while names.len() < SPREAD {
        let filter = filter.to_owned();
        let request = pb::ListTicketsRequest { page_size: 1_000, page_token, filter, ..Default::default() };
        let page = client.list_tickets(request).await?.into_inner();
        names.extend(page.tickets.into_iter().map(|ticket| ticket.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(names)
}

impl Load {
    /// Keeps streams busy for a time.
    pub async fn run(self: &Arc<Self>, channels: &[Channel], streams: usize, time: Duration) -> Vec<Found> {
        let until = Instant::now() + time;
        let streams = (0..streams).map(|stream| {
            let channel = channels[stream % channels.len()].clone();
            tokio::spawn(stream_of(Arc::clone(self), channel, stream as u64, until))
        });
        join_all(streams).await.into_iter().flatten().collect()
    }

    async fn ask(&self, client: &mut TicketServiceClient<Channel>, stream: u64, draw: u64) -> Result<(), Status> {
        let pick = |from: &[String], of: u64| -> String {
            let at = usize::try_from(of).unwrap_or(0) % from.len().max(1);
            from.get(at).cloned().unwrap_or_default()
        };
        match self.kind.of(draw >> 32) {
            Kind::Create => client.create_ticket(incident(draw)).await.map(drop),
            Kind::Get => {
                let name = pick(&self.names, draw);
                client.get_ticket(pb::GetTicketRequest { name, ..Default::default() }).await.map(drop)
            }
            Kind::Update => {
                let streams = self.streams as u64;
                let of_each = (self.open.len() / self.streams.max(1)).max(1) as u64;
                let own = pick(&self.open, stream + streams * (draw % of_each));
                let ticket = pb::Ticket { name: own, title: title(draw), ..Default::default() };
                let update_mask = Some(prost_types::FieldMask { paths: vec!["title".to_owned()] });
                let request = pb::UpdateTicketRequest { ticket: Some(ticket), update_mask, ..Default::default() };
                client.update_ticket(request).await.map(drop)
            }
            Kind::List | Kind::Mixed => {
                let filter = format!("priority = {}", 1 + draw % 4);
                let request = pb::ListTicketsRequest { page_size: PAGE, filter, ..Default::default() };
                client.list_tickets(request).await.map(drop)
            }
        }
    }
}

async fn stream_of(load: Arc<Load>, channel: Channel, stream: u64, until: Instant) -> Found {
    let mut client = TicketServiceClient::new(channel).max_decoding_message_size(64 << 20);
    let mut found = Found::default();
    // The same requests in each run: what is compared is the server.
    let mut state = (stream + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    while Instant::now() < until {
        let began = Instant::now();
        match load.ask(&mut client, stream, next(&mut state)).await {
            Ok(()) => found.latencies.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)),
            Err(status) => {
                found.refused += 1;
                found.refusal = sentence(&status);
                // Who is refused at once would do nothing but be refused.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    found
}

/// The next number of a sequence without visible pattern (xorshift64*, Vigna 2016).
fn next(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_F491_4F6C_DD1D)
}

fn title(n: u64) -> String {
    format!("Cannot print to the printer on floor {}", n % 1_000)
}

fn incident(n: u64) -> pb::CreateTicketRequest {
    let ticket = pb::Ticket {
        process: "processes/incident".to_owned(),
        title: title(n),
        description: "The queue accepts the job and nothing comes out. Restarting it did not help.".to_owned(),
        impact: i32::try_from(1 + n % 3).unwrap_or(1),
        urgency: i32::try_from(1 + n / 3 % 3).unwrap_or(1),
        requester: format!("people/user-{}", n % 5_000),
        ..pb::Ticket::default()
    };
    pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_load_is_what_it_says() {
        let of = |kind: Kind| (0..100).filter(|draw| Kind::Mixed.of(*draw) == kind).count();
        assert_eq!([Kind::Get, Kind::List, Kind::Update, Kind::Create].map(of), [70, 15, 10, 5]);
        assert_eq!(Kind::List.of(3), Kind::List);
    }
}
