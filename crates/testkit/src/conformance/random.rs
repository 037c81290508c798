//! A long random sequence of operations, answered by the oracle and by another store in the same words.

use std::fmt::Debug;
use std::sync::Arc;

use freehold_domain::id::{ProviderKeyId, WorkspaceId};
use freehold_domain::key::{KeyHealth, KeyStatus, ProviderKey, SealedSecret, VirtualKey};
use freehold_domain::ledger::{Grant, Reservation, Settlement};
use freehold_domain::money::Credits;
use freehold_domain::plan::Plan;
use freehold_domain::port::{DataKey, PageRequest, RecordFilter, Store};
use freehold_domain::record::{Outcome, UsageRecord};
use freehold_domain::workspace::Workspace;

use super::sample::{BEGINNING, Sample};
use crate::chance::Chance;
use crate::memory::MemoryStore;

/// A few whole credits, rarely none.
fn some_credits(chance: &Chance) -> Credits {
    super::sample::credits(*chance.pick(&[0, 1, 2, 3, 4, 5]))
}

/// One thing to ask of a store. All that it needs is in it, so that two stores are asked the same.
#[derive(Debug, Clone)]
enum Step {
    CreateWorkspace(Workspace, DataKey),
    UpdateWorkspace(Workspace),
    DeleteWorkspace(WorkspaceId),
    AddDataKey(DataKey),
    RewrapDataKey(DataKey, u32),
    CreateVirtualKey(VirtualKey),
    DeleteVirtualKey(VirtualKey),
    CreateProviderKey(ProviderKey),
    UpdateProviderKey(ProviderKey, u64),
    DeleteProviderKey(ProviderKey),
    NoteHealth(Vec<(ProviderKeyId, u64, KeyHealth)>),
    PutPlan(Plan),
    DeletePlan(String),
    Grant(Grant),
    Reserve(Reservation),
    Append(Box<UsageRecord>, Settlement),
    Expire(i64),
    Look(WorkspaceId, RecordFilter, PageRequest),
    LookWhole,
}

/// Small sets of things, so that steps meet what earlier steps left.
struct Scene {
    chance: Chance,
    workspaces: Vec<Workspace>,
    virtual_keys: Vec<VirtualKey>,
    provider_keys: Vec<ProviderKey>,
    reservations: Vec<Reservation>,
    records: Vec<UsageRecord>,
    grants: Vec<Grant>,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let sample = Sample::new();
        let names = ["ash", "birch", "cedar", "ash"];
        let workspaces: Vec<Workspace> = names.iter().map(|name| sample.workspace(name)).collect();
        let owners: Vec<WorkspaceId> = workspaces
            .iter()
            .map(|workspace| workspace.id)
            .chain([WorkspaceId::PLATFORM])
            .collect();
        let each = |times: usize| owners.iter().copied().cycle().take(times);
        let reservations: Vec<Reservation> = each(24)
            .map(|owner| sample.reservation(owner, Credits::ZERO))
            .collect();
        let mut records: Vec<UsageRecord> = reservations
            .iter()
            .map(|reservation| *sample.record_of(reservation, Credits::ZERO))
            .collect();
        records.extend(each(12).map(|owner| *sample.bare_record(owner)));
        Self {
            chance: Chance::seeded(seed),
            virtual_keys: each(8).map(|owner| sample.virtual_key(owner)).collect(),
            provider_keys: each(8).map(|owner| sample.provider_key(owner)).collect(),
            grants: each(10).map(|owner| sample.grant(owner, Credits::ZERO)).collect(),
            reservations,
            records,
            workspaces,
        }
    }

    fn owner(&self) -> WorkspaceId {
        match self.chance.below(8) {
            0 => WorkspaceId::PLATFORM,
            _ => self.chance.pick(&self.workspaces).id,
        }
    }

    fn data_key(&self) -> DataKey {
        DataKey {
            workspace: self.owner(),
            version: *self.chance.pick(&[1, 2, 3]),
            root_generation: *self.chance.pick(&[1, 2]),
            wrapped: SealedSecret(vec![*self.chance.pick(&[1, 2, 3]); 40]),
        }
    }

    fn health(&self) -> KeyHealth {
        let statuses = [KeyStatus::Unknown, KeyStatus::Valid, KeyStatus::Revoked];
        KeyHealth {
            status: *self.chance.pick(&statuses),
            status_reason: self.chance.pick(&[None, Some("refused".to_owned())]).clone(),
            last_validated_at: None,
            last_used_at: Some(BEGINNING),
        }
    }

    fn step(&self) -> Step {
        match self.chance.below(24) {
            0 | 1 => {
                let workspace = self.chance.pick(&self.workspaces).clone();
                let data_key = DataKey {
                    workspace: workspace.id,
                    ..self.data_key()
                };
                Step::CreateWorkspace(workspace, data_key)
            }
            2 => Step::UpdateWorkspace(Workspace {
                name: (*self.chance.pick(&["ash", "dogwood", "elm"])).to_owned(),
                ..self.chance.pick(&self.workspaces).clone()
            }),
            3 => Step::DeleteWorkspace(self.owner()),
            4 => Step::AddDataKey(self.data_key()),
            5 => Step::RewrapDataKey(self.data_key(), *self.chance.pick(&[1, 2])),
            6 => Step::CreateVirtualKey(self.chance.pick(&self.virtual_keys).clone()),
            7 => Step::DeleteVirtualKey(self.chance.pick(&self.virtual_keys).clone()),
            8 => Step::CreateProviderKey(self.chance.pick(&self.provider_keys).clone()),
            9 => {
                let key = ProviderKey {
                    record_version: *self.chance.pick(&[1, 2, 3]),
                    health: self.health(),
                    ..self.chance.pick(&self.provider_keys).clone()
                };
                Step::UpdateProviderKey(key, *self.chance.pick(&[1, 2, 3]))
            }
            10 => Step::DeleteProviderKey(self.chance.pick(&self.provider_keys).clone()),
            11 => {
                let id = self.chance.pick(&self.provider_keys).id;
                let note = (id, *self.chance.pick(&[1, 2]), self.health());
                Step::NoteHealth(vec![note])
            }
            12 => Step::PutPlan(Plan {
                name: (*self.chance.pick(&["free", "pro"])).to_owned(),
                included_credits: some_credits(&self.chance),
                ..Plan::default()
            }),
            13 => Step::DeletePlan((*self.chance.pick(&["free", "pro"])).to_owned()),
            14 | 15 => {
                let keys = [None, Some("one".to_owned()), Some("two".to_owned())];
                Step::Grant(Grant {
                    credits: some_credits(&self.chance),
                    idempotency_key: self.chance.pick(&keys).clone(),
                    ..self.chance.pick(&self.grants).clone()
                })
            }
            16 | 17 => Step::Reserve(Reservation {
                credits: some_credits(&self.chance),
                ..*self.chance.pick(&self.reservations)
            }),
            18 | 19 => {
                let settlements = [Settlement::None, Settlement::Post, Settlement::Void];
                let record = Box::new(UsageRecord {
                    credits_charged: some_credits(&self.chance),
                    outcome: *self.chance.pick(&Outcome::ALL),
                    ..self.chance.pick(&self.records).clone()
                });
                Step::Append(record, *self.chance.pick(&settlements))
            }
            20 => Step::Expire(*self.chance.pick(&[0, 30_000, 60_050, 60_100, 70_000])),
            21 | 22 => {
                let owner = self.owner();
                let outcome = *self
                    .chance
                    .pick(&[None, Some(Outcome::Ok), Some(Outcome::Denied)]);
                let before = self.chance.pick(&self.records).request_id.as_uuid();
                let request = PageRequest {
                    before: Some(before).filter(|_| self.chance.once_in(2)),
                    limit: *self.chance.pick(&[1, 3, 200]),
                };
                let filter = RecordFilter {
                    outcome,
                    ..RecordFilter::default()
                };
                Step::Look(owner, filter, request)
            }
            _ => Step::LookWhole,
        }
    }
}

fn told<T: Debug, E: std::fmt::Display>(result: Result<T, E>) -> String {
    match result {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("error: {error}"),
    }
}

/// What the store answers, in words.
async fn answer(store: &dyn Store, step: &Step) -> String {
    match step {
        Step::CreateWorkspace(workspace, data_key) => told(store.create_workspace(workspace, data_key).await),
        Step::UpdateWorkspace(workspace) => told(store.update_workspace(workspace).await),
        Step::DeleteWorkspace(id) => told(store.delete_workspace(*id).await),
        Step::AddDataKey(data_key) => told(store.add_data_key(data_key).await),
        Step::RewrapDataKey(data_key, from) => told(store.rewrap_data_key(data_key, *from).await),
        Step::CreateVirtualKey(key) => told(store.create_virtual_key(key).await),
        Step::DeleteVirtualKey(key) => told(store.delete_virtual_key(key.workspace, key.id).await),
        Step::CreateProviderKey(key) => told(store.create_provider_key(key).await),
        Step::UpdateProviderKey(key, from) => told(store.update_provider_key(key, *from).await),
        Step::DeleteProviderKey(key) => told(store.delete_provider_key(key.workspace, key.id).await),
        Step::NoteHealth(notes) => told(store.note_health(notes).await),
        Step::PutPlan(plan) => told(store.put_plan(plan).await),
        Step::DeletePlan(name) => told(store.delete_plan(name).await),
        Step::Grant(grant) => told(store.grant(grant).await),
        Step::Reserve(reservation) => told(store.reserve(reservation).await),
        Step::Append(record, settlement) => {
            let appended = told(store.append(record.clone(), *settlement).await);
            appended + &told(store.balance(record.workspace_id).await)
        }
        Step::Expire(millis) => told(store.expire_reservations(BEGINNING.plus_millis(*millis)).await),
        Step::Look(workspace, filter, request) => {
            let records = told(store.records(*workspace, filter, *request).await);
            let issued = told(store.virtual_keys(*workspace, *request).await);
            let stored = told(store.provider_keys(*workspace, *request).await);
            let balance = told(store.balance(*workspace).await);
            let all = told(store.workspaces(*request).await);
            let itself = told(store.workspace(*workspace).await);
            [records, issued, stored, balance, all, itself].join("\n")
        }
        Step::LookWhole => told(store.load_directory().await),
    }
}

/// The store answers `steps` random steps exactly as the oracle does. The seed is named when it does not.
pub async fn the_store_answers_as_the_oracle_does(store: Arc<dyn Store>, seed: u64, steps: usize) {
    let oracle = MemoryStore::new();
    let scene = Scene::new(seed);
    for number in 0..steps {
        let step = scene.step();
        let expected = answer(&oracle, &step).await;
        let found = answer(&*store, &step).await;
        assert_eq!(found, expected, "seed {seed}, step {number}: {step:?}");
    }
    let (expected, found) = (
        answer(&oracle, &Step::LookWhole).await,
        answer(&*store, &Step::LookWhole).await,
    );
    assert_eq!(found, expected, "seed {seed}, at the end");
}

/// A random sequence of fair length; each engine runs more seeds of its own.
pub async fn random_operations_are_answered_as_the_oracle_does(store: Arc<dyn Store>) {
    the_store_answers_as_the_oracle_does(store, 1, 400).await;
}
