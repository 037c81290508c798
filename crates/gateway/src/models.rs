//! `GET /v1/models`: what this key may use now, and who would pay.

use std::collections::BTreeMap;
use std::sync::Arc;

use freehold_domain::catalog::{ModelCard, TokenClass};
use freehold_domain::denial::{Denial, DenialCode};
use freehold_domain::key::model_is_allowed;
use freehold_domain::provider::ProviderKind;
use freehold_domain::record::Attribution;
use freehold_domain::workspace::FallbackPolicy;
use http::{HeaderMap, Response};
use serde::Serialize;

use crate::Gateway;
use crate::answer::ReplyBody;
use crate::authenticate::{self, Caller};
use crate::error;
use crate::receive;
use crate::snapshot::KeyView;

/// A model as the list shows it: OpenAI's fields, then ours.
#[derive(Serialize)]
struct ModelView {
    id: String,
    object: &'static str,
    created: i64,
    owned_by: String,
    cost_attribution: Attribution,
    context_tokens: Option<u64>,
    max_input_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
    pricing: Option<Pricing>,
}

/// US dollars per million tokens, as decimal strings.
#[derive(Serialize)]
struct Pricing {
    input_usd_per_mtok: Option<String>,
    output_usd_per_mtok: Option<String>,
    cache_read_usd_per_mtok: Option<String>,
    source: String,
    date: String,
}

#[derive(Serialize)]
struct List<T> {
    object: &'static str,
    data: Vec<T>,
}

impl Gateway {
    /// Answers `GET /v1/models`.
    pub fn list_models(&self, headers: &HeaderMap) -> Response<ReplyBody> {
        let received = receive::receive(self, headers);
        match authenticate::authenticate(self, &received, headers) {
            Err(denial) => error::strange(self, received.id, &denial),
            Ok(caller) => error::json_reply(
                received.id,
                &List {
                    object: "list",
                    data: self.usable_models(&caller),
                },
            ),
        }
    }

    /// Answers `GET /v1/models/{provider}/{model}`.
    pub fn show_model(&self, headers: &HeaderMap, model: &str) -> Response<ReplyBody> {
        let received = receive::receive(self, headers);
        let caller = match authenticate::authenticate(self, &received, headers) {
            Err(denial) => return error::strange(self, received.id, &denial),
            Ok(caller) => caller,
        };
        match self
            .usable_models(&caller)
            .into_iter()
            .find(|view| view.id == model)
        {
            Some(view) => error::json_reply(received.id, &view),
            None => {
                let denial = Denial::new(
                    DenialCode::ModelNotFound,
                    format!("This key can use no model {model:?}. GET /v1/models lists those it can."),
                );
                error::strange(self, received.id, &denial)
            }
        }
    }

    fn usable_models(&self, caller: &Caller) -> Vec<ModelView> {
        let mut found = BTreeMap::new();
        let own = &caller.workspace.keys;
        if caller.workspace.plan.byok {
            for (name, keys) in own.providers() {
                self.collect(caller, name, keys, Attribution::Byok, &mut found);
            }
        }
        if caller.workspace.workspace.fallback != FallbackPolicy::Never {
            for (name, keys) in caller.snapshot.platform.providers() {
                if own.of(name).is_empty() {
                    self.collect(caller, name, keys, Attribution::Platform, &mut found);
                }
            }
        }
        for model in freehold_wire::sandbox::MODELS {
            self.offer(
                caller,
                "sandbox",
                model,
                None,
                Attribution::Platform,
                &[],
                &mut found,
            );
        }
        found.into_values().collect()
    }

    /// Every model that one of a provider's `keys` can call.
    fn collect(
        &self,
        caller: &Caller,
        name: &str,
        keys: &[Arc<KeyView>],
        attribution: Attribution,
        found: &mut BTreeMap<String, ModelView>,
    ) {
        for view in keys
            .iter()
            .filter(|view| view.key.is_active && view.adapter.is_some())
        {
            let patterns = &view.key.allowed_models;
            if view.key.provider == ProviderKind::Sandbox {
                continue;
            }
            for card in self
                .catalogue
                .models(view.key.provider)
                .filter(|card| is_offered(card))
            {
                self.offer(caller, name, &card.id, Some(card), attribution, patterns, found);
            }
            // A server whose models nobody lists: those that its owner named are known to be there.
            for model in patterns.iter().filter(|pattern| !pattern.contains('*')) {
                let model = model.strip_prefix(&format!("{name}/")).unwrap_or(model);
                let card = self.catalogue.lookup(view.key.provider, model);
                self.offer(caller, name, model, card, attribution, patterns, found);
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one row of the list has as many origins"
    )]
    fn offer(
        &self,
        caller: &Caller,
        provider: &str,
        model: &str,
        card: Option<&ModelCard>,
        attribution: Attribution,
        key_patterns: &[String],
        found: &mut BTreeMap<String, ModelView>,
    ) {
        let id = format!("{provider}/{model}");
        let allowed = [
            key_patterns,
            &caller.key.allowed_models,
            &caller.workspace.plan.allowed_models,
        ]
        .into_iter()
        .all(|patterns| model_is_allowed(patterns, &id));
        if !allowed || found.contains_key(&id) {
            return;
        }
        let view = ModelView {
            id: id.clone(),
            object: "model",
            created: 0,
            owned_by: provider.to_owned(),
            cost_attribution: attribution,
            context_tokens: card.and_then(|card| card.limits.context),
            max_input_tokens: card.and_then(|card| card.limits.input),
            max_output_tokens: card.and_then(|card| card.limits.output),
            pricing: card.and_then(pricing),
        };
        found.insert(id, view);
    }
}

/// Whether the row is one model that chat can call, rather than a rule for many names.
fn is_offered(card: &ModelCard) -> bool {
    use freehold_domain::catalog::{Endpoint, Matching};
    card.matching == Matching::Exact && card.serves(Endpoint::ChatCompletions) != Some(false)
}

fn pricing(card: &ModelCard) -> Option<Pricing> {
    let price = card.price.as_ref()?;
    let rate = |class| price.rate(class).map(|rate| rate.to_string());
    Some(Pricing {
        input_usd_per_mtok: rate(TokenClass::Input),
        output_usd_per_mtok: rate(TokenClass::Output),
        cache_read_usd_per_mtok: rate(TokenClass::CacheRead),
        source: price.source().to_owned(),
        date: price.date().to_string(),
    })
}
