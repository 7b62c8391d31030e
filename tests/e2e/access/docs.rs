//! What docs/access.md says is what the code does.

use std::collections::BTreeMap;
use std::fmt::Write as _;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/access.md");
const BEGIN: &str = "<!-- made of the tables of permissions: begin -->\n";
const END: &str = "<!-- made of the tables of permissions: end -->\n";

/// Roles and what they may call, as a table in Markdown.
fn table() -> String {
    let tables = [catalog::PERMISSIONS, operations::PERMISSIONS, supplier::PERMISSIONS, servicekit::serve::PERMISSIONS];
    let mut roles: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for (method, role) in tables.into_iter().flatten() {
        let (service, method) = method.split_once('/').unwrap();
        let service = service.rsplit_once('.').unwrap().1;
        roles.entry(role).or_default().entry(service).or_default().push(method);
    }
    let mut text = "| role | may call |\n|---|---|\n".to_owned();
    for (role, services) in roles {
        let role = if role.is_empty() { "every caller".to_owned() } else { format!("`{role}`") };
        let services: Vec<_> =
            services.into_iter().map(|(service, methods)| format!("{service}: {}", methods.join(", "))).collect();
        let _ = writeln!(text, "| {role} | {} |", services.join("; "));
    }
    text
}

#[test]
fn the_table_of_roles_is_that_of_the_code() {
    let text = std::fs::read_to_string(PATH).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("docs/access.md marks where the table begins");
    let (found, after) = rest.split_once(END).expect("docs/access.md marks where the table ends");
    if std::env::var_os("ITSM_WRITE_DOCS").is_some() {
        std::fs::write(PATH, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
        return;
    }
    assert_eq!(found, table(), "run this test once with ITSM_WRITE_DOCS=1");
}

#[test]
fn every_reason_for_a_refusal_and_every_algorithm_is_named() {
    let text = std::fs::read_to_string(PATH).unwrap();
    let reasons = servicekit::error::REASONS.iter();
    let refusals = reasons.filter(|reason| {
        let of_access = ["KEYS_UNAVAILABLE", "PERMISSION_DENIED"].contains(&reason.name);
        reason.code == tonic::Code::Unauthenticated || of_access
    });
    for name in refusals.map(|reason| reason.name).chain(servicekit::auth::ALGORITHMS) {
        assert!(text.contains(name), "docs/access.md does not name {name}");
    }
}
