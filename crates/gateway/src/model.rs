//! Which provider a model's name means.

use std::sync::Arc;

use freehold_domain::catalog::Catalogue;
use freehold_domain::denial::{Denial, DenialCode};
use freehold_domain::provider::ProviderKind;

use crate::authenticate::Caller;
use crate::snapshot::KeyView;

/// A provider and its own name for a model. Copies are cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    full_name: Arc<str>,
    /// How long the provider's name is.
    provider_length: usize,
}

impl Resolved {
    fn new(provider: &str, model: &str) -> Self {
        Self {
            full_name: Arc::from(format!("{provider}/{model}")),
            provider_length: provider.len(),
        }
    }

    /// `provider/model`, which allow-lists are held against.
    pub(crate) fn full_name(&self) -> &str {
        &self.full_name
    }

    /// The name the provider's models are called by.
    pub(crate) fn provider(&self) -> &str {
        self.full_name.get(..self.provider_length).unwrap_or_default()
    }

    /// The model, by the provider's name for it.
    pub(crate) fn model(&self) -> &str {
        self.full_name.get(self.provider_length + 1..).unwrap_or_default()
    }
}

/// What `name` means for this caller: `provider/model`, or a bare name that only one usable provider has.
///
/// # Errors
/// `ModelNotFound` with the way out: write the provider, or store a key.
pub(crate) fn resolve(catalogue: &Catalogue, caller: &Caller, name: &str) -> Result<Resolved, Denial> {
    if let Some((provider, model)) = name.split_once('/')
        && !model.is_empty()
        && is_provider(caller, provider)
    {
        return Ok(Resolved::new(provider, model));
    }
    let not_found = |message: String| Denial::new(DenialCode::ModelNotFound, message).with_param("model");
    let mut owners = owners(catalogue, caller, name);
    owners.sort_unstable();
    owners.dedup();
    match owners.as_slice() {
        [provider] => Ok(Resolved::new(provider, name)),
        [] => Err(not_found(format!(
            "No provider that this key may use has a model {name:?}. Write it as `provider/model`; GET /v1/models lists what there is."
        ))),
        several => Err(not_found(format!(
            "Several providers have a model {name:?}: write {}.",
            several
                .iter()
                .map(|provider| format!("`{provider}/{name}`"))
                .collect::<Vec<_>>()
                .join(" or ")
        ))),
    }
}

/// Whether models can be called as `provider/…`: a kind's name, or the name of a stored key.
fn is_provider(caller: &Caller, provider: &str) -> bool {
    !caller.workspace.keys.of(provider).is_empty()
        || !caller.snapshot.platform.of(provider).is_empty()
        || provider.parse::<ProviderKind>().is_ok_and(|kind| {
            !matches!(
                kind,
                ProviderKind::OpenaiCompatible | ProviderKind::AnthropicCompatible
            )
        })
}

/// Providers usable by this caller that have the model of this bare name.
fn owners<'a>(catalogue: &Catalogue, caller: &'a Caller, name: &str) -> Vec<&'a str> {
    let usable = || {
        caller
            .workspace
            .keys
            .providers()
            .chain(caller.snapshot.platform.providers())
            .filter(|(_, keys)| {
                keys.iter()
                    .any(|view| view.key.is_active && view.adapter.is_some())
            })
    };
    let known = |view: &KeyView| {
        has_row(catalogue, view.key.provider, name)
            || view.key.allowed_models.iter().any(|listed| listed == name)
    };
    let owners: Vec<_> = usable()
        .filter(|(_, keys)| keys.iter().any(|view| known(view)))
        .map(|(provider, _)| &**provider)
        .collect();
    if !owners.is_empty() {
        return owners;
    }
    // Nobody is known to have it. Servers with models of their own making may.
    usable()
        .filter(|(_, keys)| {
            keys.iter().any(|view| {
                view.key.allowed_models.is_empty()
                    && matches!(
                        view.key.provider,
                        ProviderKind::Ollama
                            | ProviderKind::OpenaiCompatible
                            | ProviderKind::AnthropicCompatible
                    )
            })
        })
        .map(|(provider, _)| &**provider)
        .collect()
}

/// Whether the catalogue lists the model by name; a row for everything a provider may have says nothing.
fn has_row(catalogue: &Catalogue, kind: ProviderKind, name: &str) -> bool {
    catalogue.providers_with(name).any(|provider| provider == kind)
}
