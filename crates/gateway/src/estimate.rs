//! Expects what a request will take, from what requests of the same model took before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use freehold_domain::tokens::TokenUsage;
use freehold_wire::openai::chat::ChatRequest;

/// Bytes of a prompt to one token, before anything was learned.
const BYTES_PER_TOKEN: u64 = 4;
/// Output expected before anything was learned.
const OUTPUT_TOKENS: u64 = 256;
/// Models remembered; beyond that new ones are not learned.
const MODELS_MAX: usize = 4_096;
/// Weight of a new observation is one in this many.
const MEMORY: u64 = 8;
/// Ratios are kept in thousandths.
const SCALE: u64 = 1_000;

#[derive(Clone, Copy)]
struct Learned {
    /// Input tokens to a thousand bytes of prompt.
    tokens_per_kilobyte: u64,
    output_tokens: u64,
}

/// What was learned for each model.
#[derive(Default)]
pub(crate) struct Estimator {
    models: Mutex<HashMap<String, Learned>>,
}

impl Estimator {
    fn models(&self) -> std::sync::MutexGuard<'_, HashMap<String, Learned>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tokens that `asked` will probably take on `model` (`provider/model`).
    pub(crate) fn expect(&self, model: &str, asked: &ChatRequest) -> TokenUsage {
        let learned = self.models().get(model).copied();
        let bytes = asked.input_bytes();
        let input = learned.map_or(bytes.div_ceil(BYTES_PER_TOKEN), |learned| {
            bytes.saturating_mul(learned.tokens_per_kilobyte).div_ceil(SCALE)
        });
        let output = learned.map_or(OUTPUT_TOKENS, |learned| learned.output_tokens);
        let output = asked.max_output_tokens().map_or(output, |max| output.min(max));
        TokenUsage {
            input,
            output,
            ..TokenUsage::default()
        }
    }

    /// `model` took `usage` for a prompt of `input_bytes`.
    pub(crate) fn learn(&self, model: &str, input_bytes: u64, usage: &TokenUsage) {
        if input_bytes == 0 {
            return;
        }
        let ratio = usage.input_total().saturating_mul(SCALE) / input_bytes;
        let mut models = self.models();
        if let Some(learned) = models.get_mut(model) {
            learned.tokens_per_kilobyte = towards(learned.tokens_per_kilobyte, ratio);
            learned.output_tokens = towards(learned.output_tokens, usage.output);
        } else if models.len() < MODELS_MAX {
            let learned = Learned {
                tokens_per_kilobyte: ratio,
                output_tokens: usage.output,
            };
            models.insert(model.to_owned(), learned);
        }
    }
}

/// `old`, moved one part in `MEMORY` towards `new`, and at least by one.
fn towards(old: u64, new: u64) -> u64 {
    if new >= old {
        old + (new - old).div_ceil(MEMORY)
    } else {
        old - (old - new).div_ceil(MEMORY)
    }
}

/// Tokens that so many bytes of generated text are about worth, when the provider does not say.
pub(crate) fn tokens_of_text(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn the_estimate_comes_closer_with_each_answer() {
        let estimator = Estimator::default();
        let asked = ChatRequest::parse(Bytes::from_static(
            br#"{"model":"m","messages":[{"role":"user","content":"a prompt of some length to be counted"}]}"#,
        ))
        .unwrap();
        let actual = TokenUsage {
            input: 40,
            output: 1_000,
            ..TokenUsage::default()
        };
        let mut errors = Vec::new();
        for _ in 0..20 {
            let expected = estimator.expect("p/m", &asked);
            errors.push(expected.output.abs_diff(actual.output));
            estimator.learn("p/m", asked.input_bytes(), &actual);
        }
        assert!(errors[0] > 700);
        assert!(errors[19] <= errors[0] / 10, "{errors:?}");
        assert_eq!(estimator.expect("p/m", &asked).input.abs_diff(40), 0);
    }
}
