//! The standard methods of declarative resources, from request to answer: who may call, names, masks, messages.
//! A service states message and conversions of a resource once; [`crate::standard_methods!`] does the rest.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Integer, Text, Timestamptz};
use jiff::Timestamp;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, ServiceDescriptor};
use prost_types::FieldMask;
use tokio::time::Instant;

use crate::auth::Caller;
use crate::convert::Reader;
use crate::edge;
use crate::error::{Error, Violation};
use crate::idempotency::Key;
use crate::kit::Kit;
use crate::page::{self, Page};
use crate::resource::{self, Change, Create, List, Publish, Resource, Revision, Revisioned, Stored};
use crate::scope::Scope;
use crate::sql::Sql;
use crate::wire;

pub use crate::auth::Permission;

/// What a gRPC service of declarative resources holds.
#[derive(Clone)]
pub struct Desk {
    /// Database, clock and journal.
    pub kit: Kit,
}

impl Desk {
    /// What a write came with. The request's id has been taken out of it, so that it is not hashed.
    pub fn write(
        &self,
        caller: Arc<Caller>,
        method: &'static str,
        request_id: &str,
        validate_only: bool,
        request: &impl prost::Message,
    ) -> Result<Write, Error> {
        let key = Key::new(&*self.kit.clock, &caller, method, request_id, request)?;
        Ok(Write { caller, key, validate_only, deadline: edge::deadline() })
    }
}

/// Every method of a package of the contract by its full name, in the order of the contract: for tests of tables of
/// permissions.
pub fn methods_of(package: &str) -> Vec<String> {
    methods(|service| service.parent_file().package_name() == package)
}

/// Every method of a gRPC service of the contract by its full name. Empty: the contract has no such service.
pub(crate) fn methods_of_service(name: &str) -> Vec<String> {
    methods(|service| service.full_name() == name)
}

/// Full names of all methods whose answer is a stream.
pub(crate) fn streaming_methods() -> Vec<String> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap_or_default();
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let streaming = methods.filter(prost_reflect::MethodDescriptor::is_server_streaming);
    streaming.map(|method| format!("{}/{}", method.parent_service().full_name(), method.name())).collect()
}

fn methods(wanted: impl Fn(&ServiceDescriptor) -> bool) -> Vec<String> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap_or_default();
    let mut services: Vec<_> = pool.services().filter(wanted).collect();
    services.sort_by(|a, b| a.parent_file().name().cmp(b.parent_file().name()));
    let methods = services.iter().flat_map(ServiceDescriptor::methods);
    methods.map(|method| format!("{}/{}", method.parent_service().full_name(), method.name())).collect()
}

/// Fields of a message that it leaves unset and that a client may set: for tests that their sample holds every field.
pub fn unset<R: Declared>(message: &R::Message) -> Vec<String> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap_or_default();
    let Some(descriptor) = pool.get_message_by_name(R::MESSAGE) else { return vec![R::MESSAGE.to_owned()] };
    let read = DynamicMessage::decode(descriptor.clone(), message.encode_to_vec().as_slice());
    let read = read.unwrap_or_else(|_| DynamicMessage::new(descriptor.clone()));
    let open =
        descriptor.fields().filter(|field| !HEAD.contains(&field.name()) && !R::OUTPUT_ONLY.contains(&field.name()));
    open.filter(|field| !read.has_field(field)).map(|field| field.name().to_owned()).collect()
}

/// What every message of a resource begins with, to be filled in.
pub struct Head<'a> {
    /// Field `name`.
    pub name: &'a mut String,
    /// Field `uid`.
    pub uid: &'a mut String,
    /// Field `etag`.
    pub etag: &'a mut String,
    /// Field `create_time`.
    pub create_time: &'a mut Option<prost_types::Timestamp>,
    /// Field `update_time`.
    pub update_time: &'a mut Option<prost_types::Timestamp>,
    /// Field `delete_time`.
    pub delete_time: &'a mut Option<prost_types::Timestamp>,
}

/// The revision that is in force of each resource: its number and when it took effect.
pub type InForce = HashMap<String, (i32, Timestamp)>;

/// A resource with its message of the contract. The message has the fields of [`Head`], and
/// [`Resource::KIND`] is the name of the field that holds it in requests.
pub trait Declared: Resource {
    /// The message.
    type Message: prost::Message + Default + Clone;
    /// Full name of the message: `itsm.catalog.v1.Service`.
    const MESSAGE: &'static str;
    /// Fixed words of its names, the outermost first: `["services", "offerings"]`.
    const WORDS: &'static [&'static str];
    /// Fields that only the server sets, besides those of [`Head`].
    const OUTPUT_ONLY: &'static [&'static str] = &[];
    /// Its revisions, if it has any: see [`Revisioned::REVISIONS`].
    const REVISION_TABLE: Option<&'static str> = None;

    /// What the message of the resource of that name says. Nothing, with an objection, when it cannot be read at all.
    fn read(reader: &mut Reader, name: &str, message: &Self::Message) -> Option<Self>;
    /// What is wrong with it by itself.
    fn check(&self, name: &str) -> Vec<domain::violation::Violation>;
    /// Its message without the fields of [`Head`].
    fn show(&self) -> Self::Message;
    /// Where the message has the fields of [`Head`].
    fn head(message: &mut Self::Message) -> Head<'_>;
    /// Fills in the revision in force; only where there are revisions.
    fn show_revision(_message: &mut Self::Message, _revision: i32, _effective_time: prost_types::Timestamp) {}
}

/// Fields that only the server sets, in every resource.
const HEAD: [&str; 6] = ["name", "uid", "etag", "create_time", "update_time", "delete_time"];

/// Makes [`Declared::head`].
#[macro_export]
macro_rules! head {
    () => {
        fn head(message: &mut Self::Message) -> $crate::standard::Head<'_> {
            $crate::standard::Head {
                name: &mut message.name,
                uid: &mut message.uid,
                etag: &mut message.etag,
                create_time: &mut message.create_time,
                update_time: &mut message.update_time,
                delete_time: &mut message.delete_time,
            }
        }
    };
}

/// Everything wrong with a body, whatever its name, under its field of the request: makes [`Resource::validate`].
pub fn violations<R: Declared>(body: &R) -> Vec<Violation> {
    let mut reader = Reader::new(format!("{}.", R::KIND));
    reader.judge(body.check(""));
    reader.found().to_vec()
}

/// The body that a message describes, or everything that is wrong with it.
pub fn read<R: Declared>(name: &str, message: &R::Message) -> Result<R, Vec<Violation>> {
    let mut reader = Reader::new(format!("{}.", R::KIND));
    let body = R::read(&mut reader, name, message);
    if let Some(body) = &body {
        reader.judge(body.check(name));
    }
    match body {
        Some(body) if reader.found().is_empty() => Ok(body),
        _ => Err(reader.found().to_vec()),
    }
}

/// The message of a stored resource.
pub fn show<R: Declared>(stored: &Stored<R>) -> R::Message {
    let mut message = stored.body.show();
    let head = R::head(&mut message);
    head.name.clone_from(&stored.name);
    *head.uid = stored.uid.to_string();
    *head.etag = stored.etag();
    *head.create_time = Some(wire::timestamp(stored.created_at));
    *head.update_time = Some(wire::timestamp(stored.updated_at));
    *head.delete_time = stored.deleted_at.map(wire::timestamp);
    message
}

/// The messages of stored resources, with the revisions in force.
pub async fn show_all<R: Declared>(kit: &Kit, stored: &[Stored<R>]) -> Result<Vec<R::Message>, Error> {
    let mut messages: Vec<R::Message> = stored.iter().map(show).collect();
    if let Some(table) = R::REVISION_TABLE.filter(|_| !stored.is_empty()) {
        let names = stored.iter().map(|stored| stored.name.clone()).collect();
        let in_force = in_force(kit, table, names).await?;
        for (message, stored) in messages.iter_mut().zip(stored) {
            if let Some((revision, effective_from)) = in_force.get(&stored.name) {
                R::show_revision(message, *revision, wire::timestamp(*effective_from));
            }
        }
    }
    Ok(messages)
}

async fn show_one<R: Declared>(kit: &Kit, stored: Stored<R>) -> Result<R::Message, Error> {
    show_all(kit, &[stored]).await?.pop().ok_or_else(|| Error::internal("one resource has one message"))
}

#[derive(QueryableByName)]
struct InForceRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Timestamptz)]
    effective_from: jiff_diesel::Timestamp,
}

async fn in_force(kit: &Kit, table: &str, names: Vec<String>) -> Result<InForce, Error> {
    let mut sql = Sql::new("SELECT DISTINCT ON (name) name, revision, effective_from FROM ");
    sql.push(table).push(" WHERE name = ANY(").bind::<Array<Text>, _>(names);
    sql.push(") AND effective_from <= ").bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(kit.clock.now()));
    sql.push(" ORDER BY name, effective_from DESC");
    let rows: Vec<InForceRow> = sql.load(&mut kit.database.get(&Scope::Everything).await?).await?;
    Ok(rows.into_iter().map(|row| (row.name, (row.revision, row.effective_from.into()))).collect())
}

/// The name as it came, if it has the shape of this kind of resource.
fn name_of<R: Declared>(field: &str, name: &str) -> Result<String, Violation> {
    let parts: Vec<&str> = name.split('/').collect();
    let fits = parts.len() == 2 * R::WORDS.len() && parts.iter().step_by(2).eq(R::WORDS);
    if !fits {
        let shape = format!("{}/{{id}}", R::WORDS.join("/{id}/"));
        return Err(Violation::new(field, format!("'{name}' is not a name of this kind: write {shape}")));
    }
    for id in parts.iter().skip(1).step_by(2) {
        domain::name::Id::parse(field, id).map_err(|fault| Violation::new(fault.field, fault.message))?;
    }
    Ok(name.to_owned())
}

fn checked_name<R: Declared>(name: &str) -> Result<String, Error> {
    name_of::<R>("name", name).map_err(|fault| invalid(vec![fault]))
}

/// Get.
pub async fn get<R: Declared>(desk: &Desk, caller: &Caller, name: &str) -> Result<R::Message, Error> {
    let name = checked_name::<R>(name)?;
    show_one(&desk.kit, resource::get::<R>(&desk.kit, caller, &name).await?).await
}

/// List. `parent` is empty where resources have none, and `things/-` for all parents.
pub async fn list<R: Declared>(
    desk: &Desk,
    caller: &Caller,
    request: page::Request<'_>,
    parent: &str,
    show_deleted: bool,
) -> Result<Page<R::Message>, Error> {
    let parent = prefix_under::<R>(parent)?;
    let page = resource::list::<R>(&desk.kit, caller, List { request, parent: &parent, show_deleted }).await?;
    Ok(Page { items: show_all(&desk.kit, &page.items).await?, next_page_token: page.next_page_token })
}

/// What the names of all resources under a parent begin with.
fn prefix_under<R: Declared>(parent: &str) -> Result<String, Error> {
    let Some((last, outer)) = R::WORDS.split_last().filter(|(_, outer)| !outer.is_empty()) else {
        return Ok(String::new());
    };
    let ids: Vec<&str> = parent.split('/').skip(1).step_by(2).collect();
    let words = parent.split('/').step_by(2);
    if ids.len() != outer.len() || !words.eq(outer.iter().copied()) {
        let shape = format!("{}/{{id}}", outer.join("/{id}/"));
        return Err(Error::invalid("parent", format!("'{parent}' is not a parent: write {shape}, with - for all")));
    }
    if ids.iter().all(|id| *id == "-") {
        return Ok(String::new());
    }
    Ok(format!("{parent}/{last}/"))
}

/// What a write came with besides the resource.
pub struct Write {
    /// Who calls.
    pub caller: Arc<Caller>,
    /// Identifies the request.
    pub key: Key,
    /// Tries everything and changes nothing.
    pub validate_only: bool,
    /// When the caller stops waiting for the answer. None: never.
    pub deadline: Option<Instant>,
}

/// Create. `parent` is empty where resources have none; `id` came in the field `{kind}_id`.
pub async fn create<R: Declared>(
    desk: &Desk,
    write: Write,
    parent: &str,
    id: &str,
    message: Option<&R::Message>,
) -> Result<R::Message, Error> {
    let under = prefix_under::<R>(parent)?;
    if under.is_empty() && R::WORDS.len() > 1 {
        return Err(Error::invalid("parent", "is not one parent: name the resource that this one belongs to"));
    }
    let name = if under.is_empty() { format!("{}/{id}", R::WORDS.concat()) } else { format!("{under}{id}") };
    let id = domain::name::Id::parse(&format!("{}_id", R::KIND), id)
        .map_err(|fault| vec![Violation::new(fault.field, fault.message)]);
    let body = match message {
        Some(message) => read::<R>(&name, message),
        None => Err(vec![Violation::new(R::KIND, "is required: give the resource to create")]),
    };
    let body = match (id, body) {
        (Ok(_), Ok(body)) => body,
        (Err(found), Ok(_)) | (Ok(_), Err(found)) => return Err(invalid(found)),
        (Err(id), Err(body)) => return Err(invalid([id, body].concat())),
    };
    let kit = desk.kit.clone();
    let stored = desk.kit.complete(async move {
        let Write { caller, key, validate_only, .. } = write;
        resource::create(&kit, &caller, Create { name, body, key, validate_only }).await
    });
    show_one(&desk.kit, stored.await?).await
}

/// Update: the populated fields, those that the mask names, or all of them.
pub async fn update<R: Declared>(
    desk: &Desk,
    write: Write,
    message: Option<R::Message>,
    mask: Option<FieldMask>,
) -> Result<R::Message, Error> {
    let mut message = message.ok_or_else(|| Error::invalid(R::KIND, "is required: give the resource to update"))?;
    let head = R::head(&mut message);
    let etag = std::mem::take(head.etag);
    let name = name_of::<R>(&format!("{}.name", R::KIND), head.name).map_err(|fault| invalid(vec![fault]))?;
    let output_only = [&HEAD, R::OUTPUT_ONLY].concat();
    let kit = desk.kit.clone();
    let stored = desk.kit.complete(async move {
        let Write { caller, key, validate_only, .. } = write;
        let change = Change { name: name.clone(), etag, verb: "updated", key, validate_only };
        let edit = |before: &Stored<R>, _| {
            let merged = crate::mask::apply(R::MESSAGE, &show(before), &message, mask.as_ref(), &output_only)?;
            read::<R>(&name, &merged).map_err(invalid)
        };
        resource::change(&kit, &caller, change, edit).await
    });
    show_one(&desk.kit, stored.await?).await
}

fn invalid(violations: Vec<Violation>) -> Error {
    Error::Invalid { reason: crate::error::FIELD_INVALID, violations }
}

/// Delete.
pub async fn delete<R: Declared>(desk: &Desk, write: Write, name: &str, etag: String) -> Result<R::Message, Error> {
    let name = checked_name::<R>(name)?;
    let kit = desk.kit.clone();
    let stored = desk.kit.complete(async move {
        let Write { caller, key, validate_only, .. } = write;
        resource::delete::<R>(&kit, &caller, Change { name, etag, verb: "deleted", key, validate_only }).await
    });
    show_one(&desk.kit, stored.await?).await
}

/// A method with a verb that changes the body: `edit` gets the resource and the present.
pub async fn change<R, F>(
    desk: &Desk,
    write: Write,
    name: &str,
    etag: String,
    verb: &'static str,
    edit: F,
) -> Result<R::Message, Error>
where
    R: Declared,
    F: Fn(&Stored<R>, Timestamp) -> Result<R, Error> + Send + Sync + 'static,
{
    let name = checked_name::<R>(name)?;
    let kit = desk.kit.clone();
    let stored = desk.kit.complete(async move {
        let Write { caller, key, validate_only, .. } = write;
        resource::change(&kit, &caller, Change { name, etag, verb, key, validate_only }, edit).await
    });
    show_one(&desk.kit, stored.await?).await
}

/// A revision with what its message needs besides the resource.
pub struct Published<M> {
    /// `widgets/a@1`.
    pub name: String,
    /// Number, from 1.
    pub revision: i32,
    /// When it takes effect.
    pub effective_time: prost_types::Timestamp,
    /// When it was published.
    pub publish_time: prost_types::Timestamp,
    /// Who published it.
    pub publisher: String,
    /// The resource as published.
    pub message: M,
}

/// Publish.
pub async fn publish<R: Declared + Revisioned>(
    desk: &Desk,
    write: Write,
    name: &str,
    etag: String,
    effective_time: Option<prost_types::Timestamp>,
) -> Result<Published<R::Message>, Error> {
    let name = checked_name::<R>(name)?;
    let mut reader = Reader::default();
    let effective_from = reader.timestamp("effective_time", effective_time.as_ref());
    reader.finish()?;
    let kit = desk.kit.clone();
    let revision = desk.kit.complete(async move {
        let Write { caller, key, validate_only, .. } = write;
        resource::publish::<R>(&kit, &caller, Publish { name, etag, effective_from, key, validate_only }).await
    });
    Ok(published(revision.await?))
}

/// The revisions of a resource, newest first.
pub async fn revisions<R: Declared + Revisioned>(
    desk: &Desk,
    caller: &Caller,
    name: &str,
    request: page::Request<'_>,
) -> Result<Page<Published<R::Message>>, Error> {
    let name = checked_name::<R>(name)?;
    let request = page::Request { order_by: "revision desc", ..request };
    Ok(resource::revisions::<R>(&desk.kit, caller, &name, request).await?.map(published))
}

fn published<R: Declared>(revision: Revision<R>) -> Published<R::Message> {
    let Revision { name, revision, effective_from, recorded_at, publisher, body } = revision;
    let mut message = body.show();
    let effective_time = wire::timestamp(effective_from);
    R::head(&mut message).name.clone_from(&name);
    R::show_revision(&mut message, revision, effective_time);
    Published {
        name: format!("{name}@{revision}"),
        revision,
        effective_time,
        publish_time: wire::timestamp(recorded_at),
        publisher,
        message,
    }
}

/// What a method of the generated traits returns.
pub type Answer<'a, M> = Pin<Box<dyn Future<Output = Result<tonic::Response<M>, tonic::Status>> + Send + 'a>>;

/// Makes the five standard methods of a resource inside `#[tonic::async_trait] impl …Service for …`, whose type has a
/// field `desk: Desk`; `pb` is the package in scope.
///
/// ```ignore
/// servicekit::standard_methods! {
///     "itsm.catalog.v1.PortfolioService/", store::Offering, pb::Offering { offering, offerings, offering_id, parent };
///     GetOffering get_offering GetOfferingRequest;
///     ListOfferings list_offerings ListOfferingsRequest ListOfferingsResponse;
///     CreateOffering create_offering CreateOfferingRequest;
///     UpdateOffering update_offering UpdateOfferingRequest;
///     DeleteOffering delete_offering DeleteOfferingRequest;
/// }
/// ```
#[macro_export]
macro_rules! standard_methods {
    (
        $service:literal, $resource:ty, $message:ty { $one:ident, $many:ident, $id:ident $(, $parent:ident)? };
        $Get:ident $get:ident $GetRequest:ident;
        $List:ident $list:ident $ListRequest:ident $ListResponse:ident;
        $Create:ident $create:ident $CreateRequest:ident;
        $Update:ident $update:ident $UpdateRequest:ident;
        $Delete:ident $delete:ident $DeleteRequest:ident;
    ) => {
        $crate::read_method! { $service, $Get $get(self, caller, request: pb::$GetRequest) -> $message {
            $crate::standard::get::<$resource>(&self.desk, &caller, &request.name).await
        } }
        $crate::read_method! { $service, $List $list(self, caller, request: pb::$ListRequest) -> pb::$ListResponse {
            let page = $crate::page::Request {
                method: concat!($service, stringify!($List)),
                page_size: request.page_size,
                page_token: &request.page_token,
                filter: &request.filter,
                order_by: &request.order_by,
                selection: "",
            };
            let parent = "";
            $(let parent = request.$parent.as_str();)?
            let page =
                $crate::standard::list::<$resource>(&self.desk, &caller, page, parent, request.show_deleted).await?;
            Ok(pb::$ListResponse { $many: page.items, next_page_token: page.next_page_token })
        } }
        $crate::write_method! { $service, $Create $create(self, write, request: pb::$CreateRequest) -> $message {
            let parent = "";
            $(let parent = request.$parent.as_str();)?
            $crate::standard::create::<$resource>(&self.desk, write, parent, &request.$id, request.$one.as_ref()).await
        } }
        $crate::write_method! { $service, $Update $update(self, write, request: pb::$UpdateRequest) -> $message {
            $crate::standard::update::<$resource>(&self.desk, write, request.$one, request.update_mask).await
        } }
        $crate::write_method! { $service, $Delete $delete(self, write, request: pb::$DeleteRequest) -> $message {
            $crate::standard::delete::<$resource>(&self.desk, write, &request.name, request.etag).await
        } }
    };
}

/// Makes the two methods of a resource that is published in revisions, where [`standard_methods!`] stands too.
///
/// ```ignore
/// servicekit::revision_methods! {
///     "itsm.catalog.v1.AgreementService/", store::Calendar, pb::CalendarRevision { calendar, calendar_revisions };
///     PublishCalendar publish_calendar PublishCalendarRequest;
///     ListCalendarRevisions list_calendar_revisions ListCalendarRevisionsRequest ListCalendarRevisionsResponse;
/// }
/// ```
#[macro_export]
macro_rules! revision_methods {
    (
        $service:literal, $resource:ty, $package:ident::$revision:ident { $one:ident, $many:ident };
        $Publish:ident $publish:ident $PublishRequest:ident;
        $List:ident $list:ident $ListRequest:ident $ListResponse:ident;
    ) => {
        $crate::write_method! { $service, $Publish $publish(self, write, request: pb::$PublishRequest) -> pb::$revision {
            let (name, time) = (&request.name, request.effective_time);
            let published =
                $crate::standard::publish::<$resource>(&self.desk, write, name, request.etag, time).await?;
            Ok($crate::revision_message!($package::$revision { $one }, published))
        } }
        $crate::read_method! { $service, $List $list(self, caller, request: pb::$ListRequest) -> pb::$ListResponse {
            let page = $crate::page::Request {
                method: concat!($service, stringify!($List)),
                page_size: request.page_size,
                page_token: &request.page_token,
                ..$crate::page::Request::default()
            };
            let page = $crate::standard::revisions::<$resource>(&self.desk, &caller, &request.name, page).await?;
            let shown = page.map(|published| $crate::revision_message!($package::$revision { $one }, published));
            Ok(pb::$ListResponse { $many: shown.items, next_page_token: shown.next_page_token })
        } }
    };
}

/// The message of a revision out of [`Published`].
#[macro_export]
macro_rules! revision_message {
    ($package:ident::$revision:ident { $one:ident }, $published:expr) => {{
        let published = $published;
        $package::$revision {
            name: published.name,
            revision: published.revision,
            effective_time: Some(published.effective_time),
            publish_time: Some(published.publish_time),
            publisher: published.publisher,
            $one: Some(published.message),
        }
    }};
}

/// Makes one method that reads, inside `#[tonic::async_trait] impl …`: the body gets the caller, whom the edge has let in,
/// and gives a `Result` of answer and [`Error`].
#[macro_export]
macro_rules! read_method {
    (
        $service:literal, $Method:ident $method:ident($self:ident, $caller:ident, $request:ident: $Request:ty)
        -> $answer:ty $body:block
    ) => {
        fn $method<'a, 'async_trait>(
            &'a $self,
            request: tonic::Request<$Request>,
        ) -> $crate::standard::Answer<'async_trait, $answer>
        where
            'a: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async move {
                let $caller = $crate::Caller::of(&request)?;
                let $request = request.into_inner();
                let answer: Result<$answer, $crate::Error> = async move { $body }.await;
                Ok(tonic::Response::new(answer?))
            })
        }
    };
}

/// As [`read_method!`], for a method that writes: the body gets a [`Write`], and the request without its id.
#[macro_export]
macro_rules! write_method {
    (
        $service:literal, $Method:ident $method:ident($self:ident, $write:ident, $request:ident: $Request:ty)
        -> $answer:ty $body:block
    ) => {
        $crate::read_method! { $service, $Method $method($self, caller, $request: $Request) -> $answer {
            let mut $request = $request;
            let (id, validate_only) = (std::mem::take(&mut $request.request_id), $request.validate_only);
            let method = concat!($service, stringify!($Method));
            let $write = $self.desk.write(caller, method, &id, validate_only, &$request)?;
            $body
        } }
    };
}
