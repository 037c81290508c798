//! What makes a fresh data directory an installation: root key, operator token, a first workspace with a virtual key.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::sync::Arc;

use anyhow::Context;
use freehold_domain::id::{IdSource, InstallationId, VirtualKeyId, WorkspaceId};
use freehold_domain::key::{Scope, VirtualKey, VirtualKeyLimits};
use freehold_domain::port::{DataKey, Installation, PortError, Store};
use freehold_domain::time::Clock;
use freehold_domain::workspace::{FallbackPolicy, Workspace};
use freehold_vault::{Entropy, Keyring, Minted, operator_token, virtual_key};

use crate::config::Config;
use crate::exit::Exit;
use crate::root_key;

/// Name of the workspace every installation begins with.
const FIRST_WORKSPACE: &str = "default";
/// Its plan: whoever installs Freehold for themselves should not meet a limit meant for strangers.
const FIRST_PLAN: &str = "enterprise";

/// What an installation is, once it is open.
pub(crate) struct Opened {
    /// Opens and seals.
    pub(crate) keyring: Arc<Keyring>,
    /// Keyed hash of the operator token.
    pub(crate) operator_token_hash: [u8; 32],
    /// What must be shown now and never again.
    pub(crate) news: News,
}

/// What is shown once, on the first start.
#[derive(Default)]
pub(crate) struct News {
    /// The operator token, if it was made now.
    pub(crate) operator_token: Option<Minted>,
    /// The first virtual key, if it was made now.
    pub(crate) virtual_key: Option<Minted>,
    /// The root key's file, if it was made now.
    pub(crate) root_key_file: Option<std::path::PathBuf>,
}

/// Where time, ids and chance come from.
pub(crate) struct Sources {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// The data directory is there, and only its owner can enter it.
///
/// # Errors
/// When it cannot be made, or others can enter it.
pub(crate) fn prepare_directory(config: &Config) -> anyhow::Result<()> {
    let directory = &config.data_dir;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("the data directory {} cannot be made", directory.display()))?;
    let mode = std::fs::metadata(directory)
        .context("the data directory")?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        anyhow::bail!(
            "the data directory {0} can be entered by others; run `chmod 700 {0}`",
            directory.display()
        );
    }
    Ok(())
}

/// The installation, open: made now if the store has none.
///
/// # Errors
/// [`Exit::RootKey`] when the root key is missing or another one; nothing has been written then.
pub(crate) async fn open(config: &Config, store: &dyn Store, sources: &Sources) -> Result<Opened, Exit> {
    let stored = store
        .installation()
        .await
        .context("the installation cannot be read")?;
    let found = root_key::find(config).map_err(Exit::RootKey)?;
    let is_first_start = stored.is_none();
    let found = match (found, &stored) {
        (Some(found), _) => found,
        (None, Some(_)) => {
            return Err(Exit::RootKey(anyhow::anyhow!(
                "this installation has a root key, and it is not in {}; put its backup there, or give it by FREEHOLD_ROOT_KEY_FILE",
                config.data_dir.join(root_key::FILE).display()
            )));
        }
        (None, None) => root_key::make(config, &*sources.entropy)?,
    };
    let id = stored
        .as_ref()
        .map_or_else(|| InstallationId::new(&*sources.ids), |stored| stored.id);
    let check = found.key.check_value(id);
    let keyring = Keyring::new(found.key, id);
    let mut news = News::default();
    if found.is_new {
        news.root_key_file = found.file;
    }
    let mut operator_token_hash = None;
    if let Some(chosen) = &config.admin_token {
        let pepper = keyring.installation_keys().operator_token_pepper();
        let hash = operator_token::hash_chosen(chosen, pepper).map_err(|error| Exit::Usage(error.into()))?;
        operator_token_hash = Some(hash);
    }
    let installation = match stored {
        Some(installation) => installation,
        None => {
            let token_hash = if operator_token_hash.is_none() {
                let minted = operator_token::mint(
                    &*sources.entropy,
                    keyring.installation_keys().operator_token_pepper(),
                )
                .context("the operator token cannot be made")?;
                let hash = minted.hash;
                news.operator_token = Some(minted);
                Some(hash)
            } else {
                None
            };
            let fresh = Installation {
                id,
                root_generation: 1,
                root_check: check,
                operator_token_hash: token_hash,
                created_at: sources.clock.now(),
            };
            store
                .initialise(&fresh)
                .await
                .context("the installation cannot be written")?
        }
    };
    if installation.id != id {
        return Err(Exit::Failure(anyhow::anyhow!(
            "another node made this installation at the same moment; start again"
        )));
    }
    keyring.verify_root(&installation.root_check).map_err(|error| {
        Exit::RootKey(
            anyhow::Error::new(error)
                .context("the root key does not belong to this installation; nothing was changed"),
        )
    })?;
    let operator_token_hash = match (operator_token_hash, installation.operator_token_hash) {
        (Some(hash), _) | (None, Some(hash)) => hash,
        (None, None) => {
            // The token came from the configuration until now; make one of our own rather than lock the operator out.
            let minted = operator_token::mint(
                &*sources.entropy,
                keyring.installation_keys().operator_token_pepper(),
            )
            .context("the operator token cannot be made")?;
            let changed = Installation {
                operator_token_hash: Some(minted.hash),
                ..installation
            };
            store
                .update_installation(&changed)
                .await
                .context("the operator token cannot be kept")?;
            let hash = minted.hash;
            news.operator_token = Some(minted);
            hash
        }
    };
    let keyring = Arc::new(keyring);
    ensure_platform_data_key(store, &keyring, sources).await?;
    if is_first_start {
        news.virtual_key = Some(make_first_workspace(store, &keyring, sources).await?);
    }
    Ok(Opened {
        keyring,
        operator_token_hash,
        news,
    })
}

/// The platform's workspace has a data key, for keys of the configuration and of the operator API.
async fn ensure_platform_data_key(
    store: &dyn Store,
    keyring: &Keyring,
    sources: &Sources,
) -> anyhow::Result<()> {
    let state = store
        .load_directory()
        .await
        .context("the directory cannot be read")?;
    for data_key in &state.data_keys {
        keyring
            .load(data_key)
            .with_context(|| format!("the data key of {}", data_key.workspace))?;
    }
    if state
        .data_keys
        .iter()
        .any(|key| key.workspace == WorkspaceId::PLATFORM)
    {
        return Ok(());
    }
    let data_key = data_key(keyring, WorkspaceId::PLATFORM, sources)?;
    match store.add_data_key(&data_key).await {
        Ok(()) => keyring.load(&data_key).context("the platform's data key"),
        // Another node was faster; its key is the one that holds.
        Err(PortError::Conflict(_)) => {
            let state = store.load_directory().await?;
            for data_key in state
                .data_keys
                .iter()
                .filter(|key| key.workspace == WorkspaceId::PLATFORM)
            {
                keyring.load(data_key).context("the platform's data key")?;
            }
            Ok(())
        }
        Err(error) => Err(error).context("the platform's data key cannot be kept"),
    }
}

fn data_key(keyring: &Keyring, workspace: WorkspaceId, sources: &Sources) -> anyhow::Result<DataKey> {
    keyring
        .create_data_key(workspace, 1, &*sources.entropy)
        .context("a data key cannot be made")
}

async fn make_first_workspace(
    store: &dyn Store,
    keyring: &Keyring,
    sources: &Sources,
) -> anyhow::Result<Minted> {
    let now = sources.clock.now();
    let workspace = Workspace {
        id: WorkspaceId::new(&*sources.ids),
        name: FIRST_WORKSPACE.to_owned(),
        plan: FIRST_PLAN.to_owned(),
        fallback: FallbackPolicy::default(),
        time_zone: "UTC".to_owned(),
        created_at: now,
        updated_at: now,
    };
    store
        .create_workspace(&workspace, &data_key(keyring, workspace.id, sources)?)
        .await
        .context("the first workspace cannot be made")?;
    let minted = virtual_key::mint(&*sources.entropy, keyring.pepper(), workspace.id)
        .context("the first virtual key cannot be made")?;
    let key = VirtualKey {
        id: VirtualKeyId::new(&*sources.ids),
        workspace: workspace.id,
        label: "First key".to_owned(),
        public_id: minted.public_id.as_str().to_owned(),
        hash: minted.hash,
        scopes: [Scope::Inference, Scope::Manage, Scope::Read].into(),
        allowed_models: Vec::new(),
        limits: VirtualKeyLimits::default(),
        expires_at: None,
        created_at: now,
    };
    store
        .create_virtual_key(&key)
        .await
        .context("the first virtual key cannot be kept")?;
    Ok(minted)
}
