//! `itsm token`: API tokens for machines. The token is printed once; the token file holds its digest.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use ring::rand::{SecureRandom as _, SystemRandom};
use servicekit::Caller;
use servicekit::auth::token_line;

use crate::cli::NewToken;
use crate::import::Problem;

/// Random bytes in a token.
const BYTES: usize = 32;
/// What tokens begin with, so that one that has leaked into a file or a log is found.
const PREFIX: &str = "itsm_";

/// A token and its line of the token file.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// What the machine sends. It is kept nowhere.
    pub token: String,
    /// What the token file gets.
    pub line: String,
}

/// Makes a token for a caller.
pub fn new(args: &NewToken, now: Timestamp) -> Result<Made, Problem> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Problem::new("the machine has no random numbers"))?;
    let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let caller = Caller {
        actor: args.actor.clone(),
        customer: args.customer.clone(),
        roles: args.roles.iter().filter(|role| !role.is_empty()).cloned().collect(),
    };
    let expires_on = args.expires.as_deref().map(|text| day(text, now)).transpose()?;
    let line = token_line(&token, &caller, expires_on).map_err(Problem::new)?;
    Ok(Made { token, line })
}

/// A day in the future: `2027-01-01`, or `90d` from today on.
fn day(text: &str, now: Timestamp) -> Result<Date, Problem> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = match text.strip_suffix('d').map(str::parse::<i32>) {
        Some(Ok(days)) => today.checked_add(Span::new().try_days(days).unwrap_or_default()).ok(),
        _ => text.parse().ok(),
    };
    day.filter(|day| *day > today)
        .ok_or_else(|| Problem::new(format!("{text} is no day to come: write it as 90d or 2027-01-01")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-30T12:00:00Z";

    fn asked(expires: Option<&str>) -> NewToken {
        NewToken {
            actor: "systems/import".to_owned(),
            roles: vec!["tickets.importer".to_owned()],
            customer: None,
            expires: expires.map(str::to_owned),
        }
    }

    #[test]
    fn the_line_has_the_digest_and_not_the_token() {
        let made = new(&asked(Some("90d")), NOW.parse().unwrap()).unwrap();
        assert!(made.token.starts_with(PREFIX) && made.token.len() == PREFIX.len() + 43, "{made:?}");
        assert!(!made.line.contains(&made.token), "{made:?}");
        assert!(made.line.ends_with(" systems/import roles=tickets.importer expires=2027-02-28"), "{made:?}");
        assert_ne!(new(&asked(None), NOW.parse().unwrap()).unwrap().token, made.token);
    }

    #[test]
    fn only_a_day_to_come_is_taken() {
        for text in ["0d", "-1d", "2026-11-30", "1999-01-01", "d", "soon", "99999999999d"] {
            assert!(new(&asked(Some(text)), NOW.parse().unwrap()).is_err(), "{text}");
        }
        assert!(new(&asked(Some("2026-12-01")), NOW.parse().unwrap()).is_ok());
    }
}
