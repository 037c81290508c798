//! What a caller may still do: `GET /v1/key`, `GET /v1/quota`, and `POST /v1/quota/check`, which rehearses a request.

use std::sync::Arc;

use bytes::Bytes;
use freehold_domain::denial::Denial;
use freehold_domain::key::VirtualKeyLimits;
use freehold_domain::ledger::Balance;
use freehold_domain::money::Credits;
use freehold_domain::rate::RateState;
use freehold_domain::record::{Attribution, Expected};
use http::{HeaderMap, Request, Response};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::ReplyBody;
use crate::authenticate::{self, Caller};
use crate::case::Case;
use crate::error::{self, Refusal};
use crate::metadata::Adjusted;
use crate::recall::Recalled;
use crate::{Gateway, authorize, limit, read, recall, receive, reserve, route};

#[derive(Serialize)]
struct KeyView<'a> {
    object: &'static str,
    id: freehold_domain::id::VirtualKeyId,
    label: &'a str,
    workspace_id: freehold_domain::id::WorkspaceId,
    plan: &'a str,
    scopes: &'a std::collections::BTreeSet<freehold_domain::key::Scope>,
    allowed_models: &'a [String],
    limits: &'a VirtualKeyLimits,
    expires_at: Option<freehold_domain::time::Timestamp>,
    rates: RatesView,
}

#[derive(Serialize)]
struct QuotaView<'a> {
    object: &'static str,
    workspace_id: freehold_domain::id::WorkspaceId,
    plan: &'a str,
    max_credits_per_request: Option<Credits>,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    allowed_models: &'a [String],
    byok: bool,
    rates: RatesView,
    credits: CreditsView,
    upgrade_to: Option<&'a str>,
    upgrade_url: Option<&'a str>,
}

#[derive(Serialize)]
struct RatesView {
    requests_per_minute: Option<RateView>,
    tokens_per_minute: Option<RateView>,
    concurrent_requests: Option<RateView>,
}

#[derive(Serialize)]
struct RateView {
    limit: u64,
    used: u64,
    remaining: u64,
    resets_at: freehold_domain::time::Timestamp,
}

#[derive(Serialize)]
struct CreditsView {
    granted: Credits,
    posted: Credits,
    held: Credits,
    available: Credits,
}

#[derive(Serialize)]
struct CheckView {
    object: &'static str,
    allowed: bool,
    model: Option<String>,
    cost_attribution: Option<Attribution>,
    max_output_tokens: Option<u64>,
    adjusted: Option<Adjusted>,
    expected: Option<Expected>,
    /// The status that the real call would be answered with.
    status: u16,
    /// The error that the real call would be answered with.
    error: Option<Box<RawValue>>,
}

impl Gateway {
    /// Answers `GET /v1/key`: what the key is and what is left of its rates.
    pub fn show_key(&self, headers: &HeaderMap) -> Response<ReplyBody> {
        let received = receive::receive(self, headers);
        let caller = match authenticate::know(self, &received, headers) {
            Ok(caller) => caller,
            Err(denial) => return error::strange(self, received.id, &denial),
        };
        let view = KeyView {
            object: "key",
            id: caller.key.id,
            label: &caller.key.label,
            workspace_id: caller.key.workspace,
            plan: &caller.workspace.plan.name,
            scopes: &caller.key.scopes,
            allowed_models: &caller.key.allowed_models,
            limits: &caller.key.limits,
            expires_at: caller.key.expires_at,
            rates: rates(&caller, received.at),
        };
        error::json_reply(received.id, &view)
    }

    /// Answers `GET /v1/quota`: the plan's limits, what is used of them, and the credits.
    pub async fn show_quota(&self, headers: &HeaderMap) -> Response<ReplyBody> {
        let received = receive::receive(self, headers);
        let caller = match authenticate::know(self, &received, headers) {
            Ok(caller) => caller,
            Err(denial) => return error::strange(self, received.id, &denial),
        };
        let balance = match self.store.balance(caller.key.workspace).await {
            Ok(balance) => balance,
            Err(problem) => return error::unanswered(received.id, problem),
        };
        let plan = &caller.workspace.plan;
        let view = QuotaView {
            object: "quota",
            workspace_id: caller.key.workspace,
            plan: &plan.name,
            max_credits_per_request: plan.max_credits_per_request,
            max_input_tokens: plan.max_input_tokens,
            max_output_tokens: plan.max_output_tokens,
            allowed_models: &plan.allowed_models,
            byok: plan.byok,
            rates: rates(&caller, received.at),
            credits: credits(balance),
            upgrade_to: plan.upgrade_to.as_deref(),
            upgrade_url: plan.upgrade_url.as_deref(),
        };
        error::json_reply(received.id, &view)
    }

    /// Answers `POST /v1/quota/check`: the same stages as the real call, up to the money, and nothing is taken.
    pub async fn check_quota<B>(self: &Arc<Self>, request: Request<B>) -> Response<ReplyBody>
    where
        B: http_body::Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let received = receive::receive(self, &head.headers);
        let caller = match authenticate::authenticate(self, &received, &head.headers) {
            Ok(caller) => caller,
            Err(denial) => return error::strange(self, received.id, &denial),
        };
        let id = received.id;
        let mut case = Case::new(Arc::clone(self), received, caller);
        case.rehearsal = true;
        let body = read::read(self, body).await;
        let view = match rehearse(&mut case, body).await {
            Ok(view) => view,
            Err(refusal) => {
                let refusal = refusal.with_tier(&case.caller.workspace.plan.name);
                let (status, error) = error::told(&case, &refusal);
                CheckView {
                    object: "quota.check",
                    allowed: false,
                    model: None,
                    cost_attribution: None,
                    max_output_tokens: None,
                    adjusted: None,
                    expected: case.expected,
                    status,
                    error,
                }
            }
        };
        error::json_reply(id, &view)
    }
}

async fn rehearse(case: &mut Case, body: Result<Bytes, Denial>) -> Result<CheckView, Refusal> {
    let asked = read::parse(body?)?;
    let grant = authorize::authorize(case, asked)?;
    let Recalled::Miss(grant) = recall::recall(grant);
    let routed = route::route(case, grant)?;
    let reserved = reserve::reserve(case, routed).await?;
    let first = reserved.candidates.first();
    let output_tokens = match first.map(|candidate| candidate.attribution) {
        Some(Attribution::Platform) => reserved.platform_output_tokens,
        _ => reserved.grant.output_tokens,
    };
    Ok(CheckView {
        object: "quota.check",
        allowed: true,
        model: Some(reserved.grant.resolved.full_name().to_owned()),
        cost_attribution: first.map(|candidate| candidate.attribution),
        max_output_tokens: output_tokens.or(reserved.grant.asked.max_output_tokens()),
        adjusted: case.adjusted.clone(),
        expected: case.expected,
        status: 200,
        error: None,
    })
}

fn rates(caller: &Caller, now: freehold_domain::time::Timestamp) -> RatesView {
    let (requests, tokens) = limit::state(caller, now);
    let view = |state: RateState| RateView {
        limit: state.limit,
        used: state.limit.saturating_sub(state.remaining),
        remaining: state.remaining,
        resets_at: now.plus_millis(i64::try_from(state.reset_ms).unwrap_or(i64::MAX)),
    };
    RatesView {
        requests_per_minute: requests.map(view),
        tokens_per_minute: tokens.map(view),
        concurrent_requests: limit::running(caller).map(|(limit, used)| RateView {
            limit,
            used,
            remaining: limit.saturating_sub(used),
            resets_at: now,
        }),
    }
}

fn credits(balance: Balance) -> CreditsView {
    CreditsView {
        granted: balance.granted,
        posted: balance.posted,
        held: balance.held,
        available: balance.available(),
    }
}
