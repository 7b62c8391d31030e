//! The demo's catalog: a file of resources, created and published through the public API.
//! What is there already stays as it is, so that a second start changes nothing.

use jiff::Timestamp;
use pb::agreement_service_client::AgreementServiceClient;
use pb::portfolio_service_client::PortfolioServiceClient;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use proto::catalog::v1 as pb;
use serde::Deserialize;
use tonic::{Code, Response, Status};

use crate::client::{Channel, sentence};
use crate::import::{Problem, timestamp};

/// The catalog that ships with the demo.
const CATALOG: &str = include_str!("../../../../demo/catalog.yaml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: String,
    id: String,
    fields: serde_json::Value,
    #[serde(default)]
    live: bool,
    publish_from: Option<Timestamp>,
}

/// Creates, activates and publishes what is missing. Returns how many resources were created.
pub async fn apply(channel: Channel) -> Result<usize, Problem> {
    let entries: Vec<Entry> = serde_norway::from_str(CATALOG)
        .map_err(|error| Problem::new(format!("the demo's catalog cannot be read: {error}")))?;
    let pool = DescriptorPool::decode(proto::DESCRIPTORS)
        .map_err(|error| Problem::new(format!("the contract cannot be read: {error}")))?;
    let mut catalog = Catalog {
        pool,
        portfolio: PortfolioServiceClient::new(channel.clone()),
        agreements: AgreementServiceClient::new(channel),
    };
    let mut created = 0;
    for entry in entries {
        created += usize::from(catalog.apply(&entry).await?);
    }
    Ok(created)
}

struct Catalog {
    pool: DescriptorPool,
    portfolio: PortfolioServiceClient<Channel>,
    agreements: AgreementServiceClient<Channel>,
}

impl Entry {
    fn problem(&self, detail: &str) -> Problem {
        Problem::new(format!("{} {}: {detail}", self.kind, self.id))
    }

    /// What a creation answered, or nothing where the resource is there already.
    fn created<T>(&self, outcome: Result<Response<T>, Status>) -> Result<Option<T>, Problem> {
        match outcome {
            Ok(created) => Ok(Some(created.into_inner())),
            Err(status) if status.code() == Code::AlreadyExists => Ok(None),
            Err(status) => Err(self.problem(&sentence(&status))),
        }
    }

    fn done<T>(&self, outcome: Result<Response<T>, Status>) -> Result<T, Problem> {
        outcome.map(Response::into_inner).map_err(|status| self.problem(&sentence(&status)))
    }
}

impl Catalog {
    /// Reads the fields of an entry as the message of its kind, as the JSON form of protobuf says.
    fn message<M: Message + Default>(&self, entry: &Entry) -> Result<Option<M>, Problem> {
        let descriptor = self
            .pool
            .get_message_by_name(&format!("itsm.catalog.v1.{}", entry.kind))
            .ok_or_else(|| entry.problem("is no kind of the catalog"))?;
        let message = DynamicMessage::deserialize(descriptor, &entry.fields)
            .map_err(|error| entry.problem(&error.to_string()))?;
        message.transcode_to().map(Some).map_err(|error| entry.problem(&error.to_string()))
    }

    /// Whether the entry was created. What an interrupted run left half done is finished.
    async fn apply(&mut self, entry: &Entry) -> Result<bool, Problem> {
        let id = entry.id.clone();
        let effective_time = entry.publish_from.map(timestamp);
        match entry.kind.as_str() {
            "Customer" => {
                let customer = self.message(entry)?;
                let request = pb::CreateCustomerRequest { customer_id: id, customer, ..Default::default() };
                Ok(entry.created(self.agreements.create_customer(request).await)?.is_some())
            }
            "Service" => {
                let service = self.message(entry)?;
                let request = pb::CreateServiceRequest { service_id: id, service, ..Default::default() };
                let created = entry.created(self.portfolio.create_service(request).await)?;
                let name = format!("services/{}", entry.id);
                let service: pb::Service =
                    entry.done(self.portfolio.get_service(pb::GetServiceRequest { name: name.clone() }).await)?;
                if entry.live && service.state() == pb::ServiceState::Pipeline {
                    let request = pb::ActivateServiceRequest { name, ..Default::default() };
                    entry.done(self.portfolio.activate_service(request).await)?;
                }
                Ok(created.is_some())
            }
            "Calendar" => {
                let calendar = self.message(entry)?;
                let request = pb::CreateCalendarRequest { calendar_id: id, calendar, ..Default::default() };
                let created = entry.created(self.agreements.create_calendar(request).await)?;
                let name = format!("calendars/{}", entry.id);
                let calendar =
                    entry.done(self.agreements.get_calendar(pb::GetCalendarRequest { name: name.clone() }).await)?;
                if effective_time.is_some() && calendar.revision == 0 {
                    let request = pb::PublishCalendarRequest { name, effective_time, ..Default::default() };
                    entry.done(self.agreements.publish_calendar(request).await)?;
                }
                Ok(created.is_some())
            }
            "Agreement" => {
                let agreement = self.message(entry)?;
                let request = pb::CreateAgreementRequest { agreement_id: id, agreement, ..Default::default() };
                let created = entry.created(self.agreements.create_agreement(request).await)?;
                let name = format!("agreements/{}", entry.id);
                let agreement =
                    entry.done(self.agreements.get_agreement(pb::GetAgreementRequest { name: name.clone() }).await)?;
                if effective_time.is_some() && agreement.revision == 0 {
                    let request = pb::PublishAgreementRequest { name, effective_time, ..Default::default() };
                    entry.done(self.agreements.publish_agreement(request).await)?;
                }
                Ok(created.is_some())
            }
            _ => Err(entry.problem("cannot be created from the demo's catalog")),
        }
    }
}
