//! `GET /v1/models`: what this key may use now, and who would pay.

use std::collections::BTreeMap;
use std::sync::Arc;

use freehold_domain::catalog::{Endpoint, Matching, ModelCard, TokenClass};
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
use crate::model::Resolved;
use crate::receive;
use crate::route::card_of;
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

/// A model that the caller can call.
struct Callable<'a> {
    provider: Arc<str>,
    card: Option<&'a ModelCard>,
    attribution: Attribution,
}

impl Gateway {
    /// Answers `GET /v1/models`.
    pub fn list_models(&self, headers: &HeaderMap) -> Response<ReplyBody> {
        let received = receive::receive(self, headers);
        match authenticate::authenticate(self, &received, headers) {
            Err(denial) => error::strange(self, received.id, &denial),
            Ok(caller) => {
                let data = self
                    .usable(&caller)
                    .into_iter()
                    .map(|(id, model)| view(id, &model))
                    .collect();
                error::json_reply(received.id, &List { object: "list", data })
            }
        }
    }

    /// Answers `GET /v1/models/{provider}/{model}`.
    pub fn show_model(&self, headers: &HeaderMap, id: &str) -> Response<ReplyBody> {
        let received = receive::receive(self, headers);
        let caller = match authenticate::authenticate(self, &received, headers) {
            Err(denial) => return error::strange(self, received.id, &denial),
            Ok(caller) => caller,
        };
        match self.usable(&caller).remove_entry(id) {
            Some((id, model)) => error::json_reply(received.id, &view(id, &model)),
            None => {
                let message = format!("This key can use no model {id:?}. GET /v1/models lists those it can.");
                error::strange(
                    self,
                    received.id,
                    &Denial::new(DenialCode::ModelNotFound, message),
                )
            }
        }
    }

    /// Every listed model that the caller can call: its name, its card, and whether the caller's own key would pay.
    pub(crate) fn callable<'a>(
        &'a self,
        caller: &Caller,
    ) -> impl Iterator<Item = (String, &'a ModelCard, bool)> {
        let usable = self.usable(caller).into_iter();
        usable.filter_map(|(id, model)| Some((id, model.card?, model.attribution == Attribution::Byok)))
    }

    /// What is known of a model, whether the caller's own key would pay for it, and at what kind of provider.
    pub(crate) fn facts<'a>(
        &'a self,
        caller: &Caller,
        resolved: &Resolved,
    ) -> (Option<&'a ModelCard>, bool, Option<ProviderKind>) {
        let own = caller.workspace.keys.of(resolved.provider());
        let first = own
            .first()
            .or_else(|| caller.snapshot.platform.of(resolved.provider()).first());
        let kind = first
            .map(|view| view.key.provider)
            .or_else(|| resolved.provider().parse().ok());
        let origin = first.map(|view| &*view.key.origin);
        let card = kind.and_then(|kind| card_of(&self.catalogue, kind, origin, resolved.model()));
        let pays_itself =
            (!own.is_empty() && caller.workspace.plan.byok) || kind == Some(ProviderKind::Sandbox);
        (card, pays_itself, kind)
    }

    fn usable(&self, caller: &Caller) -> BTreeMap<String, Callable<'_>> {
        let mut found = BTreeMap::new();
        let own = &caller.workspace.keys;
        if caller.workspace.plan.byok {
            for (name, keys) in own.providers() {
                self.collect(caller, name, keys, Attribution::Byok, &mut found);
            }
        }
        if caller.workspace.workspace.fallback != FallbackPolicy::Never {
            for (name, keys) in caller
                .snapshot
                .platform
                .providers()
                .filter(|(name, _)| own.of(name).is_empty())
            {
                self.collect(caller, name, keys, Attribution::Platform, &mut found);
            }
        }
        let sandbox: Arc<str> = Arc::from(ProviderKind::Sandbox.as_str());
        for model in freehold_wire::sandbox::MODELS {
            let card = self.catalogue.lookup(ProviderKind::Sandbox, model);
            let callable = Callable {
                provider: Arc::clone(&sandbox),
                card,
                attribution: Attribution::Platform,
            };
            offer(caller, model, callable, &[], &mut found);
        }
        found
    }

    /// Every model that one of a provider's `keys` can call.
    fn collect<'a>(
        &'a self,
        caller: &Caller,
        name: &Arc<str>,
        keys: &[Arc<KeyView>],
        attribution: Attribution,
        found: &mut BTreeMap<String, Callable<'a>>,
    ) {
        let served = |view: &&Arc<KeyView>| {
            view.key.is_active && view.adapter.is_some() && view.key.provider != ProviderKind::Sandbox
        };
        for view in keys.iter().filter(served) {
            let (key, patterns) = (&view.key, &view.key.allowed_models);
            let callable = |card| Callable {
                provider: Arc::clone(name),
                card,
                attribution,
            };
            for card in self
                .catalogue
                .models(key.provider)
                .filter(|card| is_offered(card))
            {
                offer(caller, &card.id, callable(Some(card)), patterns, found);
            }
            // A server whose models nobody lists: those that its owner named are known to be there.
            for model in patterns.iter().filter(|pattern| !pattern.contains('*')) {
                let model = model.strip_prefix(&format!("{name}/")).unwrap_or(model);
                let card = card_of(&self.catalogue, key.provider, Some(&key.origin), model);
                offer(caller, model, callable(card), patterns, found);
            }
        }
    }
}

/// Takes the model into the list, if key, plan and provider key all allow it.
fn offer<'a>(
    caller: &Caller,
    model: &str,
    callable: Callable<'a>,
    key_patterns: &[String],
    found: &mut BTreeMap<String, Callable<'a>>,
) {
    let id = format!("{}/{model}", callable.provider);
    let allowed = [
        key_patterns,
        &caller.key.allowed_models,
        &caller.workspace.plan.allowed_models,
    ]
    .into_iter()
    .all(|patterns| model_is_allowed(patterns, &id));
    if allowed {
        found.entry(id).or_insert(callable);
    }
}

/// Whether the row is one model that chat can call, rather than a rule for many names.
fn is_offered(card: &ModelCard) -> bool {
    card.matching == Matching::Exact && card.serves(Endpoint::ChatCompletions) != Some(false)
}

fn view(id: String, model: &Callable<'_>) -> ModelView {
    let limits = model.card.map(|card| card.limits).unwrap_or_default();
    ModelView {
        id,
        object: "model",
        created: 0,
        owned_by: model.provider.to_string(),
        cost_attribution: model.attribution,
        context_tokens: limits.context,
        max_input_tokens: limits.input,
        max_output_tokens: limits.output,
        pricing: model.card.and_then(pricing),
    }
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
