//! Resource names: `services/{id}`, `services/{id}/offerings/{id}`, `tickets/INC-000042`; names are the only references.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::excerpt::excerpt;
use crate::violation::Violation;

/// Most characters in an id (RFC 1034, section 3.1: a label has at most 63 octets).
pub const MAX_ID: usize = 63;
/// Most letters in the prefix of a ticket.
pub const MAX_PREFIX: usize = 8;
/// Fewest digits in the number of a ticket; below it zeros are put in front.
const NUMBER_DIGITS: usize = 6;

/// An id that a user may choose: 1 to 63 of lower-case letters, digits and hyphens, a letter first, no hyphen last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

impl Id {
    /// Reads an id; `field` is what an error names.
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        if is_id(text) {
            return Ok(Self(text.to_owned()));
        }
        let message = format!(
            "'{}' is not an id: write 1 to {MAX_ID} lower-case letters, digits and hyphens, \
             a letter first and no hyphen last, such as {}",
            excerpt(text),
            slug(text)
        );
        Err(Violation::new(field, message))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A kind of resource, known by the fixed words of its names; the ids between them are `N`.
///
/// `Collection::new(["services", "offerings"])` is `services/{id}/offerings/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Collection<const N: usize>([&'static str; N]);

impl<const N: usize> Collection<N> {
    /// Names a collection by its words, the outermost first.
    pub const fn new(words: [&'static str; N]) -> Self {
        Self(words)
    }

    /// The ids in a name of this collection, the outermost first; `field` is what an error names.
    pub fn parse(&self, field: &str, name: &str) -> Result<[Id; N], Violation> {
        let parts: Vec<&str> = name.split('/').collect();
        let fits = parts.len() == 2 * N && parts.iter().step_by(2).eq(self.0.iter());
        let ids = parts.iter().skip(1).step_by(2).map(|id| Id::parse(field, id));
        let other = || Violation::new(field, format!("'{}' is not a name of this kind: write {self}", excerpt(name)));
        if !fits {
            return Err(other());
        }
        ids.collect::<Result<Vec<_>, _>>()?.try_into().map_err(|_| other())
    }

    /// The name of the resource with these ids.
    pub fn name(&self, ids: &[Id; N]) -> String {
        let parts: Vec<String> = self.0.iter().zip(ids).map(|(word, id)| format!("{word}/{id}")).collect();
        parts.join("/")
    }
}

/// Shows the shape of the names: `services/{id}/offerings/{id}`.
impl<const N: usize> fmt::Display for Collection<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{{id}}", self.0.join("/{id}/"))
    }
}

/// The name of a ticket, `tickets/INC-000042`: a prefix from its process and a number that no other ticket has,
/// whatever its prefix. Ordered by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TicketName {
    prefix: String,
    number: u64,
}

impl TicketName {
    /// Puts a name together; the prefix is 1 to 8 upper-case letters, the number 1 or more.
    pub fn new(prefix: &str, number: u64) -> Result<Self, Violation> {
        if !(1..=MAX_PREFIX).contains(&prefix.len()) || !prefix.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let message = format!(
                "'{}' is not a prefix: write 1 to {MAX_PREFIX} upper-case letters, such as INC",
                excerpt(prefix)
            );
            return Err(Violation::new("prefix", message));
        }
        if number == 0 {
            return Err(Violation::new("number", "0 is not the number of a ticket: numbers begin at 1"));
        }
        Ok(Self { prefix: prefix.to_owned(), number })
    }

    /// Reads `tickets/INC-000042`, only as it is written here, so that a ticket has one name; `field` is what an error
    /// names.
    pub fn parse(field: &str, name: &str) -> Result<Self, Violation> {
        let parts = name.strip_prefix("tickets/").and_then(|id| id.split_once('-'));
        parts
            .and_then(|(prefix, number)| Self::new(prefix, number.parse().ok()?).ok())
            .filter(|ticket| ticket.to_string() == name)
            .ok_or_else(|| {
                let message = format!(
                    "'{}' is not the name of a ticket: write tickets/, a prefix and at least \
                     {NUMBER_DIGITS} digits, such as tickets/INC-000042",
                    excerpt(name)
                );
                Violation::new(field, message)
            })
    }

    /// The letters that say which process the ticket began in.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The number, unique among all tickets, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The id within `tickets/`: `INC-000042`.
    pub fn id(&self) -> String {
        format!("{}-{:0NUMBER_DIGITS$}", self.prefix, self.number)
    }
}

impl Ord for TicketName {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.number, &self.prefix).cmp(&(other.number, &other.prefix))
    }
}

impl PartialOrd for TicketName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for TicketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tickets/{}", self.id())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Id {
    type Error = Violation;

    fn try_from(text: String) -> Result<Self, Violation> {
        Self::parse("id", &text)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl TryFrom<String> for TicketName {
    type Error = Violation;

    fn try_from(text: String) -> Result<Self, Violation> {
        Self::parse("name", &text)
    }
}

impl From<TicketName> for String {
    fn from(ticket: TicketName) -> Self {
        ticket.to_string()
    }
}

/// The id nearest to any text: `Zürich Café (2)` becomes `zurich-cafe-2`. The same text always gives the same id and
/// an id gives itself, but texts that differ in case, accents or signs only meet; see [`distinct_slug`].
pub fn slug(text: &str) -> Id {
    Id(fitted(text, MAX_ID))
}

/// Like [`slug`], with 10 hexadecimal digits of the text's SHA-256 behind it, so that different texts get different ids.
pub fn distinct_slug(text: &str) -> Id {
    let digest = Sha256::digest(text.as_bytes());
    let number = digest.iter().take(5).fold(0u64, |number, &byte| number << 8 | u64::from(byte));
    let suffix = format!("{number:010x}");
    Id(format!("{}-{suffix}", fitted(text, MAX_ID - 1 - suffix.len())))
}

/// An id of at most `most` characters out of any text; `x` stands in for a missing first letter.
fn fitted(text: &str, most: usize) -> String {
    let mut id = String::new();
    for character in text.chars() {
        let folded = fold(character);
        if folded.is_empty() {
            if !id.is_empty() && !id.ends_with('-') {
                id.push('-');
            }
        } else {
            id.push_str(&folded);
        }
        if id.len() > most {
            break;
        }
    }
    match id.chars().next() {
        None => id.push('x'),
        Some(first) if first.is_ascii_digit() => id.insert_str(0, "x-"),
        Some(_) => {}
    }
    id.truncate(most);
    id.truncate(id.trim_end_matches('-').len());
    id
}

/// The lower-case ASCII letters or digit for a character; empty for what has none. Covers the letters of European
/// Latin alphabets (Unicode blocks Latin-1 Supplement and Latin Extended-A).
fn fold(character: char) -> String {
    let lower = character.to_lowercase().next().unwrap_or(character);
    let folded = match lower {
        'a'..='z' | '0'..='9' => return lower.to_string(),
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĳ' => "ij",
        'ĵ' => "j",
        'ķ' | 'ĸ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ŉ' | 'ŋ' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    };
    folded.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVICES: Collection<1> = Collection::new(["services"]);
    const OFFERINGS: Collection<2> = Collection::new(["services", "offerings"]);

    fn id(text: &str) -> Id {
        Id::parse("id", text).unwrap()
    }

    #[test]
    fn an_id_is_a_lower_case_label() {
        for text in ["a", "email", "e-mail-2", "a--b", &"a".repeat(63)] {
            assert_eq!(id(text).as_str(), text);
        }
        for text in ["", "2fast", "-a", "a-", "Email", "e_mail", "e.mail", "é", "a/b", &"a".repeat(64)] {
            assert_eq!(Id::parse("service_id", text).unwrap_err().field, "service_id", "{text}");
        }
    }

    #[test]
    fn a_wrong_id_is_answered_with_a_right_one() {
        let message = Id::parse("service_id", "E-Mail (EU)").unwrap_err().message;
        assert!(message.ends_with("such as e-mail-eu"), "{message}");
    }

    #[test]
    fn a_name_gives_its_ids_and_ids_their_name() {
        assert_eq!(SERVICES.parse("name", "services/email").unwrap(), [id("email")]);
        let ids = OFFERINGS.parse("name", "services/email/offerings/mailbox").unwrap();
        assert_eq!(ids, [id("email"), id("mailbox")]);
        assert_eq!(OFFERINGS.name(&ids), "services/email/offerings/mailbox");
    }

    #[test]
    fn a_name_of_another_kind_is_refused_with_the_shape_expected() {
        for name in
            ["", "services", "services/", "service/email", "/services/email", "services/email/offerings/mailbox"]
        {
            assert_eq!(SERVICES.parse("ticket.service", name).unwrap_err().field, "ticket.service", "{name}");
        }
        let error = OFFERINGS.parse("name", "services/email").unwrap_err();
        assert!(error.message.ends_with("write services/{id}/offerings/{id}"), "{error}");
    }

    #[test]
    fn a_ticket_has_one_name() {
        let ticket = TicketName::new("INC", 42).unwrap();
        assert_eq!(ticket.to_string(), "tickets/INC-000042");
        assert_eq!(TicketName::parse("name", "tickets/INC-000042").unwrap(), ticket);
        assert_eq!(TicketName::new("INC", 12_345_678).unwrap().id(), "INC-12345678");
        for name in [
            "",
            "INC-000042",
            "tickets/INC-42",
            "tickets/INC-0000042",
            "tickets/inc-000042",
            "tickets/INC-000000",
            "tickets/INC-+00042",
            "tickets/-000042",
            "tickets/INC000042",
            "tickets/INC-99999999999999999999",
        ] {
            assert_eq!(TicketName::parse("parent", name).unwrap_err().field, "parent", "{name}");
        }
    }

    #[test]
    fn a_prefix_is_upper_case_letters() {
        for prefix in ["", "inc", "IN-C", "TOOLONGER", "I1"] {
            assert_eq!(TicketName::new(prefix, 1).unwrap_err().field, "prefix", "{prefix}");
        }
    }

    #[test]
    fn tickets_are_ordered_by_number_whatever_their_prefix() {
        let ticket = |prefix, number| TicketName::new(prefix, number).unwrap();
        let mut tickets = [ticket("REQ", 1_000_000), ticket("PRB", 999_999), ticket("INC", 1_000_001)];
        tickets.sort();
        let numbers: Vec<_> = tickets.iter().map(TicketName::number).collect();
        assert_eq!(numbers, [999_999, 1_000_000, 1_000_001]);
    }

    #[test]
    fn names_travel_as_text() {
        let ticket: TicketName = serde_json::from_str("\"tickets/INC-000042\"").unwrap();
        assert_eq!(serde_json::to_string(&ticket).unwrap(), "\"tickets/INC-000042\"");
        assert!(serde_json::from_str::<TicketName>("\"tickets/42\"").is_err());
        assert!(serde_json::from_str::<Id>("\"E-Mail\"").is_err());
    }

    #[test]
    fn any_text_has_an_id() {
        for (text, slugged) in [
            ("Zürich Café (2)", "zurich-cafe-2"),
            ("  Group 24 ", "group-24"),
            ("24x7", "x-24x7"),
            ("STRASSE/Straße", "strasse-strasse"),
            ("Łódź, İzmir", "lodz-izmir"),
            ("Київ", "x"),
            ("", "x"),
            ("---", "x"),
        ] {
            assert_eq!(slug(text).as_str(), slugged, "{text}");
        }
    }

    #[test]
    fn texts_that_meet_in_a_slug_are_told_apart_on_request() {
        assert_eq!(slug("Group 24"), slug("group-24"));
        assert_ne!(distinct_slug("Group 24"), distinct_slug("group-24"));
        assert_ne!(distinct_slug("Київ"), distinct_slug("Львів"));
        let long = "very ".repeat(30);
        assert_ne!(distinct_slug(&long), distinct_slug(&format!("{long}!")));
    }

    #[test]
    fn a_distinct_slug_never_changes() {
        assert_eq!(distinct_slug("Group 24").as_str(), "group-24-846cbe8ba7");
    }

    proptest! {
        #[test]
        fn whatever_the_text_its_slug_is_an_id(text in "\\PC*") {
            for slugged in [slug(&text), distinct_slug(&text)] {
                prop_assert!(is_id(slugged.as_str()), "{slugged}");
            }
        }

        #[test]
        fn an_id_is_its_own_slug(text in "[a-z]([a-z0-9]|-[a-z0-9]){0,31}") {
            prop_assert_eq!(slug(&text).to_string(), text);
        }

        #[test]
        fn every_ticket_name_reads_back(prefix in "[A-Z]{1,8}", number in 1u64..) {
            let ticket = TicketName::new(&prefix, number).unwrap();
            prop_assert_eq!(TicketName::parse("name", &ticket.to_string()), Ok(ticket));
        }
    }
}
