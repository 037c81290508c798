//! Limits and deadlines of the data plane. The executable fills them from the configuration.

use freehold_domain::money::CreditRate;

/// Limits and deadlines.
#[derive(Debug, Clone)]
pub struct GatewaySettings {
    /// Largest request body.
    pub body_bytes_max: usize,
    /// Longest pause while a request body arrives.
    pub body_idle_ms: u64,
    /// Largest reply body that is not a stream.
    pub reply_bytes_max: usize,
    /// Longest life of one request.
    pub request_deadline_ms: u64,
    /// Silence of the provider after which the client gets a comment line.
    pub heartbeat_ms: u64,
    /// Most calls to providers for one request.
    pub attempts_max: usize,
    /// How long credits stay held if the process dies; longer than `request_deadline_ms`.
    pub reservation_ms: i64,
    /// What one credit is worth.
    pub credit_rate: CreditRate,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            body_bytes_max: 10 * 1024 * 1024,
            body_idle_ms: 10_000,
            reply_bytes_max: 64 * 1024 * 1024,
            request_deadline_ms: 15 * 60 * 1000,
            heartbeat_ms: 15_000,
            attempts_max: 8,
            reservation_ms: 20 * 60 * 1000,
            credit_rate: CreditRate::default(),
        }
    }
}
