//! The shape of the house: which crate may know which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate may know of ours. An arrow that is not here is a decision for ARCHITECTURE.md first.
const ARROWS: [(&str, &[&str]); 9] = [
    ("proto", &[]),
    ("domain", &[]),
    ("servicekit", &["domain", "proto"]),
    ("catalog", &["domain", "proto", "servicekit"]),
    ("operations", &["domain", "proto", "servicekit"]),
    ("supplier", &["domain", "proto", "servicekit"]),
    ("reporting", &["domain"]),
    ("itsm", &["catalog", "domain", "operations", "proto", "reporting", "servicekit", "supplier"]),
    ("testkit", &["catalog", "domain", "itsm", "operations", "proto", "reporting", "servicekit", "supplier"]),
];

/// What does IO, and so has no place under the pure core.
const IMPURE: [&str; 6] = ["tokio", "tonic", "prost", "diesel", "tracing", "tokio-postgres"];

/// The workspace as built on this platform: crates of other platforms may never have been downloaded.
fn metadata() -> cargo_metadata::Metadata {
    let version = std::process::Command::new("rustc").arg("-vV").output().expect("rustc tells its version").stdout;
    let version = String::from_utf8(version).expect("rustc writes text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let options = ["--offline", "--locked", "--filter-platform", host];
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .other_options(options.map(str::to_owned))
        .exec()
        .expect("cargo knows the workspace")
}

#[test]
fn crates_know_only_what_the_architecture_lets_them() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let allowed: BTreeMap<_, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    assert_eq!(ours, allowed.keys().map(ToString::to_string).collect(), "a crate came or went");
    for package in metadata.workspace_packages() {
        let known: BTreeSet<_> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| ours.contains(*name))
            .collect();
        let stray: Vec<_> = known.difference(&allowed[package.name.as_str()]).collect();
        assert!(stray.is_empty(), "{} must not know {stray:?}", package.name);
    }
}

#[test]
fn the_core_does_no_io() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("the graph was asked for");
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|package| (&package.id, package.name.as_str())).collect();
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let domain = metadata.packages.iter().find(|package| package.name.as_str() == "domain").expect("the core exists");

    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([&domain.id]);
    while let Some(id) = queue.pop_front() {
        if !seen.insert(id) {
            continue;
        }
        let normal = |dependency: &&cargo_metadata::NodeDep| {
            dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
        };
        queue.extend(nodes[id].deps.iter().filter(normal).map(|dependency| &dependency.pkg));
    }
    let impure: Vec<_> = seen.iter().map(|id| names[id]).filter(|name| IMPURE.contains(name)).collect();
    assert!(impure.is_empty(), "domain reaches {impure:?}");
}
