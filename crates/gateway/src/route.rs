//! Stage 6: every way in which the request could be served, best first.

use std::sync::Arc;

use freehold_domain::catalog::{Catalogue, ModelCard};
use freehold_domain::denial::{Denial, DenialCode, Remedy};
use freehold_domain::key::model_is_allowed;
use freehold_domain::provider::ProviderKind;
use freehold_domain::record::Attribution;
use freehold_domain::workspace::FallbackPolicy;

use crate::authorize::Grant;
use crate::case::Case;
use crate::snapshot::KeyView;

/// One way to serve the request.
#[derive(Clone)]
pub(crate) struct Candidate {
    /// The key; nothing for the built-in sandbox.
    pub(crate) key: Option<Arc<KeyView>>,
    pub(crate) kind: ProviderKind,
    pub(crate) provider: Arc<str>,
    pub(crate) attribution: Attribution,
}

impl Candidate {
    /// What is known of `model` at this candidate.
    pub(crate) fn card<'a>(&self, catalogue: &'a Catalogue, model: &str) -> Option<&'a ModelCard> {
        card_of(
            catalogue,
            self.kind,
            self.key.as_ref().map(|view| &*view.key.origin),
            model,
        )
    }
}

/// What is known of `model` at a provider that is reached at `origin`.
pub(crate) fn card_of<'a>(
    catalogue: &'a Catalogue,
    kind: ProviderKind,
    origin: Option<&str>,
    model: &str,
) -> Option<&'a ModelCard> {
    // A server that runs models on its owner's machine has other prices than the cloud of the same provider.
    let is_local = kind == ProviderKind::Ollama && origin != Some("https://ollama.com:443");
    if is_local {
        catalogue.lookup_local(kind, model)
    } else {
        catalogue.lookup(kind, model)
    }
}

/// A request with at least one way to serve it.
pub(crate) struct Routed {
    pub(crate) grant: Grant,
    pub(crate) candidates: Vec<Candidate>,
}

/// Own keys by priority, then the platform's where the policy allows it.
///
/// # Errors
/// `NoCandidate`, saying what to store or change.
pub(crate) fn route(case: &Case, grant: Grant) -> Result<Routed, Denial> {
    let caller = &case.caller;
    let provider = grant.resolved.provider();
    let workspace = &caller.workspace;
    let own: &[Arc<KeyView>] = if workspace.plan.byok {
        workspace.keys.of(provider)
    } else {
        &[]
    };
    let platform = caller.snapshot.platform.of(provider);
    let usable = |view: &&Arc<KeyView>| {
        view.key.is_active
            && view.adapter.is_some()
            && (view.endpoint.is_some() || view.key.provider == ProviderKind::Sandbox)
            && model_is_allowed(&view.key.allowed_models, grant.resolved.full_name())
    };
    let now = case.received.at;
    // A key that the provider refused, or that is paused, is passed over as long as there is another one.
    let in_order = |keys: &[Arc<KeyView>]| {
        let mut keys: Vec<_> = keys.iter().filter(usable).cloned().collect();
        keys.sort_by_key(|view| {
            (
                view.life.is_refused(),
                view.life.breaker(|breaker| breaker.is_avoided(now)),
            )
        });
        keys
    };
    let own_keys = in_order(own);
    let falls_back = match workspace.workspace.fallback {
        policy if own.is_empty() => policy != FallbackPolicy::Never,
        // Keys that are switched off or meant for other models are there: nothing is missing.
        policy if own_keys.is_empty() => policy == FallbackPolicy::OnFailure,
        policy => own_keys
            .iter()
            .all(|view| view.key.fallback.unwrap_or(policy) == FallbackPolicy::OnFailure),
    };
    let platform_keys = if falls_back {
        in_order(platform)
    } else {
        Vec::new()
    };
    let mut candidates: Vec<Candidate> = Vec::with_capacity(own_keys.len() + platform_keys.len());
    for (keys, attribution) in [
        (own_keys, Attribution::Byok),
        (platform_keys, Attribution::Platform),
    ] {
        candidates.extend(keys.into_iter().map(|view| Candidate {
            kind: view.key.provider,
            provider: Arc::clone(&view.name),
            attribution,
            key: Some(view),
        }));
    }
    // The sandbox is built in: it needs no key and spends nothing.
    if candidates.is_empty() && own.is_empty() && provider == ProviderKind::Sandbox.as_str() {
        candidates.push(Candidate {
            key: None,
            kind: ProviderKind::Sandbox,
            provider: Arc::from(provider),
            attribution: Attribution::Platform,
        });
    }
    if candidates.is_empty() {
        return Err(no_candidate(
            provider,
            own,
            platform.is_empty(),
            workspace.plan.byok,
        ));
    }
    Ok(Routed { grant, candidates })
}

fn no_candidate(provider: &str, own: &[Arc<KeyView>], no_platform_key: bool, byok: bool) -> Denial {
    let unserved = own.iter().any(|view| view.adapter.is_none())
        || provider
            .parse::<ProviderKind>()
            .is_ok_and(|kind| freehold_wire::adapter::adapter(kind).is_none());
    let message = if unserved {
        format!("Freehold cannot talk to {provider} yet. Use another provider.")
    } else if own.is_empty() && !byok {
        format!("The platform has no key for {provider}, and this plan does not allow own keys.")
    } else if own.is_empty() {
        format!("There is no key for {provider}. Store one with POST /v1/byok/providers.")
    } else if own.iter().all(|view| !view.key.is_active) {
        format!("Every key for {provider} is switched off. Switch one on with PUT /v1/byok/providers/{{id}}.")
    } else {
        format!("No key for {provider} allows this model. Change `allowed_models` of a key.")
    };
    let mut denial = Denial::new(DenialCode::NoCandidate, message);
    if own.is_empty() && byok && !unserved && no_platform_key {
        denial.remedies.push(Remedy::UseOwnKey {
            provider: provider.to_owned(),
            would_allow: true,
        });
    }
    denial
}
