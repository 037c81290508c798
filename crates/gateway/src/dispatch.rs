//! Stage 9: candidate after candidate, until a provider answers. Nothing is sent twice that may have run.

use std::time::{Duration, Instant};

use freehold_domain::catalog::Capability;
use freehold_domain::denial::{Denial, DenialCode};
use freehold_domain::key::KeyEvidence;
use freehold_domain::provider::ProviderKind;
use freehold_domain::record::{Attempt, Attribution};
use freehold_wire::FaultClass;
use freehold_wire::adapter::{Adapter, ChatTarget, OutboundRequest};

use crate::answer::{Answer, Interruption};
use crate::authorize::Grant;
use crate::breaker::Gate;
use crate::case::Case;
use crate::error::{self, Refusal};
use crate::fault::Fault;
use crate::reserve::Reserved;
use crate::route::Candidate;
use crate::sandbox::Player;
use crate::snapshot::KeyView;
use crate::unlock::unlock;
use crate::upstream::{Deadlines, OutboundCall, UpstreamReply};

/// First pause before the same candidate is tried again; a part of it is left to chance.
const RETRY_MS: u64 = 200;
/// How much of an error's body is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// Where an answer's bytes come from.
pub(crate) enum Source {
    /// A provider.
    Provider(UpstreamReply),
    /// The built-in sandbox.
    Sandbox(Player),
}

impl Source {
    /// Whether the provider repeated the key. It was taken out, and somebody should ask why.
    pub(crate) fn key_was_repeated(&self) -> bool {
        matches!(self, Self::Provider(reply) if reply.key_was_repeated())
    }

    /// The next piece; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<bytes::Bytes, Fault>> {
        match self {
            Self::Provider(reply) => reply.next().await.map(|piece| piece.map_err(Fault::from)),
            Self::Sandbox(player) => player.next().await.map(Ok),
        }
    }
}

/// A provider that answered with success; its answer is still to be read.
pub(crate) struct Attempted {
    pub(crate) grant: Grant,
    pub(crate) candidate: Candidate,
    pub(crate) adapter: &'static dyn Adapter,
    pub(crate) source: Source,
    pub(crate) headers: http::HeaderMap,
    pub(crate) sent: Instant,
}

/// Why one attempt gave no answer.
enum Missed {
    /// The provider, or the way to it.
    Fault(Fault),
    /// This provider cannot do what the request asks.
    Unsupported(Denial),
    /// The key is paused for so many milliseconds.
    Paused(u64),
    /// The client left, or the process stops.
    Interrupted(Interruption),
}

/// The first candidate that answers. Every attempt is written into the case.
///
/// # Errors
/// The last thing that went wrong, when no candidate is left or going on would be wrong.
pub(crate) async fn dispatch(
    case: &mut Case,
    reserved: Reserved,
    answer: &mut Answer,
) -> Result<Attempted, Refusal> {
    let Reserved {
        mut grant,
        candidates,
        platform_output_tokens,
    } = reserved;
    let mut last: Option<Refusal> = None;
    let count = candidates.len();
    for (index, candidate) in candidates.into_iter().enumerate() {
        let is_last = index + 1 == count;
        let output_tokens = match candidate.attribution {
            Attribution::Platform => platform_output_tokens,
            Attribution::Byok | Attribution::Cache => grant.output_tokens,
        };
        case.candidate = Some(candidate.clone());
        let mut may_retry = is_last;
        loop {
            if case.attempts.len() >= case.gateway.settings.attempts_max {
                return Err(last.unwrap_or_else(|| Fault::broken("too many attempts failed").into()));
            }
            match attempt(case, grant, &candidate, output_tokens, answer).await {
                Ok(attempted) => return Ok(attempted),
                Err((_, Missed::Interrupted(interruption))) => return Err(interruption.into()),
                Err((back, Missed::Unsupported(denial))) => {
                    grant = back;
                    last = Some(last.unwrap_or_else(|| denial.into()));
                }
                Err((back, Missed::Paused(retry_after_ms))) => {
                    grant = back;
                    last = Some(
                        last.unwrap_or_else(|| error::paused(&candidate.provider, retry_after_ms).into()),
                    );
                }
                Err((back, Missed::Fault(fault))) => {
                    grant = back;
                    if fault.is_final() {
                        return Err(fault.into_refusal(&candidate));
                    }
                    if may_retry && fault.is_worth_retrying() {
                        may_retry = false;
                        tokio::time::sleep(pause(case)).await;
                        continue;
                    }
                    last = Some(fault.into_refusal(&candidate));
                }
            }
            break;
        }
    }
    Err(last
        .unwrap_or_else(|| Denial::new(DenialCode::NoCandidate, "Nothing could serve this request.").into()))
}

/// Between half and all of the first pause, so that many who failed together do not come back together.
fn pause(case: &Case) -> Duration {
    let chance = u64::from(case.received.id.as_uuid().as_bytes()[15]);
    Duration::from_millis(RETRY_MS / 2 + RETRY_MS / 2 * chance / 255)
}

async fn attempt(
    case: &mut Case,
    grant: Grant,
    candidate: &Candidate,
    output_tokens: Option<u64>,
    answer: &mut Answer,
) -> Result<Attempted, (Grant, Missed)> {
    let prepared = match prepare(case, &grant, candidate, output_tokens) {
        Ok(prepared) => prepared,
        Err(missed) => return Err((grant, missed)),
    };
    let sent = Instant::now();
    let result = send(case, candidate, prepared, answer).await;
    case.upstream += sent.elapsed();
    let (outcome, status) = match &result {
        Ok(ready) => (std::borrow::Cow::Borrowed("ok"), ready.status),
        Err(Missed::Fault(fault)) => (std::borrow::Cow::Borrowed(fault.class_name()), fault.status),
        Err(Missed::Interrupted(Interruption::Gone)) => (std::borrow::Cow::Borrowed("client_gone"), None),
        Err(Missed::Interrupted(Interruption::Stopped)) => {
            (std::borrow::Cow::Borrowed("server_draining"), None)
        }
        Err(Missed::Unsupported(_) | Missed::Paused(_)) => (std::borrow::Cow::Borrowed("not_sent"), None),
    };
    case.attempts.push(Attempt {
        provider: candidate.provider.clone(),
        provider_key: candidate
            .key
            .as_ref()
            .filter(|view| !view.is_platform())
            .map(|view| view.key.id),
        outcome,
        status,
        ms: u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    if let Some(view) = &candidate.key {
        note(case, view, &result);
    }
    match result {
        Ok(ready) => Ok(Attempted {
            grant,
            candidate: candidate.clone(),
            adapter: ready.adapter,
            source: ready.source,
            headers: ready.headers,
            sent,
        }),
        Err(missed) => Err((grant, missed)),
    }
}

/// What is ready to be sent.
struct Prepared {
    adapter: &'static dyn Adapter,
    outbound: OutboundRequest,
}

/// A provider's success.
struct Ready {
    adapter: &'static dyn Adapter,
    source: Source,
    headers: http::HeaderMap,
    status: Option<u16>,
}

/// The request in the candidate's own words, if its breaker lets it pass.
fn prepare(
    case: &Case,
    grant: &Grant,
    candidate: &Candidate,
    output_tokens: Option<u64>,
) -> Result<Prepared, Missed> {
    let adapter = freehold_wire::adapter::adapter(candidate.kind)
        .ok_or_else(|| Missed::Unsupported(error::not_served(candidate.kind.as_str())))?;
    if let Some(view) = &candidate.key
        && let Gate::Open(ms) = view
            .life
            .breaker(|breaker| breaker.enter(case.gateway.clock.now()))
    {
        return Err(Missed::Paused(ms));
    }
    let card = candidate.card(&case.gateway.catalogue, grant.resolved.model());
    let target = ChatTarget {
        model: grant.resolved.model(),
        max_output_tokens: output_tokens,
        model_max_output_tokens: card.and_then(|card| card.limits.output),
        reasoning: card.and_then(|card| card.has(Capability::Reasoning)),
        sampling: card.and_then(|card| card.has(Capability::SamplingParams)),
    };
    let outbound = adapter.chat(&grant.asked, &target).map_err(|fault| {
        Missed::Unsupported(error::request_fault(fault, DenialCode::UnsupportedParameter))
    })?;
    Ok(Prepared { adapter, outbound })
}

/// Sends what was prepared and waits for the provider's head.
async fn send(
    case: &Case,
    candidate: &Candidate,
    prepared: Prepared,
    answer: &mut Answer,
) -> Result<Ready, Missed> {
    let Prepared { adapter, outbound } = prepared;
    if candidate.kind != ProviderKind::Sandbox {
        return call(case, candidate, adapter, outbound, answer).await;
    }
    let player = Player::start(&outbound.body, case.received.at.as_micros() / 1_000_000);
    play(adapter, player, answer).await
}

/// Sends the request to the provider behind the candidate's key.
async fn call(
    case: &Case,
    candidate: &Candidate,
    adapter: &'static dyn Adapter,
    outbound: OutboundRequest,
    answer: &mut Answer,
) -> Result<Ready, Missed> {
    let unreachable = || Missed::Fault(Fault::broken("this key has no usable base_url"));
    let view = candidate.key.as_ref().ok_or_else(unreachable)?;
    let endpoint = view.endpoint.as_ref().ok_or_else(unreachable)?;
    let credential = unlock(&case.gateway, view, adapter.auth_scheme()).map_err(|source| {
        tracing::error!(provider_key.id = %view.key.id, error = %source, "a provider key does not open");
        Missed::Fault(Fault::unusable_key())
    })?;
    let left = Duration::from_millis(case.gateway.settings.request_deadline_ms)
        .saturating_sub(case.received.started.elapsed());
    let call =
        OutboundCall::post(endpoint, outbound, credential).with_deadlines(Deadlines::default().within(left));
    let reply = tokio::select! {
        biased;
        reply = case.gateway.upstream.send(call) => reply,
        interruption = answer.interrupted() => return Err(Missed::Interrupted(interruption)),
    };
    let mut reply = reply.map_err(|error| Missed::Fault(Fault::from(error)))?;
    let status = reply.status();
    if (200..300).contains(&status) {
        let headers = reply.take_headers();
        return Ok(Ready {
            adapter,
            source: Source::Provider(reply),
            headers,
            status: Some(status),
        });
    }
    let body = tokio::select! {
        biased;
        body = reply.collect(ERROR_BYTES_MAX) => body.unwrap_or_default(),
        interruption = answer.interrupted() => return Err(Missed::Interrupted(interruption)),
    };
    Err(Missed::Fault(Fault::from(adapter.classify(
        status,
        reply.provider_headers(),
        &body,
    ))))
}

/// Starts the sandbox's script.
async fn play(
    adapter: &'static dyn Adapter,
    mut player: Player,
    answer: &mut Answer,
) -> Result<Ready, Missed> {
    let status = player.status();
    if (200..300).contains(&status) {
        let headers = player.headers().clone();
        return Ok(Ready {
            adapter,
            source: Source::Sandbox(player),
            headers,
            status: Some(status),
        });
    }
    let body = tokio::select! {
        biased;
        body = player.collect() => body,
        interruption = answer.interrupted() => return Err(Missed::Interrupted(interruption)),
    };
    Err(Missed::Fault(Fault::from(adapter.classify(
        status,
        player.headers(),
        &body,
    ))))
}

/// What the attempt showed about the key.
fn note(case: &Case, view: &KeyView, result: &Result<Ready, Missed>) {
    let now = case.gateway.clock.now();
    let life = &view.life;
    let changed = match result {
        Ok(_) => {
            life.breaker(crate::breaker::Breaker::succeeded);
            life.note(now, KeyEvidence::Accepted, None, true)
        }
        Err(Missed::Fault(fault)) => {
            life.breaker(|breaker| match fault.class {
                FaultClass::RateLimited | FaultClass::QuotaDaily | FaultClass::Billing => {
                    breaker.cool_down(now, fault.retry_after_ms.unwrap_or(2_000));
                }
                FaultClass::Overloaded | FaultClass::UpstreamError | FaultClass::Timeout => {
                    breaker.failed(now)
                }
                _ => breaker.succeeded(),
            });
            let evidence = match fault.class {
                FaultClass::AuthInvalid => KeyEvidence::Rejected,
                _ => KeyEvidence::Undecided,
            };
            life.note(now, evidence, fault.owner_note(), fault.was_sent())
        }
        Err(Missed::Interrupted(_)) => life.note(now, KeyEvidence::Undecided, None, true),
        Err(Missed::Unsupported(_) | Missed::Paused(_)) => false,
    };
    if changed {
        case.gateway.save_health_soon();
    }
}
