//! Resources as files: a plan of what differs, carried out through the public API, and files of what is there.
//! docs/apply.md describes it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use prost_reflect::Value;
use servicekit::clock::{self, Clock as _};
use tonic::Status;

pub use document::{Fault, Source};
pub use plan::{Mode, Plan, Refusal};
pub use remote::Remote;

use self::kinds::Kind;
use self::plan::{Item, Step};
use self::record::{Made, Record};
use crate::cli::{ApplyArgs, ExportArgs, Servers};
use crate::client::{self, sentence};
use crate::import::Problem;

mod difference;
mod document;
mod export;
mod field;
mod kinds;
mod plan;
mod record;
mod remote;
mod yaml;

/// Connects to the servers that have these kinds.
async fn connect(servers: &Servers, kinds: impl IntoIterator<Item = &Arc<Kind>>) -> Result<Remote, Problem> {
    let token = servers.token.read()?;
    let mut remote = Remote::default();
    let wanted: BTreeSet<&'static str> = kinds.into_iter().map(|kind| kind.server).collect();
    for server in wanted {
        let channel = client::connect_with(servers.address_of(server), &token, &servers.trust).await?;
        remote = remote.reaching(server, channel);
    }
    Ok(remote)
}

fn kinds() -> Result<Vec<Arc<Kind>>, Problem> {
    Ok(kinds::all()?.into_iter().map(Arc::new).collect())
}

/// `itsm apply`.
pub async fn run(args: &ApplyArgs) -> Result<(), Problem> {
    let kinds = kinds()?;
    let place = record::place(&args.files, args.record.as_deref());
    let mut record = place.as_deref().map(Record::read).transpose()?;
    if args.prune && record.is_none() {
        return Err(Problem::new(
            "what to prune is known from the record beside the files: give one folder, or name the record with --record",
        ));
    }
    let entries = document::parse(&document::open(&args.files)?, &kinds).map_err(told)?;
    let gone = record.iter().filter(|_| args.prune).flat_map(|record| &record.made);
    let gone: BTreeSet<&str> = gone.map(|made| made.kind.as_str()).collect();
    let named = entries.iter().map(|entry| &entry.kind).chain(kinds.iter().filter(|kind| gone.contains(&*kind.name)));
    let remote = connect(&args.servers, named).await?;
    let pruned = record.as_ref().filter(|_| args.prune);
    let plan = plan::make(&remote, entries, Mode::Match, pruned, &kinds, clock::System.now()).await.map_err(refused)?;
    print!("{plan}");
    if args.plan || plan.items.is_empty() {
        return Ok(());
    }
    agree(&plan, args.yes)?;
    let done = carry_out(&remote, &plan, |item, step| println!("{}", past(item, step))).await;
    if let (Some(record), Some(place)) = (&mut record, &place)
        && (!done.made.is_empty() || !done.deleted.is_empty())
    {
        record.made.extend(done.made.iter().cloned());
        record.made.retain(|made| !done.deleted.contains(&made.uid));
        record.write(place)?;
    }
    match done.failure {
        None => Ok(()),
        Some(failure) => {
            eprintln!("not done:");
            for line in &failure.left {
                eprintln!("  {line}");
            }
            let (steps, all) = (done.steps, plan.steps());
            Err(Problem::new(format!("{}: {steps} of {all} steps were done; apply again to go on", failure.sentence)))
        }
    }
}

/// `itsm export`.
pub async fn run_export(args: &ExportArgs) -> Result<(), Problem> {
    let kinds = export::wanted(&kinds()?, &args.kinds)?;
    let remote = connect(&args.servers, &kinds).await?;
    let mut files = Vec::new();
    for kind in &kinds {
        let entries = export::entries(&remote, kind).await?;
        if !entries.is_empty() {
            files.push((format!("{}.yaml", kind.plural), entries));
        }
    }
    let Some(out) = &args.out else {
        for (_, entries) in &files {
            print!("{}", entries.join("\n"));
        }
        return Ok(());
    };
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(|error| Problem::new(format!("cannot write {}: {error}", path.display())))
    };
    let count: usize = files.iter().map(|(_, entries)| entries.len()).sum();
    if out.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
        write(out, files.iter().map(|(_, entries)| entries.join("\n")).collect::<Vec<_>>().join("\n"))?;
        println!("{count} resources in {}", out.display());
        return Ok(());
    }
    std::fs::create_dir_all(out)
        .map_err(|error| Problem::new(format!("cannot make the folder {}: {error}", out.display())))?;
    for (name, entries) in &files {
        write(&out.join(name), entries.join("\n"))?;
    }
    println!("{count} resources in {} files in {}", files.len(), out.display());
    Ok(())
}

/// Adds what files state and what is not there, on the servers that are known; what is there stays as it is. Returns how
/// many resources were created.
pub async fn add(remote: &Remote, sources: &[Source]) -> Result<usize, Problem> {
    let kinds = kinds()?;
    let mut entries = document::parse(sources, &kinds).map_err(told)?;
    entries.retain(|entry| remote.knows(entry.kind.server));
    let plan = plan::make(remote, entries, Mode::Add, None, &kinds, clock::System.now()).await.map_err(refused)?;
    let done = carry_out(remote, &plan, |_, _| {}).await;
    match done.failure {
        None => Ok(done.made.len()),
        Some(failure) => Err(Problem::new(failure.sentence)),
    }
}

/// Prints what is wrong with files and says how much it is.
fn told(faults: Vec<Fault>) -> Problem {
    for fault in &faults {
        eprintln!("{fault}");
    }
    let things = if faults.len() == 1 { "1 thing is".to_owned() } else { format!("{} things are", faults.len()) };
    Problem::new(format!("{things} wrong with the files: nothing was applied"))
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Faults(faults) => told(faults),
        Refusal::Problem(problem) => problem,
    }
}

/// Asks whoever sits there. What deletes something is never done unasked.
fn agree(plan: &Plan, yes: bool) -> Result<(), Problem> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let unasked =
            || Problem::new("something would be deleted, and nobody can be asked: say --yes, or leave --prune out");
        return if plan.deletes() { Err(unasked()) } else { Ok(()) };
    }
    print!("apply this? [y/N] ");
    let mut answer = String::new();
    let asked = std::io::stdout().flush().and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    match asked {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Problem::new("nothing was applied")),
    }
}

/// What was done of a plan.
#[derive(Debug, Default)]
struct Done {
    steps: usize,
    made: Vec<Made>,
    deleted: BTreeSet<String>,
    failure: Option<Failure>,
}

/// What stopped a plan, and what it left.
#[derive(Debug)]
struct Failure {
    sentence: String,
    left: Vec<String>,
}

/// Does one step after the other, until one fails.
async fn carry_out(remote: &Remote, plan: &Plan, mut tell: impl FnMut(&Item, &Step)) -> Done {
    let mut done = Done::default();
    for (at, item) in plan.items.iter().enumerate() {
        let mut etag = item.etag.clone();
        for (number, step) in item.steps.iter().enumerate() {
            match take(remote, item, step, &mut etag).await {
                Ok(uid) => {
                    done.steps += 1;
                    match step {
                        Step::Create => {
                            done.made.push(Made { name: item.name.clone(), kind: item.kind.name.clone(), uid });
                        }
                        Step::Delete => {
                            done.deleted.insert(uid);
                        }
                        _ => {}
                    }
                    tell(item, step);
                }
                Err(status) => {
                    let steps = item.steps.iter().skip(number).map(|step| (item, step));
                    let rest = plan.items.iter().skip(at + 1);
                    let rest = rest.flat_map(|item| item.steps.iter().map(move |step| (item, step)));
                    let left = steps.chain(rest).map(|(item, step)| format!("{:<11} {}", step.verb(), item.name));
                    done.failure = Some(Failure {
                        sentence: format!("{} {}: {}", step.verb(), item.name, sentence(&status)),
                        left: left.collect(),
                    });
                    return done;
                }
            }
        }
    }
    done
}

/// Does a step; `etag` is the version that it starts from and becomes the one it leads to. Returns the resource's uid.
async fn take(remote: &Remote, item: &Item, step: &Step, etag: &mut String) -> Result<String, Status> {
    let methods = &item.kind.methods;
    let name = ("name", Value::String(item.name.clone()));
    let version = ("etag", Value::String(etag.clone()));
    let (method, request) = match (step, &item.entry) {
        (Step::Create, Some(entry)) => plan::request_of(entry, None, false),
        (Step::Update(_), Some(entry)) => plan::request_of(entry, Some(etag), false),
        (Step::Create | Step::Update(_), None) => return Err(Status::internal("the plan does not say what to write")),
        (Step::Publish { effective, .. }, _) => {
            let Some(publication) = &item.kind.publication else {
                return Err(Status::internal("the kind is not published"));
            };
            let mut request = remote::write(&publication.publish, false, [name, version]);
            if let Some(at) = effective {
                remote::set_time(&mut request, "effective_time", *at);
            }
            (publication.publish.clone(), request)
        }
        (Step::Move { method, .. }, _) => (method.clone(), remote::write(method, false, [name, version])),
        (Step::Delete, _) => (methods.delete.clone(), remote::write(&methods.delete, false, [name, version])),
    };
    let answer = remote.call(&item.kind, &method, request).await?;
    // A revision is no resource: what follows it starts from whatever is there.
    *etag = if matches!(step, Step::Publish { .. }) { String::new() } else { remote::text(&answer, "etag") };
    Ok(remote::text(&answer, "uid"))
}

/// A step that was done, as a line.
fn past(item: &Item, step: &Step) -> String {
    let done = match step {
        Step::Create => "created".to_owned(),
        Step::Update(_) => "updated".to_owned(),
        Step::Publish { .. } => "published".to_owned(),
        Step::Move { state, .. } => format!("made {state}"),
        Step::Delete => "deleted".to_owned(),
    };
    format!("{done:<11} {}", item.name)
}
