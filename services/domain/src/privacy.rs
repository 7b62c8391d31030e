//! What is private in a fact stands beside it: the fact has a token with a salted digest, the text and its salt can be
//! erased. The digest stands in docs/journal.md, byte by byte, and is never changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What people are called who were erased. A second one of the same ticket has `-2` behind it.
pub const ERASED: &str = "people/erased";
/// What names of people begin with.
const PEOPLE: &str = "people/";
/// What kinds of facts begin with that may have private values.
const KINDS: [&str; 2] = ["ticket.", "approval_delegation."];
/// Where in a fact the erased tokens are listed, without the `~` that they begin with.
const LISTED: &str = "tokens";

/// What a private value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Text that somebody wrote.
    Text,
    /// Name of a person: `people/ann`.
    Person,
    /// Any other JSON, kept as its text.
    Value,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Text, Self::Person, Self::Value];

    /// The name used in tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Person => "person",
            Self::Value => "value",
        }
    }

    /// The kind of a token. Empty: the text is none.
    pub fn of(text: &str) -> Option<Self> {
        let (kind, digest) = text.strip_prefix('~')?.split_once(':')?;
        let digits = digest.len() == 64 && digest.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        Self::ALL.into_iter().find(|known| digits && known.as_str() == kind)
    }
}

/// Whether facts of that kind may have private values: in others, what looks like a token is none.
pub fn concerns(kind: &str) -> bool {
    KINDS.iter().any(|begin| kind.starts_with(begin))
}

/// Whether facts of that kind list what was erased.
pub fn is_erasure(kind: &str) -> bool {
    concerns(kind) && kind.contains(".erased.")
}

/// The token of a value: `~text:` and 64 hexadecimal digits.
pub fn token(kind: Kind, salt: &str, text: &str) -> String {
    let mut hasher = Sha256::new();
    for part in ["itsm.text.v1", salt, text] {
        hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let digest = hasher.finalize();
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("~{}:{digits}", kind.as_str())
}

/// How a token is listed where it is said to be erased.
pub fn listed(token: &str) -> String {
    token.trim_start_matches('~').to_owned()
}

/// The tokens that a fact says were erased.
pub fn erased_by(payload: &Value) -> impl Iterator<Item = String> + '_ {
    let tokens = payload.get(LISTED).and_then(Value::as_array).into_iter().flatten();
    tokens.filter_map(Value::as_str).map(|token| format!("~{token}"))
}

/// Every token in a value, in its order.
pub fn tokens(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if Kind::of(text).is_some() => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| tokens(value, found)),
        Value::Object(members) => members.values().for_each(|value| tokens(value, found)),
        _ => {}
    }
}

/// Whether it is the name of a person.
pub fn is_person(name: &str) -> bool {
    name.starts_with(PEOPLE)
}

/// Whether it is what an erased person is called.
pub fn is_erased(name: &str) -> bool {
    name == ERASED
        || name
            .strip_prefix(ERASED)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// What stands beside one fact: salt and value by token. Without a salt the name of a person was erased.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private(BTreeMap<String, (String, String)>);

impl Private {
    /// Reads the JSON of [`Private::to_json`].
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// An object by token, of arrays with salt and value.
    pub fn to_json(&self) -> String {
        // Maps of texts cannot fail to become JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Nothing stands beside the fact.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a value beside the fact and answers its token. `salt` gives 128 random bits as hexadecimal digits.
    pub fn hide(&mut self, kind: Kind, text: String, salt: &mut dyn FnMut() -> String) -> String {
        let salt = salt();
        let token = token(kind, &salt, &text);
        self.0.insert(token.clone(), (salt, text));
        token
    }

    /// The same for the name of whoever acts, if it is that of a person.
    pub fn hide_actor(&mut self, actor: &mut String, salt: &mut dyn FnMut() -> String) {
        if is_person(actor) {
            *actor = self.hide(Kind::Person, std::mem::take(actor), salt);
        }
    }

    /// Values by token, with their salts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().map(|(token, (salt, text))| (token.as_str(), salt.as_str(), text.as_str()))
    }

    /// Salt and value of a token.
    pub fn get(&self, token: &str) -> Option<(&str, &str)> {
        self.0.get(token).map(|(salt, text)| (salt.as_str(), text.as_str()))
    }

    /// What a name in a fact stands for: itself, unless it is a token.
    pub fn name(&self, name: &str) -> String {
        match (Kind::of(name), self.get(name)) {
            (None, _) => name.to_owned(),
            (Some(_), Some((_, known))) => known.to_owned(),
            (Some(_), None) => ERASED.to_owned(),
        }
    }

    /// Puts values where their tokens are. Of what was erased a text is empty, a person is [`ERASED`], and what is a
    /// member of a list or a value of its own is gone.
    pub fn restore(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(kind) = Kind::of(text) {
                    *value = self.restored(kind, text).unwrap_or_else(|| match kind {
                        Kind::Text => Value::from(""),
                        Kind::Person => Value::from(ERASED),
                        Kind::Value => Value::Null,
                    });
                }
            }
            Value::Array(values) => {
                values.retain(|value| !self.is_gone(value, true));
                for value in values {
                    self.restore(value);
                }
            }
            Value::Object(members) => {
                members.retain(|_, value| !self.is_gone(value, false));
                members.values_mut().for_each(|value| self.restore(value));
            }
            _ => {}
        }
    }

    fn restored(&self, kind: Kind, token: &str) -> Option<Value> {
        let (_, text) = self.get(token)?;
        if kind == Kind::Value { serde_json::from_str(text).ok() } else { Some(Value::from(text)) }
    }

    fn is_gone(&self, value: &Value, in_list: bool) -> bool {
        let Some(token) = value.as_str() else { return false };
        let gone = match Kind::of(token) {
            Some(Kind::Value) => true,
            Some(Kind::Text) => in_list,
            Some(Kind::Person) | None => false,
        };
        gone && self.get(token).is_none()
    }
}

/// What is to be erased of the facts of one subject.
#[derive(Debug, Clone)]
pub struct Erasure<'a> {
    /// Who is erased: `people/ann`.
    pub person: &'a str,
    /// What stands for the name afterwards.
    pub pseudonym: String,
    /// Whether the subject is about the person: then every text goes, whoever wrote it.
    pub about: bool,
    /// Texts that go wherever they stand.
    pub texts: BTreeSet<String>,
}

impl<'a> Erasure<'a> {
    /// The erasure of a person from facts beside which this stands. Others may have been erased from them before.
    pub fn of<'f>(person: &'a str, about: bool, facts: impl IntoIterator<Item = &'f Private>) -> Self {
        let names: BTreeSet<&str> = facts.into_iter().flat_map(Private::iter).map(|(.., text)| text).collect();
        let mut pseudonym = ERASED.to_owned();
        let mut number = 1;
        while names.contains(pseudonym.as_str()) {
            number += 1;
            pseudonym = format!("{ERASED}-{number}");
        }
        Self { person, pseudonym, about, texts: BTreeSet::new() }
    }

    /// Whether a value goes that stands in a fact of that actor.
    fn takes(&self, token: &str, text: &str, actor: &str) -> bool {
        match Kind::of(token) {
            Some(Kind::Person) => text == self.person,
            Some(Kind::Text | Kind::Value) => {
                self.about || actor == self.person || self.texts.contains(text) || mentions(text, self.person)
            }
            None => false,
        }
    }

    /// Notes the texts of a fact that go, so that copies of them go as well. A number or a yes is no copy of another.
    pub fn note(&mut self, actor: &str, private: &Private) {
        let is_text = |token: &str, text: &str| match Kind::of(token) {
            Some(Kind::Text) => true,
            Some(Kind::Value) => text.starts_with(['"', '[', '{']),
            Some(Kind::Person) | None => false,
        };
        let found = private.iter().filter(|(token, _, text)| is_text(token, text) && self.takes(token, text, actor));
        let found: Vec<String> = found.map(|(.., text)| text.to_owned()).collect();
        self.texts.extend(found);
    }

    /// Erases what goes from what stands beside a fact; answers the tokens.
    pub fn erase(&self, actor: &str, private: &mut Private) -> Vec<String> {
        let known = private.0.iter().filter(|(_, (salt, _))| !salt.is_empty());
        let gone = known.filter(|(token, (_, text))| self.takes(token, text, actor));
        let gone: Vec<String> = gone.map(|(token, _)| token.clone()).collect();
        for token in &gone {
            if Kind::of(token) == Some(Kind::Person) {
                private.0.insert(token.clone(), (String::new(), self.pseudonym.clone()));
            } else {
                private.0.remove(token);
            }
        }
        gone
    }
}

/// Whether a text has the name of a person in it, and not only as the beginning of a longer one.
pub fn mentions(text: &str, person: &str) -> bool {
    let in_id = |next: char| next.is_alphanumeric() || "-_@".contains(next);
    // A full stop ends a sentence, unless the id goes on behind it.
    let goes_on = |rest: &str| rest.strip_prefix('.').unwrap_or(rest).starts_with(in_id);
    text.match_indices(person).any(|(at, _)| !goes_on(text.get(at + person.len()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn salts() -> impl FnMut() -> String {
        let mut number = 0_u32;
        move || {
            number += 1;
            format!("{number:032x}")
        }
    }

    /// By the encoding of docs/journal.md in another language.
    #[test]
    fn a_token_is_what_the_document_says() {
        assert_eq!(
            token(Kind::Text, "00", "é"),
            "~text:cce98c9649920df253cadfefdf9c86682a069b16cb2065d6f102461f5a6d896a"
        );
    }

    #[test]
    fn only_what_has_the_form_of_a_token_is_one() {
        let digest = "0".repeat(64);
        assert_eq!(Kind::of(&format!("~person:{digest}")), Some(Kind::Person));
        for text in ["", "~", "~text:", &digest, &format!("~text:{digest}0"), &format!("~text:{}", "G".repeat(64))] {
            assert_eq!(Kind::of(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_hidden_is_restored_and_what_was_erased_is_empty() {
        let (mut private, mut salt) = (Private::default(), salts());
        let text = private.hide(Kind::Text, "No mail".to_owned(), &mut salt);
        let person = private.hide(Kind::Person, "people/ann".to_owned(), &mut salt);
        let value = private.hide(Kind::Value, "[1,2]".to_owned(), &mut salt);
        let fact = json!({"a": text, "b": [text, person], "c": {"d": value}, "n": 1});
        let mut restored = fact.clone();
        private.restore(&mut restored);
        assert_eq!(restored, json!({"a": "No mail", "b": ["No mail", "people/ann"], "c": {"d": [1, 2]}, "n": 1}));
        assert_eq!(private.name(&person), "people/ann");
        let mut erased = fact;
        Private::default().restore(&mut erased);
        assert_eq!(erased, json!({"a": "", "b": [ERASED], "c": {}, "n": 1}));
        assert_eq!(Private::from_json(&private.to_json()).unwrap(), private);
    }

    #[test]
    fn equal_texts_have_tokens_of_their_own() {
        let (mut private, mut salt) = (Private::default(), salts());
        let one = private.hide(Kind::Text, "yes".to_owned(), &mut salt);
        assert_ne!(one, private.hide(Kind::Text, "yes".to_owned(), &mut salt));
    }

    #[test]
    fn names_texts_copies_and_mentions_go_and_others_stay() {
        let mut salt = salts();
        let mut hide = |values: &[(Kind, &str)]| {
            let mut private = Private::default();
            values.iter().for_each(|(kind, text)| drop(private.hide(*kind, (*text).to_owned(), &mut salt)));
            private
        };
        let mut hers = hide(&[(Kind::Person, "people/ann"), (Kind::Text, "I am ill"), (Kind::Value, "7")]);
        let mut other = hide(&[
            (Kind::Person, "people/anna"),
            (Kind::Text, "I am ill"),
            (Kind::Text, "ask people/ann"),
            (Kind::Text, "ask people/anna"),
        ]);
        let mut erasure = Erasure::of("people/ann", false, [&hers, &other]);
        erasure.note("people/ann", &hers);
        erasure.note("people/bob", &other);
        assert_eq!(erasure.erase("people/ann", &mut hers).len(), 3);
        assert_eq!(erasure.erase("people/bob", &mut other).len(), 2);
        let left = |private: &Private| private.iter().map(|(.., text)| text.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(left(&hers), BTreeSet::from([ERASED.to_owned()]));
        assert_eq!(left(&other), BTreeSet::from(["ask people/anna".to_owned(), "people/anna".to_owned()]));
        assert_eq!(erasure.erase("people/ann", &mut hers), [""; 0], "once is enough");
        assert_eq!(Erasure::of("people/anna", false, [&hers]).pseudonym, "people/erased-2");
        assert!(is_erased("people/erased-2") && !is_erased("people/erased-") && !is_erased("people/erasedly"));
    }
}
