//! Rows of `COPY … (FORMAT binary)`: counted fields of known types, read without a copy.

use jiff::Timestamp;

use crate::Error;

/// What every binary copy begins with.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Microseconds from 1970 to 2000, where Postgres counts from.
const EPOCH: i64 = 946_684_800_000_000;

/// Takes whole rows out of a stream of chunks; a row may be split over chunks.
#[derive(Debug, Default)]
pub(super) struct Rows {
    buffer: Vec<u8>,
    start: usize,
    begun: bool,
}

/// The fields of one row, read in the order of the columns.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    view: &'a str,
    bytes: &'a [u8],
}

impl Rows {
    /// Adds a chunk.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(chunk);
    }

    /// The next whole row with `columns` fields; `None` if it has not arrived yet, or at the end.
    pub(super) fn next<'a>(&'a mut self, view: &'a str, columns: usize) -> Result<Option<Fields<'a>>, Error> {
        if !self.begun {
            let Some(head) = self.rest().get(..SIGNATURE.len() + 8) else { return Ok(None) };
            if &head[..SIGNATURE.len()] != SIGNATURE {
                return Err(Error::decode(view, "the server did not answer with a binary copy"));
            }
            let extension = usize::try_from(int4(&head[SIGNATURE.len() + 4..])).unwrap_or_default();
            if self.rest().len() < SIGNATURE.len() + 8 + extension {
                return Ok(None);
            }
            self.start += SIGNATURE.len() + 8 + extension;
            self.begun = true;
        }
        let rest = self.rest();
        let Some(count) = rest.get(..2) else { return Ok(None) };
        let count = i16::from_be_bytes([count[0], count[1]]);
        if count < 0 {
            return Ok(None);
        }
        if usize::try_from(count) != Ok(columns) {
            return Err(Error::decode(view, format!("it has {count} columns, {columns} are expected")));
        }
        let mut end = 2;
        for _ in 0..columns {
            let Some(length) = rest.get(end..end + 4) else { return Ok(None) };
            end += 4 + usize::try_from(int4(length)).unwrap_or_default();
        }
        if rest.len() < end {
            return Ok(None);
        }
        let from = self.start + 2;
        self.start += end;
        Ok(Some(Fields { view, bytes: &self.buffer[from..self.start] }))
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

impl<'a> Fields<'a> {
    /// The next field; `None` for a null.
    fn take(&mut self) -> Result<Option<&'a [u8]>, Error> {
        let Some((length, rest)) = self.bytes.split_at_checked(4) else {
            return Err(self.wrong("a column is missing"));
        };
        let Ok(length) = usize::try_from(int4(length)) else {
            self.bytes = rest;
            return Ok(None);
        };
        let Some((field, rest)) = rest.split_at_checked(length) else {
            return Err(self.wrong("a column is cut short"));
        };
        self.bytes = rest;
        Ok(Some(field))
    }

    /// A text; a null is an empty one.
    pub(super) fn text(&mut self) -> Result<&'a str, Error> {
        let field = self.take()?.unwrap_or_default();
        std::str::from_utf8(field).map_err(|error| self.wrong(error))
    }

    /// A number of 64 bits.
    pub(super) fn int8(&mut self) -> Result<i64, Error> {
        let field = self.take()?;
        let bytes = field.and_then(|field| field.try_into().ok());
        bytes.map(i64::from_be_bytes).ok_or_else(|| self.wrong("a number is missing or of another type"))
    }

    /// A truth value; a null is `false`.
    pub(super) fn bool(&mut self) -> Result<bool, Error> {
        Ok(self.take()? == Some(&[1]))
    }

    /// An instant; `None` for a null.
    pub(super) fn instant(&mut self) -> Result<Option<Timestamp>, Error> {
        let Some(field) = self.take()? else { return Ok(None) };
        let micros =
            field.try_into().map(i64::from_be_bytes).map_err(|_| self.wrong("an instant is of another type"))?;
        let at = micros.checked_add(EPOCH).and_then(|micros| Timestamp::from_microsecond(micros).ok());
        at.map(Some).ok_or_else(|| self.wrong("an instant is out of range"))
    }

    /// An instant that is always there.
    pub(super) fn at(&mut self) -> Result<Timestamp, Error> {
        self.instant()?.ok_or_else(|| self.wrong("an instant is missing"))
    }

    /// The text of a `jsonb`, without its version byte.
    pub(super) fn json(&mut self) -> Result<&'a [u8], Error> {
        match self.take()?.and_then(<[u8]>::split_first) {
            Some((1, text)) => Ok(text),
            _ => Err(self.wrong("a JSON value is missing or of another version")),
        }
    }

    fn wrong(&self, problem: impl ToString) -> Error {
        Error::decode(self.view, problem)
    }
}

/// A number of 32 bits; the caller has seen to it that there are four bytes.
fn int4(bytes: &[u8]) -> i32 {
    bytes.first_chunk().map_or(-1, |bytes| i32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A copy of rows with a text (or null) and a number.
    fn copy(rows: &[(Option<&str>, i64)]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        for (text, number) in rows {
            bytes.extend(2_i16.to_be_bytes());
            match text {
                Some(text) => {
                    bytes.extend(i32::try_from(text.len()).unwrap().to_be_bytes());
                    bytes.extend(text.as_bytes());
                }
                None => bytes.extend((-1_i32).to_be_bytes()),
            }
            bytes.extend(8_i32.to_be_bytes());
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    fn read(bytes: &[u8], chunk: usize) -> Vec<(String, i64)> {
        let mut rows = Rows::default();
        let mut found = Vec::new();
        for chunk in bytes.chunks(chunk) {
            rows.feed(chunk);
            while let Some(mut fields) = rows.next("a view", 2).unwrap() {
                found.push((fields.text().unwrap().to_owned(), fields.int8().unwrap()));
            }
        }
        found
    }

    #[test]
    fn rows_may_be_split_anywhere() {
        let bytes = copy(&[(Some("one"), 1), (None, -2), (Some(""), i64::MAX)]);
        let expected = [("one".to_owned(), 1), (String::new(), -2), (String::new(), i64::MAX)];
        for chunk in 1..bytes.len() {
            assert_eq!(read(&bytes, chunk), expected, "chunks of {chunk}");
        }
    }

    #[test]
    fn a_view_with_other_columns_is_named() {
        let bytes = copy(&[(Some("one"), 1)]);
        let mut rows = Rows::default();
        rows.feed(&bytes);
        let problem = rows.next("catalog.report_v1_services", 3).unwrap_err().to_string();
        assert_eq!(problem, "catalog.report_v1_services cannot be read: it has 2 columns, 3 are expected");
    }

    #[test]
    fn instants_count_from_the_year_2000() {
        let mut bytes = 8_i32.to_be_bytes().to_vec();
        bytes.extend(1_000_000_i64.to_be_bytes());
        let at = Fields { view: "a view", bytes: &bytes }.at().unwrap();
        assert_eq!(at.to_string(), "2000-01-01T00:00:01Z");
    }
}
