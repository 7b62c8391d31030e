//! The kinds of resources that files can state: whatever the contract gives Get, List, Create, Update and Delete, with
//! an id that the caller chooses. Read out of the contract, so that a kind that is new there is known here.

use std::collections::BTreeMap;

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind as FieldKind, MessageDescriptor,
    MethodDescriptor, ReflectMessage as _, ServiceDescriptor,
};

use crate::import::Problem;

/// Packages that have a server of their own, in the order in which kinds are listed.
pub const SERVERS: [(&str, &str); 3] =
    [("itsm.catalog.v1", "catalog"), ("itsm.supplier.v1", "supplier"), ("itsm.operations.v1", "operations")];

/// Verbs that move a resource along its life, and the state each leads to.
const VERBS: [(&str, &str); 2] = [("Activate", "LIVE"), ("Retire", "RETIRED")];

/// What the comment of a field says that only the server sets.
const SET_BY_SERVER: &str = "Set by the server";

/// A kind of resource.
#[derive(Debug)]
pub struct Kind {
    /// Its name: `CostEntry`.
    pub name: String,
    /// The server that has it: `catalog`.
    pub server: &'static str,
    /// Its message.
    pub message: MessageDescriptor,
    /// The field of requests that holds it: `cost_entry`.
    pub field: String,
    /// The field of answers that holds several: `cost_entries`.
    pub plural: String,
    /// First word of its names, or the one after the parent: `costEntries`.
    pub collection: String,
    /// Every parent at once, as lists take it: `services/-`. None: names have no parent before them.
    pub parents: Option<String>,
    /// Fields that a client may set.
    pub settable: Vec<FieldDescriptor>,
    /// The states of its life in their order, each with the method that leads to it. Empty: it has none to move along.
    pub states: Vec<State>,
    /// How it is published in revisions, if it is.
    pub publication: Option<Publication>,
    /// The standard methods.
    pub methods: Standard,
}

/// A state of a life.
#[derive(Debug)]
pub struct State {
    /// Its name: `LIVE`.
    pub name: String,
    /// The method that leads to it from the state before: `ActivateService`. None: a resource begins there.
    pub method: Option<MethodDescriptor>,
}

/// The methods of revisions.
#[derive(Debug)]
pub struct Publication {
    /// Publishes.
    pub publish: MethodDescriptor,
    /// Lists what was published.
    pub list: MethodDescriptor,
}

/// The standard methods of a kind.
#[derive(Debug)]
pub struct Standard {
    /// Get.
    pub get: MethodDescriptor,
    /// List.
    pub list: MethodDescriptor,
    /// Create.
    pub create: MethodDescriptor,
    /// Update.
    pub update: MethodDescriptor,
    /// Delete.
    pub delete: MethodDescriptor,
}

impl Kind {
    /// The name of the resource of this kind with that id, under a parent if there is one.
    pub fn name_of(&self, parent: &str, id: &str) -> String {
        let under = if parent.is_empty() { String::new() } else { format!("{parent}/") };
        format!("{under}{}/{id}", self.collection)
    }
}

/// The short word for the state that a resource is in: `LIVE`.
pub fn state_of(resource: &DynamicMessage) -> Option<String> {
    let field = resource.descriptor().get_field_by_name("state")?;
    let FieldKind::Enum(values) = field.kind() else { return None };
    let number = resource.get_field(&field).as_enum_number()?;
    Some(short(&values, values.get_value(number)?.name()).to_owned())
}

/// A value of an enum without the enum's own name before it: `LIVE` for `SERVICE_STATE_LIVE`.
pub fn short<'a>(values: &EnumDescriptor, name: &'a str) -> &'a str {
    let prefix = upper(values.name());
    name.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name)
}

/// `ServiceState` as `SERVICE_STATE`.
fn upper(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// Every kind, by server and then in the order of the contract.
pub fn all() -> Result<Vec<Kind>, Problem> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS)
        .map_err(|error| Problem::new(format!("the contract cannot be read: {error}")))?;
    let mut kinds = Vec::new();
    for (package, server) in SERVERS {
        let mut services: Vec<_> =
            pool.services().filter(|service| service.parent_file().package_name() == package).collect();
        services.sort_by(|a, b| a.parent_file().name().cmp(b.parent_file().name()));
        for service in services {
            let methods: BTreeMap<String, MethodDescriptor> =
                service.methods().map(|method| (method.name().to_owned(), method)).collect();
            for method in service.methods() {
                if let Some(name) = method.name().strip_prefix("Get") {
                    kinds.extend(kind(name, server, &service, &methods));
                }
            }
        }
    }
    Ok(kinds)
}

fn kind(
    name: &str,
    server: &'static str,
    service: &ServiceDescriptor,
    methods: &BTreeMap<String, MethodDescriptor>,
) -> Option<Kind> {
    let method = |verb: &str| methods.get(&format!("{verb}{name}")).cloned();
    let (get, create, update, delete) = (method("Get")?, method("Create")?, method("Update")?, method("Delete")?);
    let message = get.output();
    let holds = |descriptor: &MessageDescriptor, many: bool| {
        descriptor.fields().find(|field| field.is_list() == many && field.kind().as_message() == Some(&message))
    };
    let field = holds(&create.input(), false)?.name().to_owned();
    create.input().get_field_by_name(&format!("{field}_id"))?;
    let lists = |method: &MethodDescriptor| {
        method.name().starts_with("List") && method.input().get_field_by_name("show_deleted").is_some()
    };
    let (list, several) = service
        .methods()
        .filter(lists)
        .find_map(|method| holds(&method.output(), true).map(|several| (method.clone(), several)))?;
    let publication = method("Publish")
        .zip(methods.get(&format!("List{name}Revisions")).cloned())
        .map(|(publish, list)| Publication { publish, list });
    Some(Kind {
        name: name.to_owned(),
        server,
        settable: message.fields().filter(|field| !is_set_by_server(field)).collect(),
        states: states(&message, &method),
        field,
        plural: several.name().to_owned(),
        collection: several.json_name().to_owned(),
        parents: create.input().get_field_by_name("parent").map(|parent| every(&comment(&parent))),
        publication,
        message,
        methods: Standard { get, list, create, update, delete },
    })
}

/// The states of a kind's life, if it has methods that lead from one to the next.
fn states(message: &MessageDescriptor, method: &impl Fn(&str) -> Option<MethodDescriptor>) -> Vec<State> {
    let Some(FieldKind::Enum(values)) = message.get_field_by_name("state").map(|field| field.kind()) else {
        return Vec::new();
    };
    let states: Vec<State> = values
        .values()
        .filter(|value| value.number() != 0)
        .map(|value| {
            let name = short(&values, value.name()).to_owned();
            let verb = VERBS.iter().find(|(_, state)| *state == name);
            State { method: verb.and_then(|(verb, _)| method(verb)), name }
        })
        .collect();
    if states.iter().any(|state| state.method.is_some()) { states } else { Vec::new() }
}

fn is_set_by_server(field: &FieldDescriptor) -> bool {
    comment(field).contains(SET_BY_SERVER)
}

/// What the contract says of a field, in one line.
fn comment(field: &FieldDescriptor) -> String {
    let file = field.parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == field.path()));
    location.map(|location| location.leading_comments().replace('\n', " ")).unwrap_or_default()
}

/// The name that stands in quotes in a comment, with `-` for each id.
fn every(comment: &str) -> String {
    let name = comment.split('"').nth(1).unwrap_or_default();
    let parts = name.split('/').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "-" });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Kind {
        all().unwrap().into_iter().find(|kind| kind.name == name).unwrap()
    }

    #[test]
    fn kinds_and_what_can_be_said_of_them_come_from_the_contract() {
        let entry = find("CostEntry");
        assert_eq!(
            (entry.server, entry.field.as_str(), entry.plural.as_str()),
            ("catalog", "cost_entry", "cost_entries")
        );
        assert_eq!(entry.name_of("", "a"), "costEntries/a");
        let offering = find("Offering");
        assert_eq!((offering.parents.as_deref(), entry.parents), (Some("services/-"), None));
        assert_eq!(offering.name_of("services/email", "mailbox"), "services/email/offerings/mailbox");
        let service = find("Service");
        let settable: Vec<_> = service.settable.iter().map(|field| field.name().to_owned()).collect();
        assert!(settable.contains(&"owner".to_owned()));
        for set_by_server in ["name", "uid", "etag", "create_time", "update_time", "delete_time", "state"] {
            assert!(!settable.contains(&set_by_server.to_owned()), "{set_by_server}");
        }
        let path: Vec<_> = service.states.iter().map(|state| (state.name.as_str(), state.method.is_some())).collect();
        assert_eq!(path, [("PIPELINE", false), ("LIVE", true), ("RETIRED", true)]);
        let contract = find("Contract");
        assert!(contract.publication.is_some() && contract.states.is_empty());
        assert!(!contract.settable.iter().any(|field| ["revision", "effective_time"].contains(&field.name())));
    }

    #[test]
    fn what_a_caller_does_not_name_is_no_kind() {
        let names: Vec<_> = all().unwrap().into_iter().map(|kind| kind.name).collect();
        for other in ["Ticket", "Webhook", "Import", "ServerInfo"] {
            assert!(!names.contains(&other.to_owned()), "{other}");
        }
    }
}
