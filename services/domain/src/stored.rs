//! What services store, as JSON text and back, and fingerprints. Plain functions without type parameters, so that they
//! are compiled here, with this crate's optimisation, and not once more with each of their callers.

use crate::clock::Reading;
use crate::privacy::Private;
use crate::ticket::{Approval, DecodeError, Digest, Fact, Ticket};

/// A ticket as JSON.
pub fn ticket_to_json(ticket: &Ticket) -> Result<String, serde_json::Error> {
    serde_json::to_string(ticket)
}

/// A ticket from the JSON of [`ticket_to_json`].
pub fn ticket_from_json(text: &str) -> Result<Ticket, serde_json::Error> {
    serde_json::from_str(text)
}

/// An approval from its JSON within that of a ticket.
pub fn approval_from_json(text: &str) -> Result<Approval, serde_json::Error> {
    serde_json::from_str(text)
}

/// Readings of clocks as a JSON array.
pub fn readings_to_json(readings: &[Reading]) -> Result<String, serde_json::Error> {
    serde_json::to_string(readings)
}

/// Readings of clocks from the JSON of [`readings_to_json`].
pub fn readings_from_json(text: &str) -> Result<Vec<Reading>, serde_json::Error> {
    serde_json::from_str(text)
}

/// What is stored of a fact beside its kind, as JSON: [`Fact::payload`].
pub fn payload_to_json(fact: &Fact) -> Result<String, serde_json::Error> {
    serde_json::to_string(&fact.payload())
}

/// A fact from its kind and the JSON of [`payload_to_json`], as far as it can be read without what stands beside it.
pub fn fact_from_json(kind: &str, payload: &str) -> Result<Fact, DecodeError> {
    private_fact_from_json(kind, payload, &Private::default())
}

/// A fact from its kind, the JSON of [`payload_to_json`] and what stands beside it.
pub fn private_fact_from_json(kind: &str, payload: &str, private: &Private) -> Result<Fact, DecodeError> {
    let mut read = serde_json::from_str(payload)
        .map_err(|problem| DecodeError::Malformed { kind: kind.to_owned(), problem: problem.to_string() })?;
    // Most facts have nothing to be restored, and need no walk.
    if payload.contains("\"~") {
        private.restore(&mut read);
    }
    Fact::decode(kind, read)
}

/// Fingerprint of what a row says: FNV-1a with 64 bits, the same for ever and everywhere.
///
/// Quick, and good enough to tell the rows of one ticket apart; no protection against somebody who wants a clash.
pub fn fingerprint(bytes: &[u8]) -> Digest {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    Digest(bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the reference (FNV, appendix with test vectors).
    #[test]
    fn fingerprints_are_those_of_fnv_1a() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fingerprint(text.as_bytes()), Digest(hash), "{text}");
        }
    }

    #[test]
    fn a_fact_survives_being_stored() {
        let fact = Fact::Reopened { reopen_count: 2 };
        assert_eq!(fact_from_json(fact.kind(), &payload_to_json(&fact).unwrap()), Ok(fact));
        assert!(fact_from_json("ticket.reopened.v1", "{").is_err());
    }
}
