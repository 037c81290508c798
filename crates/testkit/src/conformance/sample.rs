//! Things to store, each unlike the others, the same in every run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use freehold_domain::id::{
    EntryId, InstallationId, ProviderKeyId, RequestId, VirtualKeyId, WorkspaceId, uuid_v7,
};
use freehold_domain::key::{
    KeyHealth, KeyStatus, ProviderKey, ProviderKeyLimits, Scope, SealedSecret, VirtualKey, VirtualKeyLimits,
};
use freehold_domain::ledger::{Grant, GrantOutcome, Reservation};
use freehold_domain::money::{Credits, Nanodollars};
use freehold_domain::plan::Plan;
use freehold_domain::port::{DataKey, Installation, Store};
use freehold_domain::provider::ProviderKind;
use freehold_domain::record::{
    Attempt, Attribution, Expected, KeyName, Outcome, PriceStamp, Refusal, UsageRecord, Variance,
    VarianceCause,
};
use freehold_domain::time::Timestamp;
use freehold_domain::tokens::{TokenUsage, UsageSource};
use freehold_domain::workspace::{FallbackPolicy, Workspace};
use uuid::Uuid;

use crate::chance::Chance;

/// 2026-01-01, when every sample begins.
pub const BEGINNING: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

/// `number` whole credits.
#[must_use]
pub const fn credits(number: i64) -> Credits {
    Credits::from_units(number * 1_000_000)
}

/// Makes things to store. Each id is later than the one before; one millisecond passes with each.
#[derive(Debug, Default)]
pub struct Sample {
    counter: AtomicU64,
}

impl Sample {
    /// Begins anew.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn next(&self) -> (u64, Timestamp) {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let millis = i64::try_from(number).expect("a test makes few things");
        (number, BEGINNING.plus_millis(millis))
    }

    /// An id that was not handed out before.
    pub fn uuid(&self) -> Uuid {
        let (number, now) = self.next();
        let mut chance = [0x5a; 10];
        chance[2..].copy_from_slice(&number.to_be_bytes());
        uuid_v7(now, chance)
    }

    /// The present moment of this sample; later with each call.
    pub fn now(&self) -> Timestamp {
        self.next().1
    }

    /// A workspace of this name.
    pub fn workspace(&self, name: &str) -> Workspace {
        Workspace {
            id: WorkspaceId::from_uuid(self.uuid()),
            name: name.to_owned(),
            plan: "starter".to_owned(),
            fallback: FallbackPolicy::WhenMissing,
            time_zone: "Europe/Berlin".to_owned(),
            created_at: self.now(),
            updated_at: self.now(),
        }
    }

    /// The data key of that version.
    pub fn data_key(&self, workspace: WorkspaceId, version: u32) -> DataKey {
        DataKey {
            workspace,
            version,
            root_generation: 1,
            wrapped: self.secret(60),
        }
    }

    /// Bytes like those of a sealed secret, unlike all others.
    fn secret(&self, length: usize) -> SealedSecret {
        let (number, _) = self.next();
        let mut bytes = vec![0; length];
        Chance::seeded(number).fill(&mut bytes);
        SealedSecret(bytes)
    }

    /// A virtual key with nothing left out.
    pub fn virtual_key(&self, workspace: WorkspaceId) -> VirtualKey {
        let id = VirtualKeyId::from_uuid(self.uuid());
        let (number, now) = self.next();
        VirtualKey {
            id,
            workspace,
            label: format!("key {number} of Zoë 🔑"),
            public_id: format!("public{number:010}"),
            hash: [u8::try_from(number % 251).expect("fits"); 32],
            scopes: BTreeSet::from([Scope::Inference, Scope::Read]),
            allowed_models: vec!["openai/*".to_owned(), "gpt-5*".to_owned()],
            limits: VirtualKeyLimits {
                requests_per_minute: Some(60),
                max_credits_per_request: Some(credits(3)),
                ..VirtualKeyLimits::default()
            },
            expires_at: Some(now.plus_millis(86_400_000)),
            created_at: now,
        }
    }

    /// A provider key with nothing left out.
    pub fn provider_key(&self, workspace: WorkspaceId) -> ProviderKey {
        let id = ProviderKeyId::from_uuid(self.uuid());
        let (number, now) = self.next();
        ProviderKey {
            id,
            workspace,
            provider: ProviderKind::OpenaiCompatible,
            name: format!("provider-{number}"),
            label: Some(format!("label {number}")),
            priority: -3,
            is_active: true,
            base_url: "https://models.example/v1".to_owned(),
            origin: "https://models.example:443".to_owned(),
            allowed_models: vec!["llama*".to_owned()],
            limits: ProviderKeyLimits {
                requests_per_minute: Some(100),
                tokens_per_minute: None,
                monthly_spend_usd: Some(Nanodollars::from_dollars(25)),
            },
            fallback: Some(FallbackPolicy::Never),
            fingerprint: Some(format!("fingerprint{number}")),
            sealed: Some(self.secret(120)),
            record_version: 1,
            health: KeyHealth {
                status: KeyStatus::Valid,
                status_reason: Some("accepted".to_owned()),
                last_validated_at: Some(now),
                last_used_at: Some(now.plus_millis(5)),
            },
            created_at: now,
            updated_at: now,
        }
    }

    /// A plan of this name.
    pub fn plan(&self, name: &str) -> Plan {
        let (number, _) = self.next();
        Plan {
            name: name.to_owned(),
            monthly_fee_usd: Nanodollars::from_dollars(7),
            included_credits: credits(i64::try_from(number).expect("fits")),
            max_output_tokens: Some(4_096),
            allowed_models: vec!["*".to_owned()],
            upgrade_to: Some("pro".to_owned()),
            ..Plan::default()
        }
    }

    /// An installation with nothing left out.
    pub fn installation(&self) -> Installation {
        Installation {
            id: InstallationId::from_uuid(self.uuid()),
            root_generation: 1,
            root_check: [9; 32],
            operator_token_hash: Some([8; 32]),
            created_at: self.now(),
        }
    }

    /// A grant without an idempotency key.
    pub fn grant(&self, workspace: WorkspaceId, credits: Credits) -> Grant {
        Grant {
            id: EntryId::from_uuid(self.uuid()),
            workspace,
            credits,
            reason: "welcome".to_owned(),
            idempotency_key: None,
            at: self.now(),
        }
    }

    /// A reservation that holds for a minute.
    pub fn reservation(&self, workspace: WorkspaceId, credits: Credits) -> Reservation {
        let request_id = RequestId::from_uuid(self.uuid());
        let at = self.now();
        Reservation {
            request_id,
            workspace,
            credits,
            at,
            expires_at: at.plus_millis(60_000),
        }
    }

    /// The record of the request that the reservation was for, charged with `charged`.
    pub fn record_of(&self, reservation: &Reservation, charged: Credits) -> Box<UsageRecord> {
        Box::new(UsageRecord {
            request_id: reservation.request_id,
            credits_charged: charged,
            cost_attribution: Some(Attribution::Platform),
            ..*self.record(reservation.workspace)
        })
    }

    /// A record of a refused request, with everything left out that can be.
    pub fn bare_record(&self, workspace: WorkspaceId) -> Box<UsageRecord> {
        Box::new(UsageRecord {
            request_id: RequestId::from_uuid(self.uuid()),
            created_at: self.now(),
            outcome: Outcome::Denied,
            workspace_id: workspace,
            virtual_key: KeyName {
                id: VirtualKeyId::from_uuid(self.uuid()),
                label: None,
            },
            surface: "embeddings".into(),
            stream: false,
            provider: None,
            provider_key: None,
            model_requested: Arc::from(""),
            model_used: None,
            cost_attribution: None,
            tokens: TokenUsage::default(),
            usage_source: UsageSource::None,
            provider_usage: None,
            cost_usd: None,
            price: None,
            credits_charged: Credits::ZERO,
            expected: None,
            variance: None,
            attempts: Vec::new(),
            finish_reason: None,
            latency_ms: 0,
            first_byte_ms: None,
            overhead_us: 0,
            tags: BTreeMap::new(),
            denial: None,
        })
    }

    /// A record with nothing left out.
    pub fn record(&self, workspace: WorkspaceId) -> Box<UsageRecord> {
        let key = ProviderKeyId::from_uuid(self.uuid());
        let provider: Arc<str> = Arc::from("openai");
        let attempt = |outcome: &'static str, status: Option<u16>| Attempt {
            provider: Arc::clone(&provider),
            provider_key: status.map(|_| key),
            outcome: outcome.into(),
            status,
            ms: 812,
        };
        Box::new(UsageRecord {
            outcome: Outcome::Ok,
            virtual_key: KeyName {
                id: VirtualKeyId::from_uuid(self.uuid()),
                label: Some(Arc::from("production")),
            },
            surface: "chat_completions".into(),
            stream: true,
            provider: Some(Arc::clone(&provider)),
            provider_key: Some(KeyName {
                id: key,
                label: Some(Arc::from("main \"key\"")),
            }),
            model_requested: Arc::from("openai/gpt-5-mini"),
            model_used: Some(Arc::from("gpt-5-mini-2026")),
            cost_attribution: Some(Attribution::Byok),
            tokens: TokenUsage {
                input: 1,
                cache_read: 2,
                cache_write: 3,
                cache_write_long: 4,
                output: 50,
                reasoning: 6,
                audio_input: 7,
                audio_output: 8,
            },
            usage_source: UsageSource::Provider,
            provider_usage: Some(Arc::from(
                r#"{ "prompt_tokens": 1,  "note":"\u0000 as it came" }"#,
            )),
            cost_usd: Some(Nanodollars::from_units(1_234_567)),
            price: Some(PriceStamp {
                source: Arc::from("built-in"),
                date: Arc::from("2026-01-01"),
            }),
            credits_charged: Credits::from_units(77),
            expected: Some(Expected {
                input_tokens: 11,
                output_tokens: 40,
                cost_usd: Some(Nanodollars::from_units(-5)),
            }),
            variance: Some(Variance {
                tokens: -31,
                cost_usd: None,
                cause: VarianceCause::OutputLonger,
            }),
            attempts: vec![attempt("timeout", None), attempt("ok", Some(200))],
            finish_reason: Some("stop".into()),
            latency_ms: 2_140,
            first_byte_ms: Some(431),
            overhead_us: 190,
            tags: BTreeMap::from([
                ("workflow".into(), "chat".to_owned()),
                ("end_user".into(), "Zoë ☂\n".to_owned()),
            ]),
            denial: Some(Refusal {
                code: "none".into(),
                message: "nothing was \"refused\"".to_owned(),
                status: 200,
            }),
            ..*self.bare_record(workspace)
        })
    }
}

/// A workspace of this name is in the store, with its first data key.
pub async fn founded(store: &Arc<dyn Store>, sample: &Sample, name: &str) -> Workspace {
    let workspace = sample.workspace(name);
    store
        .create_workspace(&workspace, &sample.data_key(workspace.id, 1))
        .await
        .expect("the workspace is new");
    workspace
}

/// A workspace that was granted `credits` is in the store.
pub async fn funded(store: &Arc<dyn Store>, sample: &Sample, credits: Credits) -> WorkspaceId {
    let workspace = founded(store, sample, "funded").await.id;
    let outcome = store
        .grant(&sample.grant(workspace, credits))
        .await
        .expect("the grant is new");
    assert!(matches!(outcome, GrantOutcome::Booked { replayed: false, .. }));
    workspace
}
