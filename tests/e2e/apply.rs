//! Resources as files: planned, applied, pruned and exported by the program, against real servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use itsm::import::{Input, contracts, costs};
use proto::catalog::v1 as pb;
use proto::catalog::v1::agreement_service_client::AgreementServiceClient;
use proto::catalog::v1::portfolio_service_client::PortfolioServiceClient;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase};

/// Three servers on a database of their own.
struct Estate {
    database: TestDatabase,
    catalog: Running,
    operations: Running,
    supplier: Running,
}

impl Estate {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let place = config::Database::at(database.url());
        let catalog = Running::insecure(catalog::build(&place).await).await;
        let operations = Running::insecure(operations::build(&place).await).await;
        let supplier = Running::insecure(supplier::build(&place).await).await;
        Self { database, catalog, operations, supplier }
    }

    /// Runs the program against these servers.
    fn itsm(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_itsm-under-test"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ITSM_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .env("ITSM_CATALOG", self.catalog.address().to_string())
            .env("ITSM_OPERATIONS", self.operations.address().to_string())
            .env("ITSM_SUPPLIER", self.supplier.address().to_string())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.itsm(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a run that failed said on stderr.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.itsm(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn plan(&self, files: &Path) -> String {
        self.done(&["apply", files.to_str().unwrap(), "--plan"])
    }

    fn apply(&self, files: &Path) -> String {
        self.done(&["apply", files.to_str().unwrap()])
    }

    /// How many facts each journal holds.
    async fn facts(&self) -> i64 {
        let client = self.database.connect().await;
        let count = "SELECT (SELECT count(*) FROM catalog.journal) + (SELECT count(*) FROM supplier.journal) \
                     + (SELECT count(*) FROM operations.journal)";
        client.query_one(count, &[]).await.unwrap().get(0)
    }
}

/// The files of the demo, to be edited.
fn overlay(scratch: &Scratch) -> PathBuf {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/overlay");
    let folder = scratch.join("overlay");
    fs::create_dir(&folder).unwrap();
    for file in fs::read_dir(shipped).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    folder
}

fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_twice_nothing_is_left_to_do_and_an_edit_is_named_exactly() {
    let (estate, scratch) = (Estate::new().await, Scratch::new());
    let folder = overlay(&scratch);
    let planned = estate.plan(&folder);
    assert!(planned.contains("create      services/printing\n"), "{planned}");
    let before = estate.facts().await;
    assert_eq!(estate.plan(&folder), planned, "a plan changes nothing");
    assert_eq!(estate.facts().await, before);

    let told = estate.apply(&folder);
    assert!(told.starts_with(&planned), "{told}");
    assert!(told.contains("published   agreements/standard-service-level\n"), "{told}");
    let applied = estate.facts().await;
    assert!(estate.plan(&folder).starts_with("nothing to do"));
    assert!(estate.apply(&folder).starts_with("nothing to do"));
    assert_eq!(estate.facts().await, applied, "a second run writes nothing");

    edit(&folder, "services.yaml", "display_name: Printing\n", "display_name: Printing and scanning\n");
    let expected = "update      services/printing\n              display_name: Printing -> Printing and scanning\n\nplan: 1 to update\n";
    assert_eq!(estate.plan(&folder), expected);
    // What the file leaves out is not there.
    edit(&folder, "services.yaml", "    warranty: Replaced within three working days.\n", "");
    assert_eq!(
        estate.plan(&folder),
        "update      services/workplace-devices\n              warranty: Replaced within three working days. is taken out\n\
         update      services/printing\n              display_name: Printing -> Printing and scanning\n\
         \nplan: 2 to update\n"
    );
    estate.apply(&folder);
    assert!(estate.plan(&folder).starts_with("nothing to do"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_revision_is_followed_and_never_edited() {
    let (estate, scratch) = (Estate::new().await, Scratch::new());
    let folder = overlay(&scratch);
    estate.apply(&folder);

    let agreement = "- kind: Agreement\n  id: standard-service-level\n  effective_time: 2016-01-01\n";
    edit(&folder, "promises.yaml", agreement, &agreement.replace("2016-01-01", "2016-02-01"));
    let refused = estate.refused(&["apply", folder.to_str().unwrap()]);
    assert!(
        refused.contains("Agreement standard-service-level: effective_time: says 2016-02-01T00:00:00Z, but revision 1 is in force since 2016-01-01T00:00:00Z, and when a revision takes effect never changes"),
        "{refused}"
    );
    edit(&folder, "promises.yaml", &agreement.replace("2016-01-01", "2016-02-01"), agreement);

    edit(&folder, "promises.yaml", "priorities: [1], target: 15m", "priorities: [1], target: 10m");
    let planned = estate.plan(&folder);
    assert_eq!(
        planned,
        "update      agreements/standard-service-level\n              objectives[p1-response].target: 15m -> 10m\n\
         publish     agreements/standard-service-level as revision 2, in force from now\n\
         \nplan: 1 to update, 1 to publish\n"
    );
    estate.apply(&folder);
    assert!(estate.plan(&folder).starts_with("nothing to do"));
    let mut agreements = AgreementServiceClient::new(estate.catalog.channel().await);
    let name = "agreements/standard-service-level".to_owned();
    let request = pb::ListAgreementRevisionsRequest { name, ..Default::default() };
    let revisions = agreements.list_agreement_revisions(request).await.unwrap().into_inner().agreement_revisions;
    let targets: Vec<_> = revisions
        .iter()
        .map(|revision| (revision.revision, revision.agreement.as_ref().unwrap().objectives[0].target.unwrap().seconds))
        .collect();
    assert_eq!(targets, [(2, 600), (1, 900)]);

    edit(&folder, "promises.yaml", "priorities: [1], target: 10m", "priorities: [1], target: 5m");
    edit(&folder, "promises.yaml", agreement, &agreement.replace("2016-01-01", "2017-01-01"));
    let refused = estate.refused(&["apply", folder.to_str().unwrap()]);
    assert!(refused.contains("only a first revision takes effect in the past"), "{refused}");
    edit(
        &folder,
        "promises.yaml",
        &agreement.replace("2016-01-01", "2017-01-01"),
        &agreement.replace("2016-01-01", "2099-01-01"),
    );
    let planned = estate.apply(&folder);
    assert!(planned.contains("as revision 3, in force from 2099-01-01T00:00:00Z"), "{planned}");
    assert!(estate.plan(&folder).starts_with("nothing to do"));
    edit(&folder, "promises.yaml", "priorities: [1], target: 5m", "priorities: [1], target: 4m");
    let refused = estate.refused(&["apply", folder.to_str().unwrap()]);
    assert!(refused.contains("cannot be edited, only followed"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_files_made_is_pruned_and_never_unasked() {
    let (estate, scratch) = (Estate::new().await, Scratch::new());
    let folder = overlay(&scratch);
    let mut portfolio = PortfolioServiceClient::new(estate.catalog.channel().await);
    let by_hand = pb::CreateServiceRequest {
        service_id: "by-hand".to_owned(),
        service: Some(pb::Service {
            display_name: "By hand".to_owned(),
            criticality: pb::Criticality::Low.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    portfolio.create_service(by_hand).await.unwrap();
    file(
        &folder,
        "more.yaml",
        "- kind: Service\n  id: alpha\n  fields: { display_name: Alpha, criticality: LOW }\n- kind: Service\n  id: beta\n  fields: { display_name: Beta, criticality: LOW, depends_on: [services/alpha] }\n",
    );
    estate.apply(&folder);

    fs::remove_file(folder.join("more.yaml")).unwrap();
    let files = folder.to_str().unwrap();
    assert!(estate.plan(&folder).starts_with("nothing to do"), "nothing is deleted without --prune");
    let planned = estate.done(&["apply", files, "--prune", "--plan"]);
    assert_eq!(planned, "delete      services/beta\ndelete      services/alpha\n\nplan: 2 to delete\n");
    let refused = estate.refused(&["apply", files, "--prune"]);
    assert!(refused.contains("say --yes"), "{refused}");
    estate.done(&["apply", files, "--prune", "--yes"]);
    assert!(estate.done(&["apply", files, "--prune"]).starts_with("nothing to do"));
    let left = portfolio.list_services(pb::ListServicesRequest::default()).await.unwrap().into_inner().services;
    let names: Vec<_> = left.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"services/by-hand") && names.contains(&"services/printing"), "{names:?}");
    assert!(!names.contains(&"services/alpha") && !names.contains(&"services/beta"), "{names:?}");

    // Another installation has nothing that these files made.
    let other = Estate::new().await;
    other.apply(&folder);
    fs::remove_file(folder.join("promises.yaml")).unwrap();
    let both = fs::read_to_string(folder.join(".applied.json")).unwrap();
    assert_eq!(both.matches("\"agreements/standard-service-level\"").count(), 2, "{both}");
    let planned = other.done(&["apply", files, "--prune", "--plan"]);
    assert_eq!(planned.matches("delete      agreements/standard-service-level\n").count(), 1, "{planned}");

    let refused = estate.refused(&["apply", folder.join("services.yaml").to_str().unwrap(), "--prune"]);
    assert!(refused.contains("--record"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_files_are_told_all_at_once_and_nothing_is_applied() {
    let (estate, scratch) = (Estate::new().await, Scratch::new());
    file(
        &scratch,
        "a.yaml",
        "- kind: Service\n  id: good\n  fields: { display_name: Good, criticality: LOW }\n- kind: Servcie\n  id: a\n- kind: Service\n  id: b\n  fields:\n    display_name: B\n    colour: red\n",
    );
    let before = estate.facts().await;
    let told = estate.refused(&["apply", scratch.to_str().unwrap()]);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].contains("a.yaml:4: Servcie a: kind: is Servcie, which is none: there are "), "{told}");
    assert!(lines[1].contains("a.yaml:10: Service b: colour: is no field here"), "{told}");
    assert_eq!(lines[2], "itsm: 2 things are wrong with the files: nothing was applied");

    // What only the server knows is told with its line as well, before anything is done.
    file(
        &scratch,
        "a.yaml",
        "- kind: Service\n  id: good\n  fields: { display_name: Good, criticality: LOW }\n- kind: Service\n  id: c\n  fields:\n    display_name: ''\n    criticality: LOW\n    depends_on:\n      - services/good\n      - services/nowhere\n- kind: Agreement\n  id: d\n  fields:\n    display_name: D\n    kind: SLA\n    customers: [customers/nobody]\n",
    );
    let told = estate.refused(&["apply", scratch.to_str().unwrap()]);
    assert!(told.contains("a.yaml:7: Service c: display_name: "), "{told}");
    assert!(told.contains("a.yaml:17: Agreement d: customers[0]: customers/nobody does not exist"), "{told}");
    assert!(!told.contains("services/good does not exist"), "{told}");
    assert_eq!(estate.facts().await, before);

    file(
        &scratch,
        "a.yaml",
        "- kind: Service\n  id: x\n  fields: { display_name: X, criticality: LOW, depends_on: [services/y] }\n- kind: Service\n  id: y\n  fields: { display_name: Y, criticality: LOW, depends_on: [services/x] }\n",
    );
    let told = estate.refused(&["apply", scratch.to_str().unwrap()]);
    assert!(told.contains("each needs the other first: services/x -> services/y -> services/x"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_fails_half_way_says_what_was_done_and_goes_on_when_it_is_run_again() {
    let (estate, scratch) = (Estate::new().await, Scratch::new());
    let promise = |provider: &str| {
        format!(
            "- kind: Agreement\n  id: promise\n  effective_time: now\n  fields:\n    display_name: Promise\n    kind: SLA\n    provider: {provider}\n    objectives: [{{ id: all, metric: RESPONSE, target: 4h }}]\n- kind: Customer\n  id: later\n  fields: {{ display_name: Later }}\n"
        )
    };
    // An SLA is kept by the provider as a whole: such a draft may be written and not be published.
    file(&scratch, "a.yaml", &promise("groups/network"));
    let told = estate.refused(&["apply", scratch.to_str().unwrap()]);
    assert!(told.starts_with("not done:\n  publish     agreements/promise\n  create      customers/later\n"), "{told}");
    assert!(told.contains("1 of 3 steps were done; apply again to go on"), "{told}");

    file(&scratch, "a.yaml", &promise(""));
    let planned = estate.plan(&scratch);
    assert!(planned.ends_with("plan: 1 to update, 1 to publish, 1 to create\n"), "{planned}");
    estate.apply(&scratch);
    assert!(estate.plan(&scratch).starts_with("nothing to do"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_applied_without_a_difference() {
    let (estate, scratch) = (Estate::new().await, Scratch::new());
    estate.apply(&overlay(&scratch));
    let shipped =
        |name: &str| Input::open(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/data")).join(name)).unwrap();
    contracts::import_from(estate.supplier.channel().await, shipped("act_contracts_2025.csv"), "AUD").await.unwrap();
    costs::import_focus_from(estate.catalog.channel().await, shipped("focus_1.0_sample_1000.csv")).await.unwrap();

    let out = scratch.join("out");
    let folder = out.to_str().unwrap();
    estate.done(&["export", "--out", folder]);
    let contracts = fs::read_to_string(out.join("contracts.yaml")).unwrap();
    assert!(contracts.matches("- kind: Contract\n").count() >= 1_296);
    let planned = estate.plan(&out);
    assert!(planned.starts_with("nothing to do: "), "{planned}");

    // A fresh installation becomes the same, to the byte, but for the bulk of the imports.
    for bulk in ["contracts.yaml", "suppliers.yaml", "cost_entries.yaml"] {
        fs::remove_file(out.join(bulk)).unwrap();
    }
    let fresh = Estate::new().await;
    fresh.apply(&out);
    let kinds: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    let again = scratch.join("again");
    fresh.done(&["export", "--out", again.to_str().unwrap()]);
    for kind in kinds {
        assert_eq!(
            fs::read_to_string(out.join(&kind)).unwrap(),
            fs::read_to_string(again.join(&kind)).unwrap(),
            "{kind}"
        );
    }
    let printed = fresh.done(&["export", "--kind", "Service"]);
    assert_eq!(printed, fs::read_to_string(out.join("services.yaml")).unwrap());
    let refused = fresh.refused(&["export", "--kind", "Servcie"]);
    assert!(refused.contains("there is no kind Servcie: there are "), "{refused}");
}
