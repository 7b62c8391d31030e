//! `itsm.journal.v1.WebhookService`: the standard methods, dead letters and their redelivery.

use proto::journal::v1 as pb;
use proto::journal::v1::webhook_service_server::WebhookService;

use super::event::Secret;
use super::resource::Webhook;
use super::store::{self, Letter, Progress};
use crate::auth::Caller;
use crate::error::Error;
use crate::journal::{Entry, resume_token};
use crate::kit::Kit;
use crate::page::{self, Binding};
use crate::resource;
use crate::standard::{self, Desk};
use crate::wire;

/// Webhooks of one schema over gRPC.
#[derive(Clone)]
pub struct Service {
    desk: Desk,
}

impl Service {
    /// Serves the webhooks of the kit's schema.
    pub fn new(kit: Kit) -> Self {
        Self { desk: Desk { kit } }
    }

    /// Fills in how deliveries go.
    async fn reported(&self, caller: &Caller, mut webhooks: Vec<pb::Webhook>) -> Result<Vec<pb::Webhook>, Error> {
        let names = webhooks.iter().map(|webhook| webhook.name.clone()).collect();
        let kit = &self.desk.kit;
        let mut connection = kit.database.get(&kit.scope_of(caller)).await?;
        let progress = store::progress(&mut connection, names).await?;
        for webhook in &mut webhooks {
            if let Some(progress) = progress.get(&webhook.name) {
                self.report(webhook, progress);
            }
        }
        Ok(webhooks)
    }

    fn report(&self, webhook: &mut pb::Webhook, progress: &Progress) {
        let state = match (webhook.disabled, progress.last_error.is_empty()) {
            (true, _) => pb::WebhookState::Disabled,
            (false, true) => pb::WebhookState::Active,
            (false, false) => pb::WebhookState::Failing,
        };
        webhook.state = state.into();
        let (seq, recorded_at) = (progress.through_seq, progress.through_recorded_at.map(Into::into));
        let signer = &self.desk.kit.signer;
        webhook.delivered_through = resume_token(signer, &webhook.customer, &webhook.filter, seq, recorded_at);
        webhook.deliver_time = progress.delivered_at.map(|at| wire::timestamp(at.into()));
        webhook.last_error.clone_from(&progress.last_error);
        webhook.failed_attempt_count = progress.failed_attempts;
        webhook.retry_time = progress.retry_at.map(|at| wire::timestamp(at.into()));
        webhook.dead_letter_count = progress.dead_letters;
    }

    async fn reported_one(&self, caller: &Caller, webhook: pb::Webhook) -> Result<pb::Webhook, Error> {
        self.reported(caller, vec![webhook]).await?.pop().ok_or_else(|| Error::internal("one webhook has one message"))
    }
}

#[tonic::async_trait]
impl WebhookService for Service {
    crate::read_method! {
        "itsm.journal.v1.WebhookService/",
        GetWebhook get_webhook(self, caller, request: pb::GetWebhookRequest) -> pb::Webhook {
            self.reported_one(&caller, standard::get::<Webhook>(&self.desk, &caller, &request.name).await?).await
        }
    }

    crate::read_method! {
        "itsm.journal.v1.WebhookService/",
        ListWebhooks list_webhooks(self, caller, request: pb::ListWebhooksRequest) -> pb::ListWebhooksResponse {
            let list = page::Request {
                method: "itsm.journal.v1.WebhookService/ListWebhooks",
                page_size: request.page_size,
                page_token: &request.page_token,
                filter: &request.filter,
                order_by: &request.order_by,
                ..page::Request::default()
            };
            let page = standard::list::<Webhook>(&self.desk, &caller, list, "", request.show_deleted).await?;
            let webhooks = self.reported(&caller, page.items).await?;
            Ok(pb::ListWebhooksResponse { webhooks, next_page_token: page.next_page_token })
        }
    }

    crate::write_method! {
        "itsm.journal.v1.WebhookService/",
        CreateWebhook create_webhook(self, write, request: pb::CreateWebhookRequest) -> pb::Webhook {
            let caller = write.caller.clone();
            let mut message = request.webhook.unwrap_or_default();
            message.redeliver_time = None;
            if message.customer.is_empty() {
                write.caller.scope().clone_into(&mut message.customer);
            }
            // Made from the request, so that a repetition of it is answered with the same one.
            let made = message.secret.is_empty().then(|| {
                let key = &write.key;
                let of = ["webhook secret", &key.customer, &key.caller, &key.request_id.to_string(), &request.webhook_id];
                Secret::new(self.desk.kit.signer.derive(&Binding::new(&of))).show()
            });
            if let Some(made) = &made {
                message.secret.clone_from(made);
            }
            let id = &request.webhook_id;
            let created = standard::create::<Webhook>(&self.desk, write, "", id, Some(&message)).await?;
            Ok(pb::Webhook { secret: made.unwrap_or_default(), ..self.reported_one(&caller, created).await? })
        }
    }

    crate::write_method! {
        "itsm.journal.v1.WebhookService/",
        UpdateWebhook update_webhook(self, write, request: pb::UpdateWebhookRequest) -> pb::Webhook {
            let caller = write.caller.clone();
            let updated = standard::update::<Webhook>(&self.desk, write, request.webhook, request.update_mask).await?;
            self.reported_one(&caller, updated).await
        }
    }

    crate::write_method! {
        "itsm.journal.v1.WebhookService/",
        DeleteWebhook delete_webhook(self, write, request: pb::DeleteWebhookRequest) -> pb::Webhook {
            standard::delete::<Webhook>(&self.desk, write, &request.name, request.etag).await
        }
    }

    crate::read_method! {
        "itsm.journal.v1.WebhookService/",
        ListDeadLetters list_dead_letters(self, caller, request: pb::ListDeadLettersRequest)
        -> pb::ListDeadLettersResponse {
            let kit = &self.desk.kit;
            let webhook = resource::get::<Webhook>(kit, &caller, &request.parent).await?;
            let list = page::Request {
                method: "itsm.journal.v1.WebhookService/ListDeadLetters",
                page_size: request.page_size,
                page_token: &request.page_token,
                filter: &request.filter,
                ..page::Request::default()
            };
            let page = store::letters(kit, &caller, &webhook.name, list).await?.map(letter);
            Ok(pb::ListDeadLettersResponse { dead_letters: page.items, next_page_token: page.next_page_token })
        }
    }

    crate::write_method! {
        "itsm.journal.v1.WebhookService/",
        RedeliverDeadLetters redeliver_dead_letters(self, write, request: pb::RedeliverDeadLettersRequest)
        -> pb::Webhook {
            let caller = write.caller.clone();
            let (name, etag) = (&request.name, request.etag);
            let changed = standard::change::<Webhook, _>(&self.desk, write, name, etag, "redelivered", |before, now| {
                Ok(Webhook { redeliver_at: Some(now), ..before.body.clone() })
            });
            self.reported_one(&caller, changed.await?).await
        }
    }
}

fn letter(letter: Letter) -> pb::DeadLetter {
    pb::DeadLetter {
        journal_entry: Some(Entry::from(letter.entry).into()),
        fail_time: Some(wire::timestamp(letter.failed_at.into())),
        attempt_count: letter.failed_attempts,
        error: letter.error,
        redelivering: letter.redelivering,
    }
}
