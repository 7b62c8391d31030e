//! A fact as it goes over the wire: a CloudEvents 1.0 event in structured JSON mode, signed as Standard Webhooks says.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use proto::journal::v1 as pb;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::error::Error;
use crate::journal::Entry;
use crate::mask::POOL;

/// Media type of the body.
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json";

static ENTRY: LazyLock<Option<MessageDescriptor>> =
    LazyLock::new(|| POOL.get_message_by_name("itsm.journal.v1.JournalEntry"));

/// An event that is ready to be sent, any number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Unique for the fact, also among services and after a restore; the same at every attempt.
    pub(super) id: String,
    /// The body.
    pub(super) body: String,
}

impl Event {
    /// The event of a fact that is in order, in the journal of that service.
    pub(super) fn new(service: &str, entry: &Entry) -> Result<Self, Error> {
        // No place in the order: those beyond a back-up are given again to other facts when it is restored.
        let id = format!("{}-{}", entry.change_id, entry.position);
        let body = json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("/itsm/{service}"),
            "type": entry.kind,
            "subject": entry.subject,
            "time": entry.occurred_at,
            // Compared as text, as the extension demands.
            "sequence": format!("{:020}", entry.seq.unwrap_or_default()),
            "datacontenttype": "application/json",
            "dataschema": "itsm.journal.v1.JournalEntry",
            "data": data(entry)?,
        });
        Ok(Self { id, body: body.to_string() })
    }
}

/// The message JournalEntry in the JSON of protobuf; the payload as it is stored, with its whole numbers.
fn data(entry: &Entry) -> Result<Value, Error> {
    let descriptor = ENTRY.clone().ok_or_else(|| Error::internal("the contract has no JournalEntry"))?;
    let encoded = pb::JournalEntry::from(entry.clone()).encode_to_vec();
    let message = DynamicMessage::decode(descriptor, encoded.as_slice()).map_err(Error::internal)?;
    let mut data = serde_json::to_value(message).map_err(Error::internal)?;
    data["payload"].clone_from(&entry.payload);
    Ok(data)
}

/// Key of the signatures of one webhook.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(Vec<u8>);

/// What a secret begins with.
const PREFIX: &str = "whsec_";

impl Secret {
    /// Takes the bytes that are stored, or that were made.
    pub(super) fn new(key: impl Into<Vec<u8>>) -> Self {
        Self(key.into())
    }

    /// Reads `whsec_` and 24 to 64 bytes in base64; the fault says what would be right.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        text.strip_prefix(PREFIX)
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .filter(|key| (24..=64).contains(&key.len()))
            .map(Self)
            .ok_or_else(|| format!("is not a secret: write {PREFIX} and 24 to 64 bytes in base64, or leave it empty"))
    }

    /// As clients write it.
    pub(super) fn show(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The bytes, to be stored.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The header `webhook-signature` of an attempt at this second.
    pub(super) fn sign(&self, event: &Event, at: Timestamp) -> Result<String, Error> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(Error::internal)?;
        mac.update(format!("{}.{}.{}", event.id, at.as_second(), event.body).as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference libraries of Standard Webhooks.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let event = Event { id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(), body: r#"{"test": 2432232314}"#.to_owned() };
        let signature = secret.sign(&event, Timestamp::from_second(1_614_265_330).unwrap()).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_long_enough_and_never_printed() {
        let secret = Secret::new([7; 32]);
        assert_eq!(Secret::parse(&secret.show()).unwrap(), secret);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for wrong in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_?"] {
            assert!(Secret::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_event_says_what_cloudevents_asks_for_and_carries_the_entry() {
        let entry = Entry {
            seq: Some(123),
            position: 130,
            change_id: "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a11".parse().unwrap(),
            last_of_change: true,
            occurred_at: "2024-06-01T11:00:00.5Z".parse().unwrap(),
            recorded_at: Some("2024-06-01T12:00:00Z".parse().unwrap()),
            source_recorded_at: None,
            source_sequence: 0,
            actor: "people/ann".to_owned(),
            customer_id: "customers/acme".to_owned(),
            audience: "PUBLIC".to_owned(),
            subject: "widgets/a".to_owned(),
            subject_version: 7,
            kind: "widget.noted.v1".to_owned(),
            payload: json!({ "weight": 7, "price": 0.5 }),
        };
        let event = Event::new("widgets", &entry).unwrap();
        assert_eq!(event.id, "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a11-130");
        let body: Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(
            body,
            json!({
                "specversion": "1.0",
                "id": "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a11-130",
                "source": "/itsm/widgets",
                "type": "widget.noted.v1",
                "subject": "widgets/a",
                "time": "2024-06-01T11:00:00.5Z",
                "sequence": "00000000000000000123",
                "datacontenttype": "application/json",
                "dataschema": "itsm.journal.v1.JournalEntry",
                "data": {
                    "seq": "123",
                    "changeId": "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a11",
                    "lastOfChange": true,
                    "occurTime": "2024-06-01T11:00:00.500Z",
                    "recordTime": "2024-06-01T12:00:00Z",
                    "actor": "people/ann",
                    "customer": "customers/acme",
                    "audience": "AUDIENCE_PUBLIC",
                    "subject": "widgets/a",
                    "subjectVersion": "7",
                    "kind": "widget.noted.v1",
                    "payload": { "weight": 7, "price": 0.5 },
                },
            })
        );
    }
}
