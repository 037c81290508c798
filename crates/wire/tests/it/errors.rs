//! What each provider's errors mean, row by row.

use freehold_domain::provider::ProviderKind;
use freehold_wire::FaultClass::{
    self, AuthForbidden, AuthInvalid, BadRequest, Billing, ContentFilter, ContextLength, ModelNotFound,
    Overloaded, QuotaDaily, RateLimited, Timeout, UpstreamError,
};
use freehold_wire::adapter::{Verdict, adapter};
use http::{HeaderMap, HeaderName, HeaderValue};

fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
    list.iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

/// Status, headers, body, class.
type Row = (u16, &'static [(&'static str, &'static str)], String, FaultClass);

fn check(kind: ProviderKind, rows: Vec<Row>) {
    for (status, list, body, class) in rows {
        let fault = adapter(kind)
            .unwrap()
            .classify(status, &headers(list), body.as_bytes());
        assert_eq!(fault.class, class, "{kind} {status} {body}");
        assert_eq!(fault.status, status);
        if matches!(class, AuthInvalid | AuthForbidden) {
            assert_eq!(fault.message, None, "a refusal of a key is never relayed: {body}");
        }
    }
}

fn openai(kind: &str, code: &str, message: &str) -> String {
    serde_json::json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
        .to_string()
}

fn anthropic(kind: &str, message: &str) -> String {
    serde_json::json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_1" })
        .to_string()
}

fn caused(kind: &str, cause: &str) -> String {
    serde_json::json!({ "type": "error", "error": { "type": kind, "message": "no", "details": { "error_code": cause } } })
        .to_string()
}

#[test]
fn openai_row_by_row() {
    let invalid = "invalid_request_error";
    check(
        ProviderKind::Openai,
        vec![
            (
                401,
                &[],
                openai(
                    invalid,
                    "invalid_api_key",
                    "Incorrect API key provided: sk-ab***yz.",
                ),
                AuthInvalid,
            ),
            (
                401,
                &[],
                openai(invalid, "account_deactivated", "The account is deactivated."),
                AuthInvalid,
            ),
            (
                401,
                &[],
                openai(
                    invalid,
                    "",
                    "You must be a member of an organization to use the API",
                ),
                AuthInvalid,
            ),
            (
                401,
                &[],
                openai(invalid, "ip_not_authorized", "Your IP is not authorized"),
                AuthForbidden,
            ),
            (
                403,
                &[],
                openai(invalid, "model_not_found", "Project has no access to model"),
                AuthForbidden,
            ),
            (
                403,
                &[],
                openai(
                    "request_forbidden",
                    "unsupported_country_region_territory",
                    "Country",
                ),
                AuthForbidden,
            ),
            (
                403,
                &[],
                openai(invalid, "", "You have insufficient permissions: missing scopes"),
                AuthForbidden,
            ),
            (
                429,
                &[],
                openai(
                    "insufficient_quota",
                    "insufficient_quota",
                    "You exceeded your current quota",
                ),
                Billing,
            ),
            (
                429,
                &[],
                openai("insufficient_quota", "credit_balance_exhausted", "No credit"),
                Billing,
            ),
            (
                429,
                &[],
                openai("insufficient_quota", "project_spend_limit_reached", "Limit"),
                Billing,
            ),
            (
                429,
                &[],
                openai("billing", "billing_not_active", "Your account is not active"),
                Billing,
            ),
            (
                400,
                &[],
                openai(invalid, "billing_hard_limit_reached", "Billing hard limit"),
                Billing,
            ),
            (
                429,
                &[],
                openai(
                    "requests",
                    "rate_limit_exceeded",
                    "Rate limit reached. Please add a payment method at billing",
                ),
                RateLimited,
            ),
            (
                429,
                &[],
                openai(
                    "tokens",
                    "rate_limit_exceeded",
                    "Rate limit reached. Please try again in 6ms.",
                ),
                RateLimited,
            ),
            (
                429,
                &[],
                openai("rate_limit_error", "slow_down", "Slow down"),
                RateLimited,
            ),
            (
                503,
                &[],
                openai("service_unavailable_error", "server_is_overloaded", "Overloaded"),
                Overloaded,
            ),
            (
                503,
                &[],
                openai("server_error", "", "The engine is currently overloaded"),
                Overloaded,
            ),
            (
                503,
                &[],
                openai("server_error", "slow_down", "Slow down"),
                Overloaded,
            ),
            (
                400,
                &[],
                openai(invalid, "context_length_exceeded", "too long"),
                ContextLength,
            ),
            (
                400,
                &[],
                openai(
                    invalid,
                    "",
                    "Your input exceeds the context window of this model.",
                ),
                ContextLength,
            ),
            (
                404,
                &[],
                openai(invalid, "model_not_found", "The model does not exist"),
                ModelNotFound,
            ),
            (
                400,
                &[],
                openai(invalid, "content_policy_violation", "no"),
                ContentFilter,
            ),
            (
                400,
                &[],
                openai(
                    invalid,
                    "unsupported_parameter",
                    "Unsupported parameter: 'max_tokens'",
                ),
                BadRequest,
            ),
            (400, &[], openai(invalid, "invalid_value", "no"), BadRequest),
            (
                400,
                &[],
                openai(invalid, "string_above_max_length", "no"),
                BadRequest,
            ),
            (
                500,
                &[],
                openai("server_error", "", "The server had an error"),
                UpstreamError,
            ),
            (502, &[], "<html>Bad gateway</html>".into(), UpstreamError),
            (504, &[], String::new(), UpstreamError),
            (500, &[], String::new(), UpstreamError),
        ],
    );
}

#[test]
fn anthropic_row_by_row() {
    check(
        ProviderKind::Anthropic,
        vec![
            (
                401,
                &[],
                anthropic("authentication_error", "invalid x-api-key"),
                AuthInvalid,
            ),
            (
                403,
                &[],
                anthropic("permission_error", "This organization has been disabled."),
                AuthForbidden,
            ),
            (403, &[], anthropic("permission_error", "no"), AuthForbidden),
            (
                400,
                &[],
                anthropic(
                    "invalid_request_error",
                    "Your credit balance is too low to access the API.",
                ),
                Billing,
            ),
            (
                400,
                &[],
                anthropic(
                    "invalid_request_error",
                    "You have reached your specified API usage limits.",
                ),
                Billing,
            ),
            (
                400,
                &[],
                anthropic(
                    "invalid_request_error",
                    "You have reached your specified workspace API usage limits.",
                ),
                Billing,
            ),
            (402, &[], anthropic("billing_error", "no"), Billing),
            (
                429,
                &[],
                caused("rate_limit_error", "enforced_spend_limit_reached"),
                Billing,
            ),
            (
                429,
                &[("retry-after", "5")],
                caused("rate_limit_error", "contract_spend_limit_reached"),
                Billing,
            ),
            (
                429,
                &[],
                caused("rate_limit_error", "linked_organization_spend_limit_reached"),
                Billing,
            ),
            (
                429,
                &[],
                caused("rate_limit_error", "ramp_limit_exceeded"),
                RateLimited,
            ),
            (
                429,
                &[("retry-after", "5")],
                anthropic("rate_limit_error", "This request would exceed"),
                RateLimited,
            ),
            (
                429,
                &[],
                anthropic("rate_limit_error", "no word of when"),
                Billing,
            ),
            (529, &[], anthropic("overloaded_error", "Overloaded"), Overloaded),
            (
                400,
                &[],
                anthropic(
                    "invalid_request_error",
                    "prompt is too long: 213462 tokens > 200000 maximum",
                ),
                ContextLength,
            ),
            (
                413,
                &[],
                anthropic("request_too_large", "Request exceeds the maximum size"),
                ContextLength,
            ),
            (
                404,
                &[],
                anthropic("not_found_error", "model: claude-x"),
                ModelNotFound,
            ),
            (404, &[], anthropic("not_found_error", "Not Found"), BadRequest),
            (
                400,
                &[],
                anthropic(
                    "invalid_request_error",
                    "Output blocked by content filtering policy",
                ),
                ContentFilter,
            ),
            (
                400,
                &[],
                anthropic("invalid_request_error", "messages: roles must alternate"),
                BadRequest,
            ),
            (409, &[], anthropic("conflict_error", "no"), UpstreamError),
            (
                500,
                &[],
                anthropic("api_error", "Internal server error"),
                UpstreamError,
            ),
            (504, &[], anthropic("timeout_error", "no"), Timeout),
            (502, &[], "<html></html>".into(), UpstreamError),
        ],
    );
    check(
        ProviderKind::AnthropicCompatible,
        vec![
            (
                429,
                &[],
                anthropic("rate_limit_error", "no word of when"),
                RateLimited,
            ),
            (404, &[], r#"{"detail":"Not Found"}"#.into(), ModelNotFound),
            (401, &[], r#"{"error":"unauthorized"}"#.into(), AuthInvalid),
        ],
    );
}

#[test]
fn ollama_row_by_row() {
    check(
        ProviderKind::Ollama,
        vec![
            (401, &[], r#"{"error":"unauthorized"}"#.into(), AuthInvalid),
            (
                403,
                &[],
                r#"{"error":"this model requires a subscription"}"#.into(),
                AuthForbidden,
            ),
            (402, &[], r#"{"error":"no"}"#.into(), Billing),
            (429, &[], r#"{"error":"too many requests"}"#.into(), RateLimited),
            (
                503,
                &[],
                r#"{"error":"server busy, please try again. maximum pending requests exceeded"}"#.into(),
                Overloaded,
            ),
            (
                400,
                &[],
                r#"{"error":"prompt too long; exceeded max context length by 12 tokens"}"#.into(),
                ContextLength,
            ),
            (
                404,
                &[],
                r#"{"error":"model 'x' not found"}"#.into(),
                ModelNotFound,
            ),
            (
                400,
                &[],
                r#"{"error":"\"x\" does not support tools"}"#.into(),
                BadRequest,
            ),
            (
                500,
                &[],
                r#"{"error":"llama runner process has terminated"}"#.into(),
                UpstreamError,
            ),
            (502, &[], r#"{"error":"no"}"#.into(), UpstreamError),
        ],
    );
}

#[test]
fn the_many_who_speak_like_openai_row_by_row() {
    let plain = |text: &str| text.to_owned();
    check(
        ProviderKind::OpenaiCompatible,
        vec![
            // xAI
            (
                400,
                &[],
                plain(
                    r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: x"}"#,
                ),
                AuthInvalid,
            ),
            // Mistral
            (401, &[], plain(r#"{"detail":"Unauthorized"}"#), AuthInvalid),
            (
                401,
                &[],
                plain(r#"{"message":"Unauthorized","request_id":"1"}"#),
                AuthInvalid,
            ),
            (
                429,
                &[],
                plain(
                    r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#,
                ),
                RateLimited,
            ),
            (
                429,
                &[],
                plain(r#"{"message":"Requests rate limit exceeded"}"#),
                RateLimited,
            ),
            (
                429,
                &[],
                plain(
                    r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"x","code":"3505"}"#,
                ),
                Overloaded,
            ),
            (
                429,
                &[],
                plain(
                    r#"{"object":"error","message":"Service tier capacity exceeded for this model.","code":null}"#,
                ),
                Overloaded,
            ),
            (
                400,
                &[],
                plain(
                    r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","code":"1500"}"#,
                ),
                ModelNotFound,
            ),
            (
                400,
                &[],
                plain(
                    r#"{"object":"error","message":"Prompt contains 9 tokens, too large for model with 8 maximum context length","code":"3051"}"#,
                ),
                ContextLength,
            ),
            (
                422,
                &[],
                plain(r#"{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]}"#),
                BadRequest,
            ),
            // Groq
            (
                413,
                &[],
                openai("tokens", "rate_limit_exceeded", "Request too large for model"),
                ContextLength,
            ),
            (
                400,
                &[],
                openai("invalid_request_error", "model_decommissioned", "gone"),
                ModelNotFound,
            ),
            (
                400,
                &[],
                openai("invalid_request_error", "organization_restricted", "restricted"),
                AuthForbidden,
            ),
            (
                429,
                &[],
                openai(
                    "tokens",
                    "rate_limit_exceeded",
                    "on tokens per day (TPD): Limit 1",
                ),
                QuotaDaily,
            ),
            (
                498,
                &[],
                openai("capacity", "capacity_exceeded", "flex"),
                Overloaded,
            ),
            (
                400,
                &[],
                openai(
                    "invalid_request_error",
                    "context_length_exceeded",
                    "Please reduce the length of the messages or completion.",
                ),
                ContextLength,
            ),
            // DeepSeek
            (
                402,
                &[],
                openai("unknown_error", "invalid_request_error", "Insufficient Balance"),
                Billing,
            ),
            (
                401,
                &[],
                openai(
                    "authentication_error",
                    "invalid_request_error",
                    "Authentication Fails, Your api key: ****abcd is invalid",
                ),
                AuthInvalid,
            ),
            (
                400,
                &[],
                openai(
                    "invalid_request_error",
                    "invalid_request_error",
                    "Model Not Exist",
                ),
                ModelNotFound,
            ),
            (
                400,
                &[],
                openai(
                    "invalid_request_error",
                    "invalid_request_error",
                    "This model's maximum context length is 65536 tokens.",
                ),
                ContextLength,
            ),
            (
                400,
                &[],
                openai(
                    "invalid_request_error",
                    "invalid_request_error",
                    "Content Exists Risk",
                ),
                ContentFilter,
            ),
            (
                422,
                &[],
                openai("invalid_request_error", "invalid_request_error", "no"),
                BadRequest,
            ),
            // NVIDIA
            (
                403,
                &[],
                plain(r#"{"status":403,"title":"Forbidden","detail":"Authorization failed"}"#),
                AuthInvalid,
            ),
            (
                404,
                &[],
                plain(r#"{"detail":"Function 'f': Not found for account 'a'"}"#),
                AuthForbidden,
            ),
            (410, &[], plain("Gone"), ModelNotFound),
            (500, &[], plain("ResourceExhausted: no worker"), Overloaded),
            (202, &[], String::new(), UpstreamError),
            // OpenRouter
            (
                402,
                &[],
                plain(r#"{"error":{"code":402,"message":"Insufficient credits","metadata":{}}}"#),
                Billing,
            ),
            (
                408,
                &[],
                plain(r#"{"error":{"code":408,"message":"Timed out"}}"#),
                Timeout,
            ),
            (
                503,
                &[],
                plain(r#"{"error":{"code":503,"message":"No provider"}}"#),
                Overloaded,
            ),
            // Azure
            (
                404,
                &[],
                plain(r#"{"error":{"code":"DeploymentNotFound","message":"no"}}"#),
                ModelNotFound,
            ),
            (
                400,
                &[],
                plain(r#"{"error":{"code":"content_filter","message":"no","innererror":{}}}"#),
                ContentFilter,
            ),
            (
                401,
                &[],
                plain(
                    r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key"}}"#,
                ),
                AuthInvalid,
            ),
            // llama.cpp, LM Studio, vLLM and things in between
            (
                400,
                &[],
                plain(r#"{"error":{"message":"the request exceeds the available context size"}}"#),
                ContextLength,
            ),
            (
                400,
                &[],
                plain(r#"{"error":"tokens are greater than the context length"}"#),
                ContextLength,
            ),
            (
                400,
                &[],
                plain(
                    r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#,
                ),
                ModelNotFound,
            ),
            (
                400,
                &[],
                plain(
                    r#"[{"error":{"message":"input token count (9) exceeds the maximum number of tokens allowed (8)"}}]"#,
                ),
                ContextLength,
            ),
            (429, &[], plain("Too many tokens, please wait"), RateLimited),
            (405, &[], plain("<html>"), BadRequest),
            (301, &[], String::new(), UpstreamError),
            (524, &[], String::new(), Timeout),
        ],
    );
}

#[test]
fn what_is_relayed_is_short_and_plain_and_holds_no_key() {
    let fault = |body: &str| {
        adapter(ProviderKind::Openai)
            .unwrap()
            .classify(400, &HeaderMap::new(), body.as_bytes())
    };
    let long = openai("invalid_request_error", "x", &"word ".repeat(1000));
    assert!(fault(&long).message.unwrap().chars().count() <= 501);
    let key = openai(
        "invalid_request_error",
        "x",
        "bad header Bearer abcdefgh1234 and sk-abcdefgh1234\nnext",
    );
    assert_eq!(
        fault(&key).message.unwrap(),
        "bad header [redacted] and [redacted] next"
    );
    let odd = serde_json::json!({ "error": { "message": "m", "type": "a".repeat(65), "code": "sk-abcdefgh1234", "param": "a\nb" } });
    let odd = fault(&odd.to_string());
    assert_eq!((odd.kind, odd.code, odd.param), (None, None, None));
    assert_eq!(fault("<html>secret</html>").message, None);
    let number = fault(r#"{"error":{"message":"m","code":17,"param":"max_tokens"}}"#);
    assert_eq!(
        (number.code.as_deref(), number.param.as_deref()),
        (Some("17"), Some("max_tokens"))
    );
}

#[test]
fn the_wait_is_taken_from_headers_or_words() {
    let body = openai(
        "tokens",
        "rate_limit_exceeded",
        "Please try again in 5.289s. Visit",
    );
    let adapter = adapter(ProviderKind::Openai).unwrap();
    assert_eq!(
        adapter
            .classify(429, &HeaderMap::new(), body.as_bytes())
            .retry_after_ms,
        Some(5289)
    );
    let limits = headers(&[("x-ratelimit-reset-requests", "8s")]);
    assert_eq!(adapter.classify(429, &limits, b"{}").retry_after_ms, Some(8000));
    assert_eq!(adapter.classify(400, &limits, b"{}").retry_after_ms, None);
    assert_eq!(adapter.classify(500, &limits, b"{}").retry_after_ms, None);
    let list = headers(&[("retry-after", "2")]);
    assert_eq!(
        adapter.classify(429, &list, body.as_bytes()).retry_after_ms,
        Some(2000)
    );
}

#[test]
fn only_an_answer_about_the_key_decides_about_the_key() {
    use ProviderKind::{Anthropic, AnthropicCompatible, Ollama, Openai, OpenaiCompatible};
    let list = r#"{"object":"list","data":[]}"#;
    let wrong = openai(
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided: sk-abc***xyz",
    );
    for (kind, status, body, expected) in [
        (Openai, 200, list, "accepted"),
        (Openai, 401, wrong.as_str(), "rejected"),
        (Openai, 403, "{}", "accepted"),
        (Openai, 429, "{}", "undecided"),
        (Openai, 500, "{}", "undecided"),
        (Openai, 503, "", "undecided"),
        (Openai, 302, "", "undecided"),
        (Openai, 200, "<html>captive portal</html>", "undecided"),
        (Openai, 401, "<html>proxy</html>", "undecided"),
        (OpenaiCompatible, 403, "{}", "rejected"),
        (OpenaiCompatible, 404, "{}", "undecided"),
        (OpenaiCompatible, 405, "", "undecided"),
        (
            OpenaiCompatible,
            400,
            r#"{"error":"Incorrect API key provided"}"#,
            "rejected",
        ),
        (Anthropic, 200, list, "accepted"),
        (Anthropic, 401, "{}", "rejected"),
        (Anthropic, 403, "{}", "accepted"),
        (Anthropic, 429, "{}", "undecided"),
        (Anthropic, 529, "{}", "undecided"),
        (AnthropicCompatible, 404, "{}", "undecided"),
        (Ollama, 200, list, "accepted"),
        (Ollama, 401, r#"{"error":"unauthorized"}"#, "rejected"),
        (Ollama, 504, "", "undecided"),
    ] {
        let verdict = adapter(kind)
            .unwrap()
            .read_validation(status, &HeaderMap::new(), body.as_bytes());
        let (found, reason) = match verdict {
            Verdict::Accepted => ("accepted", String::new()),
            Verdict::Rejected { reason } => ("rejected", reason),
            Verdict::Undecided { reason } => ("undecided", reason),
        };
        assert_eq!(found, expected, "{kind} {status} {body}");
        assert!(!reason.contains("sk-"), "{reason}");
    }
}
