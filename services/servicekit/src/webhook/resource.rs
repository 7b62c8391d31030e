//! What is subscribed to: the resource, its message, and the row of its deliveries that comes and goes with it.

use std::sync::LazyLock;

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use domain::filter::{Context, Field, Kind, Typed};
use domain::violation::{self, Violation};
use futures::future::BoxFuture;
use jiff::Timestamp;
use proto::journal::v1 as pb;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::event::Secret;
use super::store;
use crate::auth::Caller;
use crate::convert::Reader;
use crate::db::Connection;
use crate::error::{self, Error};
use crate::filter::{Column, Fields};
use crate::journal;
use crate::resource::{self, Resource, Stored, Visibility};
use crate::scope::Scope;
use crate::sql::Sql;
use crate::standard::{self, Declared};
use crate::wire;

/// Webhooks that exist at once in one schema.
pub const MOST: i64 = 100;

/// A webhook as it is stored, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Webhook {
    pub(super) display_name: String,
    pub(super) url: String,
    pub(super) filter: String,
    /// Empty: every fact is delivered, not only those of one customer.
    pub(super) customer: String,
    pub(super) disabled: bool,
    pub(super) redeliver_at: Option<Timestamp>,
    /// A secret that is to replace the one there is; on its way in only.
    #[serde(skip)]
    pub(super) secret: Option<Secret>,
}

impl Webhook {
    /// The filter with its meaning; `now()` stands for `created_at`.
    pub(super) fn compile(&self, created_at: Timestamp) -> Result<Typed, domain::filter::Error> {
        domain::filter::compile(&self.filter, journal::FIELDS.schema(), &Context { now: created_at, me: None })
    }

    /// Whose eyes facts are chosen with.
    pub(super) fn viewer(&self) -> Caller {
        let customer = Some(self.customer.clone()).filter(|customer| !customer.is_empty());
        Caller { customer, ..Caller::trusted("systems/webhooks") }
    }
}

/// How deliveries go, of the webhook at hand.
const STATE: &str = "(SELECT CASE WHEN disabled THEN 'DISABLED' WHEN d.last_error <> '' THEN 'FAILING' ELSE 'ACTIVE' \
     END FROM webhook_delivery d WHERE d.webhook = name)";

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::new(resource::columns([
        Column::text("url", "endpoint", "url"),
        Column::text("customer", "customer whose public facts are delivered", "nullif(customer_id, '')"),
        Column::new(Field::new("disabled", Kind::Bool, "whether deliveries rest"), "disabled"),
        Column::new(Field::choice("state", &["ACTIVE", "FAILING", "DISABLED"], "how deliveries go"), STATE),
    ]))
});

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Resource for Webhook {
    const TABLE: &'static str = "webhook";
    const KIND: &'static str = "webhook";
    const VISIBILITY: Visibility = Visibility::Customer("customer_id");

    fn fields() -> &'static Fields {
        &FIELDS
    }

    fn validate(&self) -> Vec<crate::Violation> {
        standard::violations(self)
    }

    fn customer(&self) -> &str {
        &self.customer
    }

    fn guard<'a>(
        connection: &'a mut Connection,
        before: Option<&'a Stored<Self>>,
        after: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if let Some(before) = before {
                if before.body.customer == after.body.customer {
                    return Ok(());
                }
                return Err(Error::invalid("webhook.customer", "never changes: create another webhook"));
            }
            let sql = Sql::new("SELECT count(*) AS count FROM webhook WHERE deleted_at IS NULL");
            // The limit is of all, whoever asks.
            let own = connection.within(Scope::Everything);
            let Count { count } = sql.get_result(connection).await?;
            connection.within(own);
            if count < MOST {
                return Ok(());
            }
            let message = format!("there are {count} webhooks already, the most there can be: delete one first");
            Err(Error::refused(error::LIMIT_REACHED, &after.name, message))
        })
    }

    fn accompany<'a>(
        connection: &'a mut Connection,
        before: Option<&'a Stored<Self>>,
        after: &'a Stored<Self>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let secret = after.body.secret.as_ref();
            match (before, secret) {
                _ if after.deleted_at.is_some() => store::end(connection, &after.name).await,
                (None, Some(secret)) => store::begin(connection, &after.name, secret).await,
                (None, None) => Err(Error::internal("a webhook is created with a secret")),
                (Some(before), secret) => {
                    store::try_at_once(connection, &after.name, secret).await?;
                    if before.body.redeliver_at == after.body.redeliver_at {
                        return Ok(());
                    }
                    store::redeliver(connection, &after.name).await
                }
            }
        })
    }
}

impl Declared for Webhook {
    type Message = pb::Webhook;
    const MESSAGE: &'static str = "itsm.journal.v1.Webhook";
    const WORDS: &'static [&'static str] = &["webhooks"];
    const OUTPUT_ONLY: &'static [&'static str] = &[
        "state",
        "delivered_through",
        "deliver_time",
        "last_error",
        "failed_attempt_count",
        "retry_time",
        "dead_letter_count",
        "redeliver_time",
    ];

    fn read(reader: &mut Reader, _: &str, message: &pb::Webhook) -> Option<Self> {
        let secret = match message.secret.as_str() {
            "" => None,
            text => Secret::parse(text).map_err(|fault| reader.object("secret", fault)).ok(),
        };
        Some(Self {
            display_name: message.display_name.clone(),
            url: message.url.clone(),
            filter: message.filter.clone(),
            customer: message.customer.clone(),
            disabled: message.disabled,
            redeliver_at: reader.timestamp("redeliver_time", message.redeliver_time.as_ref()),
            secret,
        })
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::required(&mut found, "url", &self.url);
        violation::lines(&mut found, &[("url", &self.url)]);
        if let Err(fault) = check_url(&self.url)
            && found.iter().all(|violation| violation.field != "url")
        {
            found.push(Violation::new("url", fault));
        }
        if let Err(fault) = self.compile(Timestamp::UNIX_EPOCH) {
            found.push(Violation::new("filter", fault.to_string()));
        }
        violation::reference(&mut found, "customer", "customers", &self.customer);
        found
    }

    fn show(&self) -> pb::Webhook {
        pb::Webhook {
            display_name: self.display_name.clone(),
            url: self.url.clone(),
            filter: self.filter.clone(),
            customer: self.customer.clone(),
            disabled: self.disabled,
            redeliver_time: self.redeliver_at.map(wire::timestamp),
            ..pb::Webhook::default()
        }
    }

    crate::head!();
}

fn check_url(url: &str) -> Result<(), String> {
    let url = Url::parse(url).map_err(|fault| format!("is not a URL ({fault}): write https://host/path"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(format!("begins with {}: write https://host/path", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "holds a user or a password, which every reader of the journal would see: leave them out".to_owned()
        );
    }
    if url.fragment().is_some() {
        return Err("has a fragment, which is never sent: leave out what follows #".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> pb::Webhook {
        pb::Webhook {
            display_name: "Pager".to_owned(),
            url: "https://example.com/itsm?team=1".to_owned(),
            filter: "kind = \"ticket.*\" AND occur_time > now() - 1d".to_owned(),
            customer: "customers/acme".to_owned(),
            disabled: true,
            ..pb::Webhook::default()
        }
    }

    #[test]
    fn a_webhook_is_the_same_after_a_round_trip_but_for_its_secret() {
        let secret = Secret::new([7; 32]);
        let sent = pb::Webhook { secret: secret.show(), ..message() };
        assert_eq!(standard::unset::<Webhook>(&sent), Vec::<String>::new());
        let body = standard::read::<Webhook>("webhooks/pager", &sent).unwrap();
        assert_eq!(body.secret, Some(secret));
        assert_eq!(body.show(), message());
        let stored = serde_json::to_value(&body).unwrap();
        assert!(stored.get("secret").is_none(), "{stored}");
        let read: Webhook = serde_json::from_value(stored).unwrap();
        assert_eq!(read, Webhook { secret: None, ..body });
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let wrong = pb::Webhook {
            display_name: String::new(),
            url: "ftp://example.com".to_owned(),
            filter: "actor = me".to_owned(),
            customer: "acme".to_owned(),
            secret: "secret".to_owned(),
            ..message()
        };
        let found = standard::read::<Webhook>("", &wrong).unwrap_err();
        let fields: Vec<_> = found.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(
            fields,
            ["webhook.secret", "webhook.display_name", "webhook.url", "webhook.filter", "webhook.customer"]
        );
    }

    #[test]
    fn a_url_is_of_the_web_and_says_nothing_secret() {
        for right in ["https://example.com", "http://10.1.2.3:8080/a?b=c", "https://[2001:db8::1]/"] {
            assert_eq!(check_url(right), Ok(()), "{right}");
        }
        for wrong in ["", "example.com", "/path", "file:///etc/passwd", "https://", "https://u:p@h/", "https://h/#a"] {
            assert!(check_url(wrong).is_err(), "{wrong}");
        }
    }
}
