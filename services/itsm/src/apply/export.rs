//! What is there, as files that `apply` reads.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use prost_reflect::DynamicMessage;
use serde_norway::{Mapping, Value};

use super::kinds::{self, Kind};
use super::remote::{self, Remote};
use crate::client::sentence;
use crate::import::Problem;

/// Calls that are under way at once.
const AT_ONCE: usize = 16;

/// The kinds of these names, or all.
pub fn wanted(kinds: &[Arc<Kind>], names: &[String]) -> Result<Vec<Arc<Kind>>, Problem> {
    if names.is_empty() {
        return Ok(kinds.to_vec());
    }
    let find = |name: &String| {
        kinds.iter().find(|kind| kind.name == *name || kind.collection == *name).cloned().ok_or_else(|| {
            let known: Vec<_> = kinds.iter().map(|kind| kind.name.as_str()).collect();
            Problem::new(format!("there is no kind {name}: there are {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

/// Every resource of a kind as text, by name.
pub async fn entries(remote: &Remote, kind: &Kind) -> Result<Vec<String>, Problem> {
    let fails = |status: tonic::Status| Problem::new(format!("{}: {}", kind.collection, sentence(&status)));
    let mut resources = remote.list(kind).await.map_err(fails)?;
    resources.sort_by_key(|resource| remote::text(resource, "name"));
    futures::stream::iter(&resources)
        .map(|resource| entry(remote, kind, resource))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn entry(remote: &Remote, kind: &Kind, resource: &DynamicMessage) -> Result<String, Problem> {
    let name = remote::text(resource, "name");
    let fields = kind.show(resource);
    let (under, id) = name.rsplit_once('/').unwrap_or_default();
    let mut entry = Mapping::new();
    let mut say = |key: &str, value: Value| entry.insert(key.into(), value);
    say("kind", kind.name.as_str().into());
    say("id", id.into());
    if kind.parents.is_some() {
        say("parent", under.rsplit_once('/').unwrap_or_default().0.into());
    }
    let first = kind.states.first().map(|state| state.name.as_str());
    if let Some(state) = kinds::state_of(resource).filter(|state| first.is_some_and(|first| first != state)) {
        say("state", state.into());
    }
    let mut remark = String::new();
    if kind.publication.is_some() {
        let revisions = remote.revisions(kind, &name).await;
        let revisions = revisions.map_err(|status| Problem::new(format!("{name}: {}", sentence(&status))))?;
        if let Some(last) = revisions.iter().max_by_key(|revision| revision.effective) {
            if kind.show(&last.message) == fields {
                say("effective_time", last.effective.to_string().into());
            } else {
                remark = format!("# Edited since revision {} ({}): not published.\n", last.number, last.effective);
            }
        }
    }
    say("fields", fields.into());
    let text = serde_norway::to_string(&[entry]).map_err(|error| Problem::new(format!("{name}: {error}")))?;
    Ok(remark + &text)
}
