//! Anthropic's usage: cache figures stand beside the input figure, and a stream tells it in two events.

use freehold_domain::tokens::TokenUsage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json;
use crate::usage::{Count, ReportedUsage};

#[derive(Deserialize)]
struct View<'a> {
    #[serde(borrow, default)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cache_creation_input_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cache_read_input_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cache_creation: Option<CacheCreation<'a>>,
    #[serde(borrow, default)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_tokens_details: Option<OutputDetails<'a>>,
    #[serde(borrow, default)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow, default)]
    speed: Option<&'a RawValue>,
    #[serde(borrow, default)]
    inference_geo: Option<&'a RawValue>,
    #[serde(borrow, default)]
    server_tool_use: Option<ServerTools<'a>>,
}

#[derive(Deserialize)]
struct CacheCreation<'a> {
    #[serde(borrow, default)]
    ephemeral_5m_input_tokens: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ephemeral_1h_input_tokens: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OutputDetails<'a> {
    #[serde(borrow, default)]
    thinking_tokens: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ServerTools<'a> {
    #[serde(borrow, default)]
    web_search_requests: Option<&'a RawValue>,
}

/// The figures of one answer, as far as they were told.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_creation: Option<u64>,
    cache_5m: Option<u64>,
    cache_1h: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    web_searches: Option<u64>,
    service_tier: Option<Box<str>>,
    fast: bool,
    inference_geo: Option<Box<str>>,
    /// The objects as they came.
    raw: Vec<Box<str>>,
    broken: bool,
}

impl Figures {
    /// Takes one usage object. Figures are cumulative: those of the input never shrink (a later event often tells 0 or
    /// nothing), the output is what was told last.
    pub(super) fn take(&mut self, json: &str) {
        if json == "null" {
            return;
        }
        let Ok(view) = serde_json::from_str::<View<'_>>(json) else {
            self.broken = true;
            return;
        };
        self.raw.push(json.into());
        let creation = view.cache_creation.as_ref();
        for (figure, raw) in [
            (&mut self.input, view.input_tokens),
            (&mut self.cache_read, view.cache_read_input_tokens),
            (&mut self.cache_creation, view.cache_creation_input_tokens),
            (
                &mut self.cache_5m,
                creation.and_then(|split| split.ephemeral_5m_input_tokens),
            ),
            (
                &mut self.cache_1h,
                creation.and_then(|split| split.ephemeral_1h_input_tokens),
            ),
            (
                &mut self.web_searches,
                view.server_tool_use.and_then(|tools| tools.web_search_requests),
            ),
        ] {
            match Count::read(raw.map(RawValue::get)) {
                Count::Missing => {}
                Count::Known(count) => *figure = (*figure).max(Some(count)),
                Count::Broken => self.broken = true,
            }
        }
        for (figure, raw) in [
            (&mut self.output, view.output_tokens),
            (
                &mut self.thinking,
                view.output_tokens_details
                    .and_then(|details| details.thinking_tokens),
            ),
        ] {
            match Count::read(raw.map(RawValue::get)) {
                Count::Missing => {}
                Count::Known(count) => *figure = Some(count),
                Count::Broken => self.broken = true,
            }
        }
        let text = |raw: Option<&RawValue>| {
            raw.and_then(|raw| json::text(raw.get()))
                .map(|text| Box::from(&*text))
        };
        self.service_tier = text(view.service_tier).or(self.service_tier.take());
        self.inference_geo = text(view.inference_geo).or(self.inference_geo.take());
        self.fast |= view.speed.is_some_and(|speed| speed.get() == "\"fast\"");
    }

    /// The report, if one was made that can be trusted.
    pub(super) fn report(&self) -> Option<ReportedUsage> {
        if self.broken {
            return None;
        }
        let output = self.output?;
        let split = self
            .cache_5m
            .unwrap_or(0)
            .saturating_add(self.cache_1h.unwrap_or(0));
        let creation = self.cache_creation.unwrap_or(0).max(split);
        let long = self.cache_1h.unwrap_or(0);
        Some(ReportedUsage {
            tokens: TokenUsage {
                input: self.input?,
                cache_read: self.cache_read.unwrap_or(0),
                cache_write: creation - long,
                cache_write_long: long,
                output,
                reasoning: self.thinking.unwrap_or(0).min(output),
                ..TokenUsage::default()
            },
            raw: match self.raw.as_slice() {
                [one] => one.clone(),
                several => format!("[{}]", several.join(",")).into(),
            },
            service_tier: self.service_tier.clone(),
            fast: self.fast,
            inference_geo: self.inference_geo.clone(),
            web_searches: self.web_searches.unwrap_or(0),
            cost_usd: None,
        })
    }
}
