//! Counters of the data plane. Labels are few and bounded: never a key, a model's free text or a request.

use freehold_domain::denial::DenialCode;
use freehold_domain::record::UsageRecord;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    outcome: &'static str,
    attribution: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// What the data plane counts.
pub(crate) struct Metrics {
    requests: Family<RequestLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    cost_nanodollars: Counter,
    strangers: Family<ReasonLabels, Counter>,
    overhead_seconds: Histogram,
    latency_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            tokens: Family::default(),
            cost_nanodollars: Counter::default(),
            strangers: Family::default(),
            overhead_seconds: Histogram::new(exponential_buckets(0.000_025, 2.0, 16)),
            latency_seconds: Histogram::new(exponential_buckets(0.005, 2.0, 16)),
        }
    }
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "requests",
            "Requests by outcome and by who paid",
            self.requests.clone(),
        );
        registry.register("tokens", "Tokens in and out", self.tokens.clone());
        registry.register(
            "cost_nanodollars",
            "Cost at the providers' prices",
            self.cost_nanodollars.clone(),
        );
        registry.register(
            "refused_strangers",
            "Requests without a valid virtual key",
            self.strangers.clone(),
        );
        registry.register(
            "gateway_overhead_seconds",
            "Time spent here rather than waiting for a provider",
            self.overhead_seconds.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "From receipt to the last byte",
            self.latency_seconds.clone(),
        );
    }

    /// A request ended.
    pub(crate) fn settled(&self, record: &UsageRecord) {
        let attribution = record
            .cost_attribution
            .map_or("none", freehold_domain::record::Attribution::as_str);
        let labels = RequestLabels {
            outcome: record.outcome.as_str(),
            attribution,
        };
        self.requests.get_or_create(&labels).inc();
        for (direction, count) in [
            ("input", record.tokens.input_total()),
            ("output", record.tokens.output),
        ] {
            if count > 0 {
                self.tokens
                    .get_or_create(&TokenLabels { direction })
                    .inc_by(count);
            }
        }
        let cost = record
            .cost_usd
            .map_or(0, |cost| u64::try_from(cost.units()).unwrap_or(0));
        self.cost_nanodollars.inc_by(cost);
        #[expect(clippy::cast_precision_loss, reason = "a histogram needs no exact value")]
        {
            self.overhead_seconds.observe(record.overhead_us as f64 / 1e6);
            self.latency_seconds.observe(record.latency_ms as f64 / 1e3);
        }
    }

    /// Somebody without a valid key was refused.
    pub(crate) fn refused_stranger(&self, code: DenialCode) {
        self.strangers
            .get_or_create(&ReasonLabels {
                reason: code.as_str(),
            })
            .inc();
    }
}
