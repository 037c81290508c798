//! `freehold_metadata`: what every reply says about itself.

use freehold_domain::id::ProviderKeyId;
use freehold_domain::money::{Credits, Nanodollars};
use freehold_domain::record::{Attempt, Attribution, Expected, KeyName, Variance, VarianceCause};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::case::Case;
use crate::meter::Metered;
use crate::recall::Recalled;

/// About how long the metadata is.
const METADATA_BYTES: usize = 1_024;

/// A parameter we set because the caller left it open.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Adjusted {
    /// Which.
    pub(crate) param: &'static str,
    /// To what.
    pub(crate) to: u64,
}

/// An amount as a JSON number with exactly its own digits.
struct Exact<T>(T);

impl<T: std::fmt::Display> Serialize for Exact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

#[derive(Serialize)]
struct ExpectedView {
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: Option<Exact<Nanodollars>>,
}

#[derive(Serialize)]
struct VarianceView {
    tokens: i64,
    cost_usd: Option<Exact<Nanodollars>>,
    cause: VarianceCause,
}

#[derive(Serialize)]
struct Metadata<'a> {
    request_id: freehold_domain::id::RequestId,
    cost_attribution: Attribution,
    provider_used: &'a str,
    model_used: &'a str,
    provider_key: Option<&'a KeyName<ProviderKeyId>>,
    cost_usd: Option<Exact<Nanodollars>>,
    credits_charged: Exact<Credits>,
    usage_source: &'static str,
    expected: Option<ExpectedView>,
    variance: Option<VarianceView>,
    attempts: &'a [Attempt],
    cache: &'static str,
    adjusted: Option<&'a Adjusted>,
}

/// The metadata of an answer, as JSON.
pub(crate) fn metadata(case: &Case, metered: &Metered) -> String {
    let relayed = &metered.relayed;
    let view = |expected: Expected| ExpectedView {
        input_tokens: expected.input_tokens,
        output_tokens: expected.output_tokens,
        cost_usd: expected.cost_usd.map(Exact),
    };
    let difference = |variance: Variance| VarianceView {
        tokens: variance.tokens,
        cost_usd: variance.cost_usd.map(Exact),
        cause: variance.cause,
    };
    let metadata = Metadata {
        request_id: case.received.id,
        cost_attribution: relayed.candidate.attribution,
        provider_used: &relayed.candidate.provider,
        model_used: relayed.model_used(),
        provider_key: relayed.key_name.as_ref(),
        cost_usd: metered.cost.as_ref().map(|cost| Exact(cost.total)),
        credits_charged: Exact(metered.credits),
        usage_source: metered.source.as_str(),
        expected: case.expected.map(view),
        variance: metered.variance.map(difference),
        attempts: &case.attempts,
        cache: Recalled::MISS,
        adjusted: case.adjusted.as_ref(),
    };
    let mut text = Vec::with_capacity(METADATA_BYTES);
    // Nothing in it can fail to be written; an empty object would only lose the news, not the answer.
    if serde_json::to_writer(&mut text, &metadata).is_err() {
        return "{}".to_owned();
    }
    String::from_utf8(text).unwrap_or_else(|_| "{}".to_owned())
}
