//! `itsm verify` and `itsm journal export` as they are typed, and the example that verifies an export by itself.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use servicekit::{Kit, clock, config, journal};
use testkit::{Running, Scratch, TestDatabase};

/// What a run printed, with its exit code.
fn ended(mut command: Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    (status.code().unwrap(), text)
}

fn itsm(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_itsm-under-test"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ITSM_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    ended(command)
}

/// The verification that needs nothing of ours.
fn example(file: &Path) -> (i32, String) {
    let mut command = Command::new("python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/python/verify_journal.py")).arg(file);
    ended(command)
}

/// A database whose catalog has published what ships, all of it sealed.
async fn sealed() -> TestDatabase {
    let database = TestDatabase::new().await;
    let at = config::Database::at(database.url());
    let _server = Running::insecure(catalog::build(&at).await).await;
    let kit = Kit::open(&at, &catalog::SERVICE, Arc::new(clock::System)).await.unwrap();
    let client = database.connect().await;
    let waiting = "SELECT (SELECT count(*) FROM catalog.journal) \
                   - coalesce((SELECT max(last_seq) FROM catalog.journal_seal), 0)";
    while client.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        journal::seal_all(&kit.database, &kit.clock).await.unwrap();
    }
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_verified_and_says_by_its_exit_code_what_it_is() {
    let database = sealed().await;
    let url = ["--database-url", database.url()];
    let verify = |arguments: &[&str]| itsm(&[&["verify"][..], &url, arguments].concat());
    let (code, told) = verify(&[]);
    assert_eq!(code, 0, "{told}");
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("catalog: intact") && lines[0].contains(", 0 not sealed yet, head "), "{told}");
    assert_eq!(lines[1], "operations: intact, 0 facts as they were sealed under 0 seals, 0 not sealed yet");
    let head = lines[0].rsplit(' ').next().unwrap();
    assert_eq!(verify(&["--head", head]).0, 0);
    let other = "0".repeat(64);
    let (code, told) = verify(&["--head", head, "--head", &other]);
    assert_eq!(code, 1);
    assert!(
        told.contains(&format!("no seal has the hash {other}")) && !told.contains(&format!("hash {head}")),
        "{told}"
    );

    let client = database.connect().await;
    let eve = "UPDATE catalog.journal SET actor = 'people/eve' WHERE position = \
               (SELECT position FROM catalog.journal_order WHERE seq = 5)";
    client.batch_execute(eve).await.unwrap();
    let (code, told) = verify(&[]);
    assert_eq!(code, 1);
    assert!(told.contains("catalog: damaged") && told.contains(": fact 5 was changed\n"), "{told}");
    assert!(told.contains("itsm: the journal is not what was sealed"), "{told}");

    for wrong in [&["verify", "--head", "abc"][..], &["verify", "--file", "/nowhere/journal"], &["verify", "--what"]] {
        let (code, told) = itsm(wrong);
        assert_eq!(code, 2, "{wrong:?}: {told}");
    }
    let (code, told) = itsm(&["verify", "--database-url", "postgres://nobody@127.0.0.1:1/none"]);
    assert_eq!(code, 2, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_verified_by_us_and_by_others_alike() {
    let database = sealed().await;
    let folder = Scratch::new();
    let path = folder.join("journal.ndjson");
    let file = path.to_str().unwrap();
    let (code, told) = itsm(&["journal", "export", "--out", file, "--database-url", database.url()]);
    assert_eq!(code, 0, "{told}");
    let in_database = itsm(&["verify", "--database-url", database.url()]);
    assert_eq!(itsm(&["verify", "--file", file]), in_database);
    let (code, told) = example(&path);
    assert!(code == 0 && told.contains("intact"), "{told}");

    let exported = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<String> = exported.lines().map(str::to_owned).collect();
    let fifth = lines.iter().position(|line| line.starts_with("{\"fact\":{\"seq\":5,")).unwrap();
    // C and B differ in one bit.
    let flipped = lines[fifth].replace("\"audience\":\"PUBLIC\"", "\"audience\":\"PUBLIB\"");
    assert_ne!(flipped, lines[fifth]);
    let inserted = lines[fifth].replace("\"actor\":\"", "\"actor\":\"people/eve and ");
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        lines.join("\n") + "\n"
    };
    for (tampered, wanted, shows_without_us) in [
        (with(&|lines| lines[fifth].clone_from(&flipped)), "fact 5 was changed", true),
        (with(&|lines| drop(lines.remove(fifth))), "fact 5 is missing", true),
        (with(&|lines| lines.swap(fifth, fifth + 1)), "facts 5 to 6 stood elsewhere", true),
        (with(&|lines| lines.insert(fifth, inserted.clone())), "fact 5 was inserted", true),
        (with(&|lines| lines.truncate(fifth)), "the file was cut off: the end of this journal is missing", false),
        (with(&|lines| "{\"fact\":".clone_into(&mut lines[fifth])), "line 6 cannot be read", false),
    ] {
        std::fs::write(&path, tampered).unwrap();
        let (code, told) = itsm(&["verify", "--file", file]);
        assert!(code == 1 && told.contains(wanted), "{wanted}: {told}");
        assert!(!shows_without_us || example(&path).0 == 1, "{wanted}");
    }
    std::fs::write(&path, "{}\n").unwrap();
    assert_eq!(itsm(&["verify", "--file", file]).0, 2);
}
