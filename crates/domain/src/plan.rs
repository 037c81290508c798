//! Plans: named sets of limits, ceilings and allowances that a workspace is on.

use serde::{Deserialize, Serialize};

use crate::money::{Credits, Nanodollars};

/// A named set of limits. Absent limits do not limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// What it is called.
    pub name: String,
    /// Flat fee for a month.
    pub monthly_fee_usd: Nanodollars,
    /// Credits that come with each month.
    pub included_credits: Credits,
    /// Ceiling on what one request may cost.
    pub max_credits_per_request: Option<Credits>,
    /// Cap on the input tokens of one request.
    pub max_input_tokens: Option<u64>,
    /// Cap on the output tokens of one request.
    pub max_output_tokens: Option<u64>,
    /// Requests in a minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens in a minute, in and out.
    pub tokens_per_minute: Option<u64>,
    /// Requests at the same time.
    pub concurrent_requests: Option<u64>,
    /// Patterns of models that may be called; empty means all.
    pub allowed_models: Vec<String>,
    /// Whether own provider keys may be stored and used.
    pub byok: bool,
    /// What the platform adds to the provider's price, in hundredths of a percent.
    #[serde(rename = "platform_markup", with = "markup")]
    pub platform_markup_basis_points: u32,
    /// Name of the next larger plan.
    pub upgrade_to: Option<String>,
    /// Where to change the plan.
    pub upgrade_url: Option<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            name: String::new(),
            monthly_fee_usd: Nanodollars::ZERO,
            included_credits: Credits::ZERO,
            max_credits_per_request: None,
            max_input_tokens: None,
            max_output_tokens: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            concurrent_requests: None,
            allowed_models: Vec::new(),
            byok: true,
            platform_markup_basis_points: 0,
            upgrade_to: None,
            upgrade_url: None,
        }
    }
}

/// A markup in files and at rest: a fraction of the price, such as `"0.25"` for a quarter on top.
mod markup {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::money::Nanodollars;

    /// Billionths to a hundredth of a percent.
    const SCALE: i64 = 100_000;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(super) fn serialize<S: Serializer>(basis_points: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Nanodollars::from_units(i64::from(*basis_points) * SCALE))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let fraction = Nanodollars::deserialize(deserializer)?.units();
        u32::try_from(fraction / SCALE)
            .ok()
            .filter(|_| fraction % SCALE == 0)
            .ok_or_else(|| {
                serde::de::Error::custom(
                    "platform_markup must be a fraction from 0 with at most four places, such as 0.25",
                )
            })
    }
}

/// The plans every installation begins with, smallest first.
#[must_use]
pub fn built_in() -> Vec<Plan> {
    let plan = |name: &str, fee: i64, credits: i64, ceiling: Option<i64>, next: Option<&str>| Plan {
        name: name.to_owned(),
        monthly_fee_usd: Nanodollars::from_dollars(fee),
        included_credits: Credits::from_units(credits * 1_000_000),
        max_credits_per_request: ceiling.map(|credits| Credits::from_units(credits * 1_000_000)),
        upgrade_to: next.map(str::to_owned),
        ..Plan::default()
    };
    let sized = |mut plan: Plan, input: u64, output: u64, requests: u64, tokens: u64, concurrent: u64| {
        plan.max_input_tokens = Some(input);
        plan.max_output_tokens = Some(output);
        plan.requests_per_minute = Some(requests);
        plan.tokens_per_minute = Some(tokens);
        plan.concurrent_requests = Some(concurrent);
        plan
    };
    vec![
        sized(
            plan("free", 0, 100, Some(10), Some("starter")),
            32_000,
            4_096,
            60,
            100_000,
            8,
        ),
        sized(
            plan("starter", 19, 500, Some(50), Some("pro")),
            128_000,
            16_384,
            600,
            1_000_000,
            32,
        ),
        sized(
            plan("pro", 49, 2_000, Some(200), Some("team")),
            400_000,
            65_536,
            3_000,
            5_000_000,
            128,
        ),
        sized(
            plan("team", 199, 10_000, Some(1_000), Some("enterprise")),
            1_000_000,
            131_072,
            12_000,
            20_000_000,
            512,
        ),
        Plan {
            // No limit in daily use, but a caller that runs wild still meets one.
            requests_per_minute: Some(1_000_000),
            tokens_per_minute: Some(1_000_000_000),
            concurrent_requests: Some(10_000),
            ..plan("enterprise", 999, 50_000, None, None)
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_markup_is_written_as_a_fraction_and_reads_back() {
        let plan = Plan {
            name: "p".to_owned(),
            platform_markup_basis_points: 2_550,
            ..Plan::default()
        };
        let text = serde_json::to_string(&plan).unwrap();
        assert!(text.contains(r#""platform_markup":"0.255""#), "{text}");
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        assert!(serde_json::from_str::<Plan>(r#"{"name":"p","platform_markup":"-0.1"}"#).is_err());
        assert!(serde_json::from_str::<Plan>(r#"{"name":"p","platform_markup":"0.00001"}"#).is_err());
    }

    #[test]
    fn every_upgrade_leads_to_a_plan_that_exists() {
        let plans = built_in();
        for plan in &plans {
            if let Some(next) = &plan.upgrade_to {
                assert!(plans.iter().any(|other| &other.name == next), "{next}");
            }
        }
    }
}
