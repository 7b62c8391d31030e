//! Calls of any method of the contract by its descriptor.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, Value};
use servicekit::clock::{self, Clock as _};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

use super::kinds::Kind;
use crate::client::Channel;

/// A page of a list. Pages of whole contracts stay below the size that a message may have.
const PAGE: i32 = 500;
/// How often a call is repeated that the server could not take just then.
const ATTEMPTS: u32 = 4;

/// The servers that are called, by name.
#[derive(Clone, Default)]
pub struct Remote {
    channels: BTreeMap<&'static str, Channel>,
}

/// A revision as it was published.
#[derive(Debug)]
pub struct Revision {
    /// Its number.
    pub number: i32,
    /// From when it is in force.
    pub effective: jiff::Timestamp,
    /// What it says.
    pub message: DynamicMessage,
}

impl Remote {
    /// Calls of a server go there from now on.
    #[must_use]
    pub fn reaching(mut self, server: &'static str, channel: Channel) -> Self {
        self.channels.insert(server, channel);
        self
    }

    /// Whether it is known where a server is.
    pub fn knows(&self, server: &str) -> bool {
        self.channels.contains_key(server)
    }

    /// Calls a method of a kind. A call that the server could not take is repeated with the same request id.
    pub async fn call(
        &self,
        kind: &Kind,
        method: &MethodDescriptor,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        let Some(channel) = self.channels.get(kind.server) else {
            return Err(Status::internal(format!("nobody said where the {} is", kind.server)));
        };
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path = PathAndQuery::try_from(path).map_err(|error| Status::internal(error.to_string()))?;
        let mut attempt = 1;
        loop {
            let mut client = Grpc::new(channel.clone()).max_decoding_message_size(64 << 20);
            client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let answer = client.unary(Request::new(request.clone()), path.clone(), Wire(method.output())).await;
            match answer {
                Err(status) if attempt < ATTEMPTS && is_passing(&status) => {
                    tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                    attempt += 1;
                }
                other => return other.map(tonic::Response::into_inner),
            }
        }
    }

    /// The resource of that name, deleted ones too. None: there never was one.
    pub async fn get(&self, kind: &Kind, name: &str) -> Result<Option<DynamicMessage>, Status> {
        let method = &kind.methods.get;
        match self.call(kind, method, request(method, [("name", Value::String(name.to_owned()))])).await {
            Ok(found) => Ok(Some(found)),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status),
        }
    }

    /// Every resource of a kind by name, without the deleted ones.
    pub async fn list(&self, kind: &Kind) -> Result<Vec<DynamicMessage>, Status> {
        let parent = kind.parents.clone().map(|parents| ("parent", Value::String(parents)));
        self.pages(kind, &kind.methods.list, parent.into_iter().collect(), &kind.plural).await
    }

    /// What was published of a resource, newest first.
    pub async fn revisions(&self, kind: &Kind, name: &str) -> Result<Vec<Revision>, Status> {
        let Some(publication) = &kind.publication else { return Ok(Vec::new()) };
        let output = publication.list.output();
        let Some(several) = output.fields().find(prost_reflect::FieldDescriptor::is_list) else {
            return Ok(Vec::new());
        };
        let name = vec![("name", Value::String(name.to_owned()))];
        let listed = self.pages(kind, &publication.list, name, several.name()).await?;
        Ok(listed
            .iter()
            .filter_map(|revision| {
                Some(Revision {
                    number: revision.get_field_by_name("revision")?.as_i32()?,
                    effective: time(revision, "effective_time")?,
                    message: revision.get_field_by_name(&kind.field)?.as_message()?.clone(),
                })
            })
            .collect())
    }

    async fn pages(
        &self,
        kind: &Kind,
        method: &MethodDescriptor,
        fields: Vec<(&str, Value)>,
        several: &str,
    ) -> Result<Vec<DynamicMessage>, Status> {
        let mut all = Vec::new();
        let mut asked = request(method, fields);
        set(&mut asked, "page_size", Value::I32(PAGE));
        loop {
            let page = self.call(kind, method, asked.clone()).await?;
            let members = page.get_field_by_name(several).and_then(|list| list.as_list().map(<[Value]>::to_vec));
            all.extend(members.unwrap_or_default().into_iter().filter_map(|member| member.as_message().cloned()));
            let token = text(&page, "next_page_token");
            if token.is_empty() {
                return Ok(all);
            }
            set(&mut asked, "page_token", Value::String(token));
        }
    }
}

/// Whether the same call may succeed a moment later.
fn is_passing(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted)
}

/// A request of a method. What it has no field for is left out.
pub fn request<'a>(method: &MethodDescriptor, fields: impl IntoIterator<Item = (&'a str, Value)>) -> DynamicMessage {
    let mut message = DynamicMessage::new(method.input());
    for (name, value) in fields {
        set(&mut message, name, value);
    }
    message
}

/// The same as a write, with an id that makes a repetition harmless.
pub fn write<'a>(
    method: &MethodDescriptor,
    validate_only: bool,
    fields: impl IntoIterator<Item = (&'a str, Value)>,
) -> DynamicMessage {
    let mut message = request(method, fields);
    set(&mut message, "request_id", Value::String(clock::System.id().to_string()));
    set(&mut message, "validate_only", Value::Bool(validate_only));
    message
}

/// Sets a field, if the message has it.
pub fn set(message: &mut DynamicMessage, name: &str, value: Value) {
    if let Err(error) = message.try_set_field_by_name(name, value) {
        tracing::debug!("{name}: {error}");
    }
}

/// Sets a field that holds an instant.
pub fn set_time(message: &mut DynamicMessage, name: &str, at: jiff::Timestamp) {
    if let Some(Value::Message(field)) = message.get_field_by_name_mut(name) {
        let set = field.transcode_from(&crate::import::timestamp(at));
        set.unwrap_or_else(|error| tracing::debug!("{name}: {error}"));
    }
}

/// A text field. Empty: it is not set.
pub fn text(message: &DynamicMessage, name: &str) -> String {
    let field = message.get_field_by_name(name);
    field.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A field that holds an instant. None: it is not set.
pub fn time(message: &DynamicMessage, name: &str) -> Option<jiff::Timestamp> {
    if !message.has_field_by_name(name) {
        return None;
    }
    let at: prost_types::Timestamp = message.get_field_by_name(name)?.as_message()?.transcode_to().ok()?;
    jiff::Timestamp::new(at.seconds, at.nanos).ok()
}

/// Messages as they travel; what is read is of this type.
struct Wire(MessageDescriptor);

impl Codec for Wire {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(self.0.clone())
    }

    fn decoder(&mut self) -> Self {
        Self(self.0.clone())
    }
}

impl Encoder for Wire {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Wire {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let read = DynamicMessage::decode(self.0.clone(), buffer);
        read.map(Some).map_err(|error| Status::internal(format!("the answer cannot be read: {error}")))
    }
}
