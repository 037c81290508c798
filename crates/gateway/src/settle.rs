//! Stage 12: the end of every request. The record is on disk, the reservation settled, and only then the last bytes leave.

use std::borrow::Cow;
use std::time::Duration;

use freehold_domain::ledger::Settlement;
use freehold_domain::money::Credits;
use freehold_domain::record::{KeyName, Outcome, PriceStamp, UsageRecord};
use freehold_domain::tokens::{TokenUsage, UsageSource};
use http::Response;

use crate::answer::{Answer, ReplyBody};
use crate::case::Case;
use crate::error::{self, Refusal};
use crate::headers;
use crate::metadata;
use crate::meter::Metered;
use crate::relay::{Ending, Held};

/// How long the provider may take to close a stream whose end we have seen, so that its connection can be used again.
const CLOSE_MS: u64 = 50;

/// The answer is on record, and its last bytes are on their way.
pub(crate) async fn settle(case: &mut Case, metered: Metered, answer: &mut Answer) {
    let record = answered(case, &metered);
    let settlement = match (case.reservation.take(), metered.source) {
        (None, _) => Settlement::None,
        (Some(_), UsageSource::None) => Settlement::Void,
        (Some(_), _) => Settlement::Post,
    };
    let outcome = record.outcome;
    if let Some(share) = case.share.take() {
        share.settle(metered.tokens.total());
    }
    let gateway = std::sync::Arc::clone(&case.gateway);
    gateway.metrics.settled(&record);
    trace(&record);
    let stored = gateway.store.append(Box::new(record), settlement).await;
    if outcome == Outcome::Ok && metered.source == UsageSource::Provider {
        let relayed = &metered.relayed;
        gateway
            .estimator
            .learn(relayed.resolved.full_name(), relayed.input_bytes, &metered.tokens);
    }
    if let Err(error) = stored {
        let refusal = error::unrecorded(&error, case.received.id);
        match metered.relayed.held {
            Held::Whole(_) => drop(answer.send_whole(error::reply(case, &refusal))),
            Held::Stream(..) => drop(answer.send_piece(error::stream_event(case, &refusal)).await),
        }
        return;
    }
    let text = metadata::metadata(case, &metered);
    let relayed = metered.relayed;
    match (relayed.held, relayed.ending) {
        (_, Ending::ClientGone) => {}
        (Held::Whole(body), _) => {
            let body = freehold_wire::splice_metadata(&body, &text).unwrap_or(body);
            let mut reply = Response::new(ReplyBody::Whole(body));
            headers::of_answer(reply.headers_mut(), case, &relayed.candidate, &relayed.headers);
            headers::json(reply.headers_mut());
            if let Some(cost) = &metered.cost {
                headers::cost(reply.headers_mut(), cost.total);
            }
            answer.send_whole(reply);
        }
        (Held::Stream(_, _), Ending::Broken(fault)) => {
            let refusal = fault.into_refusal(&relayed.candidate);
            answer.send_piece(error::stream_event(case, &refusal)).await;
        }
        (Held::Stream(_, _), Ending::Stopped) => {
            answer
                .send_piece(error::stream_event(case, &error::stopped()))
                .await;
        }
        (Held::Stream(mut decoder, mut source), Ending::Complete) => {
            let usage = relayed.usage_wanted.then_some(&metered.tokens);
            answer.send_piece(decoder.trailer(&text, usage)).await;
            answer.close();
            let rest = async { while source.next().await.is_some() {} };
            // Whether the provider closed in time matters to nobody but the connection pool.
            drop(tokio::time::timeout(Duration::from_millis(CLOSE_MS), rest).await);
        }
    }
}

/// The refusal is on record, the reservation given back, and the client told.
pub(crate) async fn refuse(mut case: Case, refusal: Refusal, mut answer: Answer) {
    let refusal = refusal.with_tier(&case.caller.workspace.plan.name);
    let mut record = blank(&case);
    record.outcome = refusal.outcome();
    record.denial = refusal.as_record();
    if let Some(candidate) = case.candidate.as_ref().filter(|_| !case.attempts.is_empty()) {
        record.provider = Some(std::sync::Arc::clone(&candidate.provider));
        record.cost_attribution = Some(candidate.attribution);
        record.provider_key = candidate
            .key
            .as_ref()
            .filter(|view| !view.is_platform())
            .map(|view| KeyName {
                id: view.key.id,
                label: view.label.clone(),
            });
    }
    let settlement = if case.reservation.take().is_some() {
        Settlement::Void
    } else {
        Settlement::None
    };
    let gateway = std::sync::Arc::clone(&case.gateway);
    gateway.metrics.settled(&record);
    trace(&record);
    let refusal = match gateway.store.append(Box::new(record), settlement).await {
        Ok(()) => refusal,
        Err(error) => error::unrecorded(&error, case.received.id),
    };
    if refusal.outcome() != Outcome::ClientGone {
        answer.send_whole(error::reply(&case, &refusal));
    }
}

/// The record of a request about which nothing more is known.
fn blank(case: &Case) -> UsageRecord {
    let key = &case.caller.key;
    let elapsed = case.received.started.elapsed();
    UsageRecord {
        request_id: case.received.id,
        created_at: case.received.at,
        outcome: Outcome::Failed,
        workspace_id: case.caller.workspace.workspace.id,
        virtual_key: KeyName {
            id: key.id,
            label: Some(std::sync::Arc::from(key.label.as_str())),
        },
        surface: Cow::Borrowed("chat_completions"),
        stream: case.stream,
        provider: None,
        provider_key: None,
        model_requested: std::sync::Arc::clone(&case.model_requested),
        model_used: None,
        cost_attribution: None,
        tokens: TokenUsage::default(),
        usage_source: UsageSource::None,
        provider_usage: None,
        cost_usd: None,
        price: None,
        credits_charged: Credits::ZERO,
        expected: case.expected,
        variance: None,
        attempts: case.attempts.clone(),
        finish_reason: None,
        latency_ms: millis(elapsed),
        first_byte_ms: case.first_byte.map(millis),
        overhead_us: u64::try_from(case.overhead().as_micros()).unwrap_or(u64::MAX),
        tags: case.received.tags.clone(),
        denial: None,
    }
}

/// The record of an answer, whole or broken off.
fn answered(case: &Case, metered: &Metered) -> UsageRecord {
    let relayed = &metered.relayed;
    let denial = match &relayed.ending {
        Ending::Broken(fault) => fault.clone().into_refusal(&relayed.candidate).as_record(),
        Ending::Stopped => error::stopped().as_record(),
        Ending::Complete | Ending::ClientGone => None,
    };
    UsageRecord {
        outcome: relayed.ending.outcome(),
        provider: Some(std::sync::Arc::clone(&relayed.candidate.provider)),
        provider_key: relayed.key_name.clone(),
        model_used: Some(std::sync::Arc::from(relayed.model_used())),
        cost_attribution: Some(relayed.candidate.attribution),
        tokens: metered.tokens,
        usage_source: metered.source,
        provider_usage: relayed
            .usage
            .as_ref()
            .map(|usage| std::sync::Arc::from(&*usage.raw)),
        cost_usd: metered.cost.as_ref().map(|cost| cost.total),
        price: metered.cost.as_ref().map(|cost| PriceStamp {
            source: std::sync::Arc::clone(&cost.price_source),
            date: std::sync::Arc::from(cost.price_date.to_string()),
        }),
        credits_charged: metered.credits,
        variance: metered.variance,
        finish_reason: relayed.finish_reason.map(Cow::Borrowed),
        denial,
        ..blank(case)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One line for each request, for those who watch at `debug`. The record itself is the log that counts.
fn trace(record: &UsageRecord) {
    tracing::debug!(
        request.id = %record.request_id,
        workspace.id = %record.workspace_id,
        outcome = record.outcome.as_str(),
        model = %record.model_requested,
        provider = record.provider.as_deref(),
        attribution = record.cost_attribution.map(freehold_domain::record::Attribution::as_str),
        tokens.input = record.tokens.input_total(),
        tokens.output = record.tokens.output,
        latency_ms = record.latency_ms,
        overhead_us = record.overhead_us,
        "request settled"
    );
}
