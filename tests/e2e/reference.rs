//! What integrators look up: `docs/reference.md` and `proto/service_config.json` are what the code says.
//! `ITSM_WRITE_DOCS=1 cargo test -p testkit --test e2e reference` writes both anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use domain::filter::{self, Context, Field, Kind};
use jiff::Timestamp;
use prost_reflect::{DescriptorPool, MethodDescriptor, Value};
use serde_json::json;
use servicekit::filter::Filtered;
use servicekit::metrics::code_name;
use servicekit::{config, idempotency, journal, page, serve, webhook, writer};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares the file with what it should hold, or writes it when the environment asks for that.
fn hold(file: &str, wanted: &str) {
    let path = root().join(file);
    if std::env::var_os("ITSM_WRITE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let stale = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "{file} is stale ({stale:?}): run ITSM_WRITE_DOCS=1 cargo test -p testkit --test e2e reference"
    );
}

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

fn path(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

fn filtered() -> Vec<Filtered> {
    [catalog::filters(), operations::filters(), supplier::filters(), journal::filters(), webhook::filters()].concat()
}

/// A value that the description of a field shows: `tickets/INC-000042` of "resource name: tickets/INC-000042".
fn shown(field: &Field) -> Option<&str> {
    let (_, rest) = field.description.split_once(": ")?;
    let value = rest.split([';', ',']).next()?.trim();
    (!value.is_empty() && !value.contains(' ')).then_some(value)
}

/// A restriction that a caller could write on the field.
fn example(field: &Field) -> String {
    let name = &field.name;
    match &field.kind {
        Kind::String => format!("{name} = \"{}\"", shown(field).unwrap_or("mail*")),
        Kind::Integer => format!("{name} <= 2"),
        Kind::Decimal => format!("{name} > 99.50"),
        Kind::Bool => format!("{name} = true"),
        Kind::Timestamp => format!("{name} > now() - 7d"),
        Kind::Duration => format!("{name} > 4h"),
        Kind::Enum(values) => format!("{name} = {}", values[0]),
        Kind::StringList => format!("{name}:\"mail\""),
    }
}

fn filters(text: &mut String) {
    text.push_str(
        "## Filters\n\n\
         `filter` follows [AIP-160](https://google.aip.dev/160): `AND`, `OR` (which binds tighter), `NOT` or `-`, \
         parentheses, the comparisons below, `:` for \"has\" (`field:*`: is set), `*` in quoted texts for any run of \
         characters. Times are RFC 3339, lengths of time a number with `s`, `m`, `h` or `d`; `now()` with or without \
         `- 7d` is the instant of the first page, `me` the caller. An unset field meets no comparison. What cannot \
         be read is refused with FILTER_INVALID, which names field and column. `order_by` takes the fields marked ⇅, \
         each with `desc` if wanted.\n",
    );
    let mut shown: Vec<(Vec<&str>, Filtered)> = Vec::new();
    for (method, fields) in filtered() {
        match shown.iter_mut().find(|(_, (_, known))| std::ptr::eq(*known, fields)) {
            Some((methods, _)) => methods.push(method),
            None => shown.push((vec![method], (method, fields))),
        }
    }
    let context = Context { now: Timestamp::UNIX_EPOCH, me: Some("people/ann".to_owned()) };
    for (methods, (_, fields)) in shown {
        let names: Vec<_> = methods.iter().map(|method| format!("`{method}`")).collect();
        let _ = write!(text, "\n### {}\n\n", names.join(", "));
        text.push_str("| field | holds | comparisons | example | what it is |\n|---|---|---|---|---|\n");
        for field in fields.schema().fields() {
            let example = example(field);
            filter::compile(&example, fields.schema(), &context)
                .unwrap_or_else(|fault| panic!("the example of {methods:?} is wrong: {example}: {fault}"));
            let kind = match &field.kind {
                Kind::Enum(values) => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
                kind => kind.label().to_owned(),
            };
            let signs = field.kind.comparisons().iter().map(|comparison| format!("`{}`", comparison.symbol()));
            let signs: Vec<_> = signs.chain(["`:`".to_owned()]).collect();
            let _ = writeln!(
                text,
                "| `{}`{} | {kind} | {} | `{example}` | {} |",
                field.name,
                if field.orderable { " ⇅" } else { "" },
                signs.join(" "),
                field.description.replace('|', "\\|"),
            );
        }
    }
}

fn reasons() -> Vec<(&'static str, &'static [servicekit::error::Reason])> {
    vec![
        ("Every server", servicekit::error::REASONS),
        ("Catalog", catalog::error::REASONS),
        ("Operations", operations::error::REASONS),
    ]
}

fn errors(text: &mut String) {
    text.push_str(
        "\n## Errors\n\n\
         Every refusal carries `google.rpc.ErrorInfo` with domain `itsm`, one of these reasons, which are never \
         renamed, and metadata; the message is for people. Besides: `BadRequest` with every field that is wrong under \
         INVALID_ARGUMENT, `PreconditionFailure` under FAILED_PRECONDITION, `ResourceInfo` where one resource is meant, \
         `RetryInfo` where another attempt makes sense. After DEADLINE_EXCEEDED and UNAVAILABLE a write may have \
         happened: repeat it with the same `request_id`.\n",
    );
    for (who, reasons) in reasons() {
        let _ = write!(text, "\n### {who}\n\n| reason | code | meaning | metadata |\n|---|---|---|---|\n");
        for reason in reasons {
            let keys: Vec<_> = reason.metadata.iter().map(|key| format!("`{key}`")).collect();
            let _ = writeln!(
                text,
                "| `{}` | `{}` | {} | {} |",
                reason.name,
                code_name(reason.code),
                reason.meaning,
                keys.join(" ")
            );
        }
    }
}

fn limits(text: &mut String) {
    text.push_str(
        "\n## Limits\n\nThose in bold are told by `ServerService/GetServerInfo`.\n\n\
         | what | limit | beyond it |\n|---|---|---|\n",
    );
    let rows = [
        ("**bytes of a message**", serve::MAX_MESSAGE_BYTES.to_string(), "MESSAGE_TOO_LARGE"),
        ("**items of a page**", page::MAX_SIZE.to_string(), "as many as the limit"),
        ("**items of a page when `page_size` is 0**", page::DEFAULT_SIZE.to_string(), ""),
        ("**requests or rows of a batch**", serve::MAX_BATCH.to_string(), "FIELD_INVALID"),
        ("**characters of a filter**", filter::MAX_LENGTH.to_string(), "FILTER_INVALID"),
        ("**parentheses around a restriction**", filter::MAX_DEPTH.to_string(), "FILTER_INVALID"),
        ("restrictions of a filter", filter::MAX_TERMS.to_string(), "FILTER_INVALID"),
        (
            "**hours that a request id is remembered**",
            (idempotency::RETENTION.as_secs() / 3_600).to_string(),
            "a repetition is a new request",
        ),
        ("calls under way on one connection", serve::MAX_STREAMS.to_string(), "further ones wait"),
        (
            "streams of one caller, unless `--caller-streams` says otherwise",
            config::CALLER_STREAMS.to_string(),
            "STREAMS_EXCEEDED",
        ),
        ("watchers of one server's journal", journal::MAX_WATCHERS.to_string(), "TOO_BUSY"),
        ("import streams of tickets under way", operations::usecase::MAX_IMPORTS.to_string(), "further ones wait"),
        ("webhooks of one server", webhook::MOST.to_string(), "LIMIT_REACHED"),
        ("tickets of the period of a simulation", catalog::MAX_TICKETS.to_string(), "PERIOD_TOO_LARGE"),
        ("writes of tickets that wait", writer::QUEUE.to_string(), "TOO_BUSY"),
    ];
    for (what, limit, beyond) in rows {
        let beyond = if beyond.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !beyond.is_empty() {
            format!("`{beyond}`")
        } else {
            beyond.to_owned()
        };
        let _ = writeln!(text, "| {what} | {limit} | {beyond} |");
    }
}

#[test]
fn the_reference_page_is_what_the_code_says() {
    let mut text = "# Reference\n\n\
        What may be filtered, why something is refused, and how much is taken. Written by \
        `tests/e2e/reference.rs` from the code, and compared with it in every test run.\n\n"
        .to_owned();
    filters(&mut text);
    errors(&mut text);
    limits(&mut text);
    hold("docs/reference.md", &text);
}

#[test]
fn every_method_with_a_filter_says_what_it_may_name() {
    let has_filter = |method: &&MethodDescriptor| method.input().get_field_by_name("filter").is_some();
    let in_contract: BTreeSet<_> = methods().iter().filter(has_filter).map(path).collect();
    let stated: BTreeSet<_> = filtered().iter().map(|(method, _)| (*method).to_owned()).collect();
    assert_eq!(in_contract, stated);
}

/// Every `with("key", …)` in the sources of the services.
#[test]
fn every_key_of_metadata_stands_in_the_table() {
    let stated: BTreeSet<_> =
        reasons().iter().flat_map(|(_, reasons)| *reasons).flat_map(|reason| reason.metadata).copied().collect();
    let crates = ["servicekit", "catalog", "operations", "supplier"];
    let mut folders: Vec<_> = crates.iter().map(|name| root().join("services").join(name)).collect();
    let mut strays = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                let keys = text.split(".with(\"").skip(1).filter_map(|rest| rest.split('"').next());
                for key in keys.filter(|key| !stated.contains(key)) {
                    strays.insert(key.to_owned(), entry.clone());
                }
            }
        }
    }
    // Violations of fields say which fields they are about, so that this one never travels.
    strays.remove("fields");
    assert!(strays.is_empty(), "name these keys in the reasons they come with: {strays:?}");
}

/// Reads may be repeated; writes are only because their request id makes the repetition the same request.
fn service_config() -> serde_json::Value {
    let mut reads = Vec::new();
    let mut writes = Vec::new();
    let mut streams = Vec::new();
    for method in methods() {
        let name = json!({ "service": method.parent_service().full_name(), "method": method.name() });
        let options = method.options();
        let level = options.get_field_by_name("idempotency_level").map(|value| value.into_owned());
        if method.is_client_streaming() || method.is_server_streaming() {
            streams.push(name);
        } else if level == Some(Value::EnumNumber(1)) {
            reads.push(name);
        } else {
            assert!(
                method.input().get_field_by_name("request_id").is_some() || method.name().starts_with("BatchImport"),
                "{} is neither a read nor a write that can be repeated",
                method.full_name()
            );
            writes.push(name);
        }
    }
    let retry = |attempts: u32| {
        json!({
            "maxAttempts": attempts,
            "initialBackoff": "0.1s",
            "maxBackoff": "2s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        })
    };
    json!({
        "methodConfig": [
            { "name": reads, "timeout": "10s", "waitForReady": true, "retryPolicy": retry(4) },
            { "name": writes, "timeout": "15s", "waitForReady": true, "retryPolicy": retry(4) },
            { "name": streams, "waitForReady": true },
        ],
        "retryThrottling": { "maxTokens": 10, "tokenRatio": 0.1 },
    })
}

#[test]
fn the_service_config_has_every_method_once() {
    let text = serde_json::to_string_pretty(&service_config()).unwrap();
    hold("proto/service_config.json", &format!("{text}\n"));
}
