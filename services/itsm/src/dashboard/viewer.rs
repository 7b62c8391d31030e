//! Somebody who is let in: asks the services in their name, and says in a sentence what they cannot be shown.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::html;
use proto::catalog::v1 as catalog;
use proto::operations::v1 as pb;
use proto::supplier::v1 as supplier;
use servicekit::clock::{Clock as _, System};
use servicekit::error;
use tonic::service::interceptor::InterceptedService;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::page;
use super::saved::{self, Saved};
use super::sign_in::sign_in_path;
use super::site::{Service, Site};
use crate::client::{Channel, Token, sentence};

/// Name of the cookie that holds the viewer's token.
pub(super) const COOKIE: &str = "itsm_token";
/// Largest answer that is read.
const LARGEST: usize = 16 << 20;
/// Most items that are read of what has no method that counts.
const MOST: usize = 10_000;

/// Somebody who is let in.
pub(super) struct Viewer {
    site: Arc<Site>,
    token: Token,
    /// Whether there is a token that can be given up.
    pub(super) signed_in: bool,
    /// The present, the same everywhere on a page.
    pub(super) now: Timestamp,
    /// Lists that the browser has kept under names.
    pub(super) saved: Vec<Saved>,
}

/// What a service answered, or why there is nothing to show.
pub(super) type Asked<T> = Result<T, Lack>;

/// Why there is nothing to show.
#[derive(Debug, Clone)]
pub(super) struct Lack {
    /// Who should have answered.
    pub(super) service: Service,
    /// What kind of refusal it is.
    pub(super) code: Code,
    /// Why, for people.
    pub(super) sentence: String,
    /// Set when the token is accepted no longer.
    pub(super) ended: Option<Ended>,
}

impl Lack {
    fn down(service: Service, sentence: String) -> Self {
        Self { service, code: Code::Unavailable, sentence, ended: None }
    }

    /// Whether the service is not there at all.
    pub(super) fn is_down(&self) -> bool {
        self.code == Code::Unavailable
    }

    /// Whether the request itself was not understood: a filter, an order.
    pub(super) fn is_invalid(&self) -> bool {
        self.code == Code::InvalidArgument
    }

    /// A refusal as pages show it.
    fn of(service: Service, status: &Status, site: &Site) -> Self {
        let told = status.get_details_error_info().is_some();
        let lack = |code, sentence| Self { service, code, sentence, ended: None };
        match status.code() {
            Code::Unauthenticated => {
                Self { ended: Some(Ended::of(status)), ..lack(Code::Unauthenticated, sentence(status)) }
            }
            Code::Cancelled | Code::DeadlineExceeded => lack(
                Code::Unavailable,
                format!("the {} service did not answer within {:?}", service.name(), site.config.deadline),
            ),
            Code::Unavailable | Code::Unknown | Code::Internal if !told => {
                let address = &site.upstream(service).address;
                lack(Code::Unavailable, format!("the {} service at {address} broke off", service.name()))
            }
            code => lack(code, sentence(status)),
        }
    }
}

/// Methods that ask a service in the viewer's name, each with what it asks and what is answered.
macro_rules! questions {
    ($($service:ident $client:ty { $($method:ident($request:ty) -> $answer:ty;)+ })+) => {
        impl Viewer {
            $($(
                pub(super) async fn $method(&self, request: $request) -> Asked<$answer> {
                    let channel = self.channel(Service::$service).await?;
                    let mut client = <$client>::new(channel).max_decoding_message_size(LARGEST);
                    self.answer(Service::$service, client.$method(request).await)
                }
            )+)+
        }
    };
}

questions! {
    Operations pb::ticket_service_client::TicketServiceClient<Channel> {
        get_ticket(pb::GetTicketRequest) -> pb::Ticket;
        batch_get_tickets(pb::BatchGetTicketsRequest) -> pb::BatchGetTicketsResponse;
        list_tickets(pb::ListTicketsRequest) -> pb::ListTicketsResponse;
        count_tickets(pb::CountTicketsRequest) -> pb::CountTicketsResponse;
        list_approvals(pb::ListApprovalsRequest) -> pb::ListApprovalsResponse;
        list_notes(pb::ListNotesRequest) -> pb::ListNotesResponse;
        list_facts(pb::ListFactsRequest) -> pb::ListFactsResponse;
        explain_clocks(pb::ExplainClocksRequest) -> pb::ExplainClocksResponse;
    }
    Catalog catalog::portfolio_service_client::PortfolioServiceClient<Channel> {
        get_service(catalog::GetServiceRequest) -> catalog::Service;
        list_services(catalog::ListServicesRequest) -> catalog::ListServicesResponse;
        list_offerings(catalog::ListOfferingsRequest) -> catalog::ListOfferingsResponse;
    }
    Catalog catalog::agreement_service_client::AgreementServiceClient<Channel> {
        get_customer(catalog::GetCustomerRequest) -> catalog::Customer;
        list_customers(catalog::ListCustomersRequest) -> catalog::ListCustomersResponse;
        get_agreement(catalog::GetAgreementRequest) -> catalog::Agreement;
        list_agreements(catalog::ListAgreementsRequest) -> catalog::ListAgreementsResponse;
    }
    Catalog catalog::value_service_client::ValueServiceClient<Channel> {
        list_cost_entries(catalog::ListCostEntriesRequest) -> catalog::ListCostEntriesResponse;
    }
    Supplier supplier::supplier_service_client::SupplierServiceClient<Channel> {
        get_supplier(supplier::GetSupplierRequest) -> supplier::Supplier;
        list_suppliers(supplier::ListSuppliersRequest) -> supplier::ListSuppliersResponse;
        get_contract(supplier::GetContractRequest) -> supplier::Contract;
        list_contracts(supplier::ListContractsRequest) -> supplier::ListContractsResponse;
    }
}

impl Viewer {
    async fn channel(&self, service: Service) -> Asked<Channel> {
        let channel = self.site.upstream(service).channel().await;
        let channel = channel.map_err(|problem| {
            Lack::down(service, format!("the {} service cannot be asked: {problem}", service.name()))
        })?;
        Ok(InterceptedService::new(channel, self.token.clone()))
    }

    fn answer<T>(&self, service: Service, outcome: Result<tonic::Response<T>, Status>) -> Asked<T> {
        outcome.map(tonic::Response::into_inner).map_err(|status| {
            let lack = Lack::of(service, &status, &self.site);
            if lack.is_down() {
                self.site.upstream(service).give_up();
            }
            lack
        })
    }

    /// Somebody with this token. Empty: nobody in particular, where everybody is let in.
    pub(super) fn with(site: Arc<Site>, token: &str) -> Result<Self, Refusal> {
        let token = Token::new(token).map_err(|problem| Refusal::new(StatusCode::BAD_REQUEST, problem.to_string()))?;
        let (signed_in, deadline) = (!site.config.insecure, site.config.deadline);
        Ok(Self { site, token: token.within(deadline), signed_in, now: System.now(), saved: Vec::new() })
    }

    /// Refuses a token that no service accepts; for pages that ask none, and before those that ask several.
    pub(super) async fn verify(&self) -> Result<(), Refusal> {
        self.known().await.map_err(Refusal::from)
    }

    /// Whether a service knows the token and answers it. Where operations has nothing for the caller, or is not there,
    /// another one decides.
    pub(super) async fn known(&self) -> Asked<()> {
        let first = pb::ListTicketsRequest { page_size: 1, ..Default::default() };
        let Err(lack) = self.list_tickets(first).await else { return Ok(()) };
        if lack.ended.is_some() {
            return Err(lack);
        }
        let next = catalog::ListServicesRequest { page_size: 1, ..Default::default() };
        match self.list_services(next).await {
            Ok(_) => Ok(()),
            Err(other) if other.ended.is_some() || lack.is_down() && !other.is_down() => Err(other),
            Err(_) => Err(lack),
        }
    }

    /// How many tickets a filter selects.
    pub(super) async fn count(&self, filter: &str) -> Asked<i64> {
        let request = pb::CountTicketsRequest { filter: filter.to_owned(), ..Default::default() };
        Ok(self.count_tickets(request).await?.total_count)
    }

    /// How many tickets a filter selects, by the values of a field.
    pub(super) async fn counts(&self, filter: &str, group_by: &str) -> Asked<Vec<pb::TicketCount>> {
        let request = pb::CountTicketsRequest { filter: filter.to_owned(), group_by: group_by.to_owned() };
        Ok(self.count_tickets(request).await?.counts)
    }

    /// How many contracts a filter selects; nothing when there are more than a page cares to count.
    pub(super) async fn count_contracts(&self, filter: &str) -> Asked<Option<usize>> {
        let mut count = 0;
        let mut page_token = String::new();
        loop {
            let filter = filter.to_owned();
            let request = supplier::ListContractsRequest { filter, page_size: 1000, page_token, ..Default::default() };
            let answer = self.list_contracts(request).await?;
            count += answer.contracts.len();
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return Ok(Some(count));
            }
            if count >= MOST {
                return Ok(None);
            }
        }
    }
}

impl FromRequestParts<Arc<Site>> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Response> {
        let insecure = site.config.insecure;
        let token = if insecure { None } else { cookie(&parts.headers, COOKIE) }.unwrap_or_default();
        if token.is_empty() && !insecure {
            return Err(Redirect::to(&sign_in_path(&parts.uri, None)).into_response());
        }
        let viewer = Self::with(site.clone(), token).map_err(IntoResponse::into_response)?;
        Ok(Self { saved: saved::read(&parts.headers), ..viewer })
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
}

/// Why somebody who was signed in has to sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The token has expired.
    Expired,
    /// The services accept the token no longer.
    Refused,
}

impl Ended {
    fn of(status: &Status) -> Self {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        if reason == error::TOKEN_EXPIRED.name { Self::Expired } else { Self::Refused }
    }

    /// As the address of the sign-in page has it: a word, so that no link can put a text of its own on the page.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }

    pub(super) fn sentence(word: &str) -> &'static str {
        match word {
            "expired" => "Your token has expired: sign in with a new one.",
            "refused" => "The services do not accept your token any more: sign in with another one.",
            _ => "",
        }
    }
}

/// A page that says why something cannot be shown.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    ended: Option<Ended>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), ended: None }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }
}

impl From<Lack> for Refusal {
    fn from(lack: Lack) -> Self {
        let code = match lack.code {
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self { ended: lack.ended, ..Self::new(code, lack.sentence) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = page::outside(
            "Cannot be shown",
            &html! {
                h1 { "This cannot be shown" }
                p { (page::sentence_case(&self.message)) "." }
                p { a href="/" { "Back to what needs attention" } }
            },
        );
        let mut response = (self.status, body).into_response();
        if let Some(ended) = self.ended {
            response.extensions_mut().insert(ended);
        }
        response
    }
}
