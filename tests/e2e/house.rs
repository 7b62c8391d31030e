//! The shape of the house: which crate may know which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::process::Command;

use serde::Deserialize;

/// What each crate may know of ours. An arrow that is not here is a decision for ARCHITECTURE.md first.
const ARROWS: [(&str, &[&str]); 10] = [
    ("proto", &[]),
    ("domain", &[]),
    ("servicekit", &["domain", "proto"]),
    ("catalog", &["domain", "proto", "servicekit"]),
    ("operations", &["domain", "proto", "servicekit"]),
    ("supplier", &["domain", "proto", "servicekit"]),
    ("pdf", &[]),
    ("reporting", &["domain", "pdf"]),
    ("itsm", &["catalog", "domain", "operations", "proto", "reporting", "servicekit", "supplier"]),
    ("testkit", &["catalog", "domain", "itsm", "operations", "proto", "reporting", "servicekit", "supplier"]),
];

/// What does IO, and so has no place under the pure core.
const IMPURE: [&str; 6] = ["tokio", "tonic", "prost", "diesel", "tracing", "tokio-postgres"];

/// What `cargo metadata` tells of the workspace, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Empty: a normal one.
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    /// Empty: a normal one.
    kind: Option<String>,
}

/// The workspace as built on this platform: crates of other platforms may never have been downloaded.
fn metadata() -> Metadata {
    let version = output(Command::new("rustc").arg("-vV"));
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let told = output(Command::new(env!("CARGO")).args([
        "metadata",
        "--format-version=1",
        "--offline",
        "--locked",
        "--filter-platform",
        host,
        "--manifest-path",
        manifest,
    ]));
    serde_json::from_str(&told).expect("cargo tells of the workspace")
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the toolchain runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the toolchain writes text")
}

#[test]
fn crates_know_only_what_the_architecture_lets_them() {
    let metadata = metadata();
    let ours = || metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id));
    let names: BTreeSet<&str> = ours().map(|package| package.name.as_str()).collect();
    let allowed: BTreeMap<_, BTreeSet<&str>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    assert_eq!(names, allowed.keys().copied().collect(), "a crate came or went");
    for package in ours() {
        let known: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
            .map(|dependency| dependency.name.as_str())
            .filter(|name| names.contains(name))
            .collect();
        let stray: Vec<_> = known.difference(&allowed[package.name.as_str()]).collect();
        assert!(stray.is_empty(), "{} must not know {stray:?}", package.name);
    }
}

#[test]
fn the_core_does_no_io() {
    let metadata = metadata();
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
    let nodes: BTreeMap<_, _> = metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let domain = metadata.packages.iter().find(|package| package.name == "domain").expect("the core exists");

    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([domain.id.as_str()]);
    while let Some(id) = queue.pop_front() {
        if !seen.insert(id) {
            continue;
        }
        let normal = |edge: &&Edge| edge.dep_kinds.iter().any(|of| of.kind.is_none());
        queue.extend(nodes[id].deps.iter().filter(normal).map(|edge| edge.pkg.as_str()));
    }
    let impure: Vec<_> = seen.iter().map(|id| names[id]).filter(|name| IMPURE.contains(name)).collect();
    assert!(impure.is_empty(), "domain reaches {impure:?}");
}
