//! Update masks, on the level of messages: what a client may write, merged into what is stored.
//! Works on any message of the contract through its descriptor, so that no field can be forgotten.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage, Value};
use prost_types::FieldMask;

use crate::error::Error;

/// Every message of the contract.
pub(crate) static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(proto::DESCRIPTORS).unwrap_or_default());

/// Merges `patch` into `current` as the mask says: none or an empty one takes every populated field, `*` every field,
/// a path (`display_name`, `details.text`) that one. Fields in `output_only` are never taken, and never an error.
///
/// `message` is the full name of the type: `itsm.catalog.v1.Service`. An unknown path is INVALID_ARGUMENT.
pub fn apply<M: Message + Default>(
    message: &str,
    current: &M,
    patch: &M,
    mask: Option<&FieldMask>,
    output_only: &[&str],
) -> Result<M, Error> {
    let descriptor = POOL
        .get_message_by_name(message)
        .ok_or_else(|| Error::internal(format!("the contract has no message {message}")))?;
    let mut merged = dynamic(&descriptor, current)?;
    let patch = dynamic(&descriptor, patch)?;
    let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
    if paths.is_empty() || paths.iter().any(|path| path == "*") {
        for field in descriptor.fields().filter(|field| !output_only.contains(&field.name())) {
            if patch.has_field(&field) {
                merged.set_field(&field, patch.get_field(&field).into_owned());
            } else if !paths.is_empty() {
                merged.clear_field(&field);
            }
        }
    } else {
        for path in paths {
            let top = path.split('.').next().unwrap_or_default();
            if output_only.contains(&top) && descriptor.get_field_by_name(top).is_some() {
                continue;
            }
            take(&mut merged, &patch, path).map_err(|fault| {
                Error::invalid("update_mask", format!("{path} is not a field of {}: {fault}", descriptor.name()))
            })?;
        }
    }
    M::decode(merged.encode_to_vec().as_slice()).map_err(Error::internal)
}

fn dynamic<M: Message>(descriptor: &MessageDescriptor, message: &M) -> Result<DynamicMessage, Error> {
    DynamicMessage::decode(descriptor.clone(), message.encode_to_vec().as_slice()).map_err(Error::internal)
}

/// Sets one path of `target` to what `patch` holds there; unset in the patch clears it.
fn take(target: &mut DynamicMessage, patch: &DynamicMessage, path: &str) -> Result<(), String> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let field = target
        .descriptor()
        .get_field_by_name(name)
        .ok_or_else(|| format!("there is no {name:?} in {}", target.descriptor().name()))?;
    let Some(rest) = rest else {
        if patch.has_field(&field) {
            target.set_field(&field, patch.get_field(&field).into_owned());
        } else {
            target.clear_field(&field);
        }
        return Ok(());
    };
    if field.is_list() || field.is_map() || !matches!(field.kind(), Kind::Message(_)) {
        return Err(format!("{name} has no fields of its own, name it as a whole"));
    }
    let inner_patch = patch.get_field(&field);
    match (target.get_field_mut(&field), inner_patch.as_message()) {
        (Value::Message(inner), Some(inner_patch)) => take(inner, inner_patch, rest),
        _ => Err(format!("{name} has no fields of its own, name it as a whole")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::journal::v1::JournalEntry;

    const MESSAGE: &str = "itsm.journal.v1.JournalEntry";

    fn merge(mask: &[&str]) -> Result<JournalEntry, Error> {
        let timestamp = |seconds| Some(prost_types::Timestamp { seconds, nanos: 5 });
        let current = JournalEntry {
            seq: 1,
            actor: "people/ann".to_owned(),
            subject: "things/a".to_owned(),
            occur_time: timestamp(10),
            ..JournalEntry::default()
        };
        let patch = JournalEntry {
            seq: 9,
            actor: "people/bob".to_owned(),
            occur_time: Some(prost_types::Timestamp { seconds: 20, nanos: 0 }),
            ..JournalEntry::default()
        };
        let mask = FieldMask { paths: mask.iter().map(|path| (*path).to_owned()).collect() };
        apply(MESSAGE, &current, &patch, Some(&mask), &["seq"])
    }

    #[test]
    fn an_empty_mask_takes_what_is_populated() {
        let merged = merge(&[]).unwrap();
        assert_eq!((merged.actor.as_str(), merged.subject.as_str()), ("people/bob", "things/a"));
        assert_eq!(merged.seq, 1, "output only");
    }

    #[test]
    fn a_star_replaces_everything() {
        let merged = merge(&["*"]).unwrap();
        assert_eq!((merged.actor.as_str(), merged.subject.as_str()), ("people/bob", ""));
        assert_eq!(merged.seq, 1, "output only");
    }

    #[test]
    fn a_path_takes_that_field_and_clears_what_is_unset() {
        let merged = merge(&["subject", "occur_time.seconds"]).unwrap();
        assert_eq!((merged.actor.as_str(), merged.subject.as_str()), ("people/ann", ""));
        assert_eq!(merged.occur_time, Some(prost_types::Timestamp { seconds: 20, nanos: 5 }));
    }

    #[test]
    fn output_only_fields_are_left_alone_even_when_named() {
        assert_eq!(merge(&["seq"]).unwrap().seq, 1);
    }

    #[test]
    fn an_unknown_path_is_refused_by_name() {
        for path in ["nonsense", "actor.first", "occur_time.minutes", ""] {
            let refusal = merge(&[path]).unwrap_err();
            assert_eq!(refusal.reason(), crate::error::FIELD_INVALID, "{path}");
        }
    }
}
