//! Currencies as their ISO 4217 letters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::excerpt::excerpt;

/// Currencies whose minor unit is not a hundredth, from ISO 4217, table A.1.
const EXCEPTIONS: [(&str, u32); 26] = [
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Three upper-case letters as in ISO 4217; whether the code is assigned is not checked, since the list changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// No currency at all: `XXX` in ISO 4217.
    pub const NONE: Self = Self(*b"XXX");

    /// Reads a code; lower case, blanks and names are refused.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(Error::NotACurrency(excerpt(text))),
        }
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        // Letters by construction, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Digits of the minor unit after the point: 2 for EUR, 0 for JPY, 3 for BHD (ISO 4217).
    pub fn minor_digits(&self) -> u32 {
        EXCEPTIONS.iter().find(|(code, _)| *code == self.code()).map_or(2, |(_, digits)| *digits)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Currency {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_upper_case_letters() {
        assert_eq!(Currency::parse("EUR").unwrap().to_string(), "EUR");
        for wrong in ["", "eur", "EURO", "EU", "E R", "€", "12A"] {
            assert_eq!(Currency::parse(wrong), Err(Error::NotACurrency(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn minor_units_are_hundredths_unless_iso_4217_says_otherwise() {
        let digits = |code| Currency::parse(code).unwrap().minor_digits();
        assert_eq!((digits("EUR"), digits("JPY"), digits("BHD"), digits("CLF")), (2, 0, 3, 4));
    }

    #[test]
    fn a_currency_travels_as_its_code() {
        let euro: Currency = serde_json::from_str("\"EUR\"").unwrap();
        assert_eq!(serde_json::to_string(&euro).unwrap(), "\"EUR\"");
        assert!(serde_json::from_str::<Currency>("\"euro\"").is_err());
    }
}
