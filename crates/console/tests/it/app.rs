//! The management API with everything around it imitated, and short ways to call it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use freehold_console::{Console, ConsoleParts};
use freehold_domain::egress::EgressPolicy;
use freehold_domain::id::{IdSource, InstallationId, uuid_v7};
use freehold_domain::plan::Plan;
use freehold_domain::time::{Clock, Timestamp};
use freehold_vault::{Keyring, RootKey, SystemEntropy, operator_token};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::conformance;
use crate::fake_data_plane::FakeDataPlane;
use crate::fake_store::FakeStore;

/// 2026-11-21T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_795_219_200_000_000);

pub(crate) struct FakeClock(AtomicI64);

impl FakeClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

struct FakeIds(AtomicU64);

impl IdSource for FakeIds {
    fn next_uuid(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let mut chance = [0; 10];
        chance[..8].copy_from_slice(&(count << 2).to_be_bytes());
        uuid_v7(START, chance)
    }
}

/// A reply, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Reply {
    /// The reply, if its status is as expected.
    #[track_caller]
    pub(crate) fn must_be(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The text of a member.
    #[track_caller]
    pub(crate) fn text_of(&self, member: &str) -> String {
        self.json[member]
            .as_str()
            .unwrap_or_else(|| panic!("{member} in {}", self.text))
            .to_owned()
    }

    /// The refusal's code, its field at fault and its message, if the status is as expected and its form is right.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> Refused {
        let reply = self.must_be(status);
        let error = &reply.json["error"];
        for member in ["message", "type", "code", "param"] {
            assert!(
                error.get(member).is_some(),
                "{member} must always be there: {}",
                reply.text
            );
        }
        let id = reply.headers["x-request-id"].to_str().unwrap();
        assert_eq!(error["request_id"].as_str(), Some(id));
        Refused {
            code: error["code"].as_str().unwrap().to_owned(),
            param: error["param"].as_str().map(str::to_owned),
            message: error["message"].as_str().unwrap().to_owned(),
            error: error.clone(),
        }
    }
}

/// What a refusal says.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    pub(crate) error: Value,
}

impl Refused {
    /// Holds code and field against what is expected.
    #[track_caller]
    pub(crate) fn with(self, code: &str, param: Option<&str>) -> Self {
        assert_eq!(
            (self.code.as_str(), self.param.as_deref()),
            (code, param),
            "{}",
            self.message
        );
        self
    }
}

pub(crate) struct App {
    pub(crate) router: Router,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) data_plane: Arc<FakeDataPlane>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) operator: String,
}

/// A workspace with a virtual key that has every scope.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) key_id: String,
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with_plans(Vec::new())
    }

    pub(crate) fn with_plans(configured_plans: Vec<Plan>) -> Self {
        let installation = InstallationId::from_uuid(Uuid::from_u128(1));
        let keyring = Arc::new(Keyring::new(RootKey::from_bytes([7; 32]), installation));
        let store = Arc::new(FakeStore::default());
        let data_plane = Arc::new(FakeDataPlane::new(Arc::clone(&store)));
        let clock = Arc::new(FakeClock(AtomicI64::new(START.as_micros())));
        let entropy = Arc::new(SystemEntropy::default());
        let operator =
            operator_token::mint(&*entropy, keyring.installation_keys().operator_token_pepper()).unwrap();
        let private = ["127.0.0.1:11434", "10.0.0.7:11434", "10.1.2.3:9000"].map(str::to_owned);
        let console = Console::new(ConsoleParts {
            store: store.clone(),
            keyring: keyring.clone(),
            data_plane: data_plane.clone(),
            callers: data_plane.clone(),
            clock: clock.clone(),
            ids: Arc::new(FakeIds(AtomicU64::new(1))),
            entropy,
            egress: Arc::new(EgressPolicy::new(&private).unwrap()),
            operator_token_hash: operator.hash,
            configured_plans,
        });
        Self {
            router: console.router(),
            store,
            data_plane,
            clock,
            keyring,
            operator: operator.show_once(),
        }
    }

    /// The reply to a request as it is.
    ///
    /// Every reply of every test is held against what is documented.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        conformance::check(&method, &path, parts.status, &json);
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text,
            json,
        }
    }

    /// The reply to `"GET /path"` and the like, with a bearer credential and a JSON body where there is one.
    pub(crate) async fn call(&self, target: &str, token: &str, body: Value) -> Reply {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.call_with(target, token, &text).await
    }

    /// The same with a body that need not be JSON.
    pub(crate) async fn call_with(&self, target: &str, token: &str, body: &str) -> Reply {
        let (method, path) = target.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn operator(&self, target: &str, body: Value) -> Reply {
        self.call(target, &self.operator, body).await
    }

    /// A workspace of this name on this plan, with a virtual key that has every scope.
    pub(crate) async fn tenant(&self, name: &str, plan: &str) -> Tenant {
        let made = self
            .operator("POST /admin/v1/workspaces", json!({"name": name, "plan": plan}))
            .await
            .must_be(201);
        let id = made.text_of("id");
        let (key, key_id) = self
            .key(
                &id,
                json!({"label": "all", "scopes": ["inference", "manage", "read"]}),
            )
            .await;
        Tenant { id, key, key_id }
    }

    /// A virtual key of the workspace, made by the operator: the key and its id.
    pub(crate) async fn key(&self, workspace: &str, body: Value) -> (String, String) {
        let target = format!("POST /admin/v1/workspaces/{workspace}/virtual-keys");
        let made = self.operator(&target, body).await.must_be(201);
        (made.text_of("key"), made.text_of("id"))
    }

    /// A provider key of OpenAI's, stored by the tenant: its id.
    pub(crate) async fn provider_key(&self, tenant: &Tenant, api_key: &str) -> String {
        let body = json!({"provider": "openai", "api_key": api_key});
        self.call("POST /v1/byok/providers", &tenant.key, body)
            .await
            .must_be(201)
            .text_of("id")
    }
}
