//! Lists: page sizes, opaque authenticated tokens, and keyset pages of anything that has a filter.
//! A token is bound to method, caller and everything that selects rows; it freezes `now()` for all pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::filter::{self, Direction, Typed};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::auth::Caller;
use crate::error::{self, Error, Violation};
use crate::filter::Fields;
use crate::kit::Kit;
use crate::sql::Sql;

/// Page size when a request states none.
pub const DEFAULT_SIZE: u16 = 50;
/// Largest page; larger requests are lowered to it.
pub const MAX_SIZE: u16 = 1000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The members, in the order asked for.
    pub items: Vec<T>,
    /// Token of the next page. Empty at the end.
    pub next_page_token: String,
}

impl<T> Page<T> {
    /// The same page with every member converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next_page_token: self.next_page_token }
    }
}

/// The rows a request wants: 0 means [`DEFAULT_SIZE`], above [`MAX_SIZE`] means that, negative is refused.
pub fn size(requested: i32) -> Result<usize, Error> {
    match u16::try_from(requested) {
        Ok(0) => Ok(DEFAULT_SIZE.into()),
        Ok(size) => Ok(size.min(MAX_SIZE).into()),
        Err(_) if requested > 0 => Ok(MAX_SIZE.into()),
        Err(_) => Err(Error::invalid("page_size", "is negative: use 0 for the default")),
    }
}

/// What a list method was asked for, as it came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// Full name of the method: tokens of one are no good for another.
    pub method: &'static str,
    /// As in the request.
    pub page_size: i32,
    /// As in the request. Empty: the first page.
    pub page_token: &'a str,
    /// As in the request. Empty: everything.
    pub filter: &'a str,
    /// As in the request. Empty: by the unique field.
    pub order_by: &'a str,
    /// Whatever else selects rows, for instance the parent: a change makes a token invalid.
    pub selection: &'a str,
}

/// A list method under way: adds condition, order and limit to a statement and cuts the rows into a page.
///
/// ```ignore
/// let listing = Listing::open(kit, caller, &FIELDS, request)?;
/// let mut sql = Sql::new("SELECT name, body, ");
/// listing.keyset(&mut sql);                       // AS keyset
/// sql.push(" FROM thing WHERE deleted_at IS NULL");
/// listing.restrict(&mut sql);                     // AND … ORDER BY … LIMIT …
/// let rows: Vec<ThingRow> = sql.load(connection).await?;
/// let page = listing.page(rows, |row| row.keyset.clone());
/// ```
pub struct Listing<'a> {
    size: usize,
    filter: Typed,
    order: Vec<(usize, Direction)>,
    after: Option<Keyset>,
    at: Timestamp,
    fields: &'a Fields,
    binding: Binding,
    signer: Signer,
}

/// The values of the ordering columns in a row, as text; `None` for NULL. Column type `Array<Nullable<Text>>`.
pub type Keyset = Vec<Option<String>>;

impl<'a> Listing<'a> {
    /// Checks size, token, filter and order.
    pub fn open(kit: &Kit, caller: &Caller, fields: &'a Fields, request: Request<'_>) -> Result<Self, Error> {
        let size = size(request.page_size)?;
        let binding = Binding::new(&[
            request.method,
            &caller.actor,
            caller.scope(),
            request.filter.trim(),
            request.order_by.trim(),
            request.selection,
        ]);
        let token = match request.page_token {
            "" => None,
            text => Some(kit.signer.open::<Token>(&binding, text)?),
        };
        let at = token.as_ref().map_or_else(|| Ok(kit.clock.now()), Token::at)?;
        let context = filter::Context { now: at, me: Some(caller.actor.clone()) };
        let typed = filter::compile(request.filter, fields.schema(), &context)
            .map_err(|fault| not_understood("filter", &fault))?;
        let mut order = filter::parse_order(request.order_by, fields.schema())
            .map_err(|fault| not_understood("order_by", &fault))?;
        if order.iter().all(|(field, _)| *field != fields.key()) {
            order.push((fields.key(), Direction::Ascending));
        }
        let after = token.map(|token| token.keyset);
        if after.as_ref().is_some_and(|keyset| keyset.len() != order.len()) {
            return Err(invalid_token("page_token"));
        }
        Ok(Self { size, filter: typed, order, after, at, fields, binding, signer: kit.signer.clone() })
    }

    /// Appends the selected column `keyset`, which [`Listing::page`] wants back.
    pub fn keyset(&self, sql: &mut Sql) {
        sql.push("ARRAY[");
        for (index, (field, _)) in self.order.iter().enumerate() {
            sql.push(if index == 0 { "(" } else { ", (" }).push(self.fields.ordering(*field).0).push(")::text");
        }
        sql.push("]::text[] AS keyset");
    }

    /// Appends the condition to a statement that has a WHERE already, then order and limit.
    pub fn restrict(&self, sql: &mut Sql) {
        sql.push(" AND ");
        self.fields.condition(&self.filter, sql);
        if let Some(after) = &self.after {
            sql.push(" AND ");
            self.fields.after(&self.order, after, sql);
        }
        sql.push(" ORDER BY ");
        for (index, (field, direction)) in self.order.iter().enumerate() {
            sql.push(if index == 0 { "" } else { ", " }).push(self.fields.ordering(*field).0);
            sql.push(if *direction == Direction::Descending { " DESC" } else { "" });
        }
        sql.push(&format!(" LIMIT {}", self.size + 1));
    }

    /// The checked filter, for methods that group or count instead of paging.
    pub fn filter(&self) -> &Typed {
        &self.filter
    }

    /// The instant that `now()` stands for on every page of this list.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Cuts the rows, of which there may be one more than the page holds, and seals the next token.
    pub fn page<T>(&self, mut rows: Vec<T>, keyset: impl Fn(&T) -> Keyset) -> Page<T> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        let next_page_token = match rows.last() {
            Some(last) if more => {
                self.signer.seal(&self.binding, &Token { at: self.at.as_microsecond(), keyset: keyset(last) })
            }
            _ => String::new(),
        };
        Page { items: rows, next_page_token }
    }
}

fn not_understood(field: &str, fault: &filter::Error) -> Error {
    Error::Invalid { reason: error::FILTER_INVALID, violations: vec![Violation::new(field, fault.to_string())] }
}

fn invalid_token(field: &str) -> Error {
    Error::Invalid {
        reason: error::PAGE_TOKEN_INVALID,
        violations: vec![Violation::new(
            field,
            "does not belong to this method, caller, filter and order: start again without it",
        )],
    }
}

#[derive(Serialize, Deserialize)]
struct Token {
    #[serde(rename = "t")]
    at: i64,
    #[serde(rename = "k")]
    keyset: Keyset,
}

impl Token {
    fn at(&self) -> Result<Timestamp, Error> {
        Timestamp::from_microsecond(self.at).map_err(|_| invalid_token("page_token"))
    }
}

/// What a token is good for; opening it with another binding fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding(Vec<u8>);

impl Binding {
    /// Binds to all of these texts, in this order.
    pub fn new(texts: &[&str]) -> Self {
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        Self(bytes)
    }
}

/// Makes and opens tokens that clients cannot make themselves (HMAC-SHA-256, key in the database).
#[derive(Clone)]
pub struct Signer {
    mac: Hmac<Sha256>,
}

/// Length of the truncated MAC: 128 bits.
const MAC_BYTES: usize = 16;

impl Signer {
    /// Signs with this key; an empty one is refused.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        if key.is_empty() {
            return Err(Error::internal("the key for page tokens is empty"));
        }
        Ok(Self { mac: Hmac::new_from_slice(key).map_err(Error::internal)? })
    }

    /// Makes a token: the content readable, but good for this binding only and impossible to alter.
    pub fn seal<T: Serialize>(&self, binding: &Binding, content: &T) -> String {
        let content = serde_json::to_vec(content).unwrap_or_default();
        let mut token = self.mac_of(binding, &content)[..MAC_BYTES].to_vec();
        token.extend(content);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Opens a token; PAGE_TOKEN_INVALID when it was altered or made for something else.
    pub fn open<T: for<'de> Deserialize<'de>>(&self, binding: &Binding, token: &str) -> Result<T, Error> {
        let field = "page_token";
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid_token(field))?;
        let (mac, content) = bytes.split_at_checked(MAC_BYTES).ok_or_else(|| invalid_token(field))?;
        let mut expected = self.mac.clone();
        expected.update(&binding.0);
        expected.update(content);
        expected.verify_truncated_left(mac).map_err(|_| invalid_token(field))?;
        serde_json::from_slice(content).map_err(|_| invalid_token(field))
    }

    /// Makes a key that is the same for the same binding and that nobody else can make.
    pub(crate) fn derive(&self, binding: &Binding) -> [u8; 32] {
        self.mac_of(binding, &[])
    }

    fn mac_of(&self, binding: &Binding, content: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(&binding.0);
        mac.update(content);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_follow_the_contract() {
        assert_eq!(size(0).unwrap(), 50);
        assert_eq!(size(7).unwrap(), 7);
        assert_eq!(size(1000).unwrap(), 1000);
        assert_eq!(size(1001).unwrap(), 1000);
        assert_eq!(size(i32::MAX).unwrap(), 1000);
        assert_eq!(size(-1).unwrap_err().reason(), error::FIELD_INVALID);
    }

    #[test]
    fn a_token_opens_only_where_it_was_made_for() {
        let signer = Signer::new(b"key").unwrap();
        let made_for = Binding::new(&["List", "people/ann", "a = 1"]);
        let token = signer.seal(&made_for, &vec![1, 2]);
        assert_eq!(signer.open::<Vec<i32>>(&made_for, &token).unwrap(), [1, 2]);
        for other in [
            Binding::new(&["List", "people/bob", "a = 1"]),
            Binding::new(&["List", "people/anna", " = 1"]),
            Binding::new(&["List", "people/ann"]),
        ] {
            assert_eq!(signer.open::<Vec<i32>>(&other, &token).unwrap_err().reason(), error::PAGE_TOKEN_INVALID);
        }
        assert!(Signer::new(b"other").unwrap().open::<Vec<i32>>(&made_for, &token).is_err());
    }

    #[test]
    fn an_altered_token_is_refused() {
        let signer = Signer::new(b"key").unwrap();
        let binding = Binding::new(&["List"]);
        let token = signer.seal(&binding, &1);
        for index in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            if URL_SAFE_NO_PAD.decode(&altered).ok() == URL_SAFE_NO_PAD.decode(&token).ok() {
                continue;
            }
            assert!(signer.open::<i32>(&binding, &altered).is_err(), "{index}");
        }
        assert!(signer.open::<i32>(&binding, "").is_err());
        assert!(signer.open::<i32>(&binding, "??").is_err());
    }
}
