//! A workspace of a test's own, with a virtual key that may do everything in it.

use std::sync::atomic::{AtomicU64, Ordering};

use freehold_testkit::client::{Answer, Request, Streaming};
use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::Simulator;
use http::Method;
use serde_json::{Value, json};

use super::eventually;

/// A workspace and its caller.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    address: String,
    operator: String,
    pub(crate) id: String,
    pub(crate) key: String,
}

/// A text that no other test of any process gets.
pub(crate) fn unique(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(
        "{what}-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A provider key that no other test has, in a form that providers use.
pub(crate) fn fresh_provider_key() -> String {
    unique("sk-test-Zq7Lm2Xv9Rt4Bw8K")
}

impl Tenant {
    /// A new workspace on the plan without limits.
    pub(crate) async fn new(server: &Freehold) -> Self {
        Self::with(server, json!({"plan": "enterprise"})).await
    }

    /// A new workspace of these settings.
    pub(crate) async fn with(server: &Freehold, settings: Value) -> Self {
        let mut body = settings;
        body["name"] = json!(unique("tenant"));
        let made = server
            .admin_post("/admin/v1/workspaces", &body)
            .await
            .expect(201)
            .json();
        let mut tenant = Self {
            address: server.url(""),
            operator: server.operator_token().to_owned(),
            id: made["id"].as_str().unwrap().to_owned(),
            key: String::new(),
        };
        let key = json!({"label": "everything", "scopes": ["inference", "manage", "read"]});
        tenant.key = tenant.make_key(key).await["key"].as_str().unwrap().to_owned();
        tenant
    }

    /// The same workspace, called at another server.
    pub(crate) fn at(&self, server: &Freehold) -> Self {
        Self {
            address: server.url(""),
            ..self.clone()
        }
    }

    /// The same workspace, called with another key.
    pub(crate) fn calling_with(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// A virtual key made by the operator: the reply, with the key in it.
    pub(crate) async fn make_key(&self, body: Value) -> Value {
        let path = format!("/admin/v1/workspaces/{}/virtual-keys", self.id);
        self.admin(Method::POST, &path, Some(&body))
            .await
            .expect(201)
            .json()
    }

    /// A request of the operator.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::new(method, format!("{}{path}", self.address)).bearer(&self.operator);
        match body {
            Some(body) => request.json(body).send().await,
            None => request.send().await,
        }
    }

    /// Credits are granted.
    pub(crate) async fn grant(&self, credits: &str) {
        let url = format!("{}/admin/v1/workspaces/{}/credits", self.address, self.id);
        let request = Request::post(url)
            .bearer(&self.operator)
            .header("idempotency-key", unique("grant"))
            .json(&json!({"credits": credits, "reason": "a test"}));
        let _ = request.send().await.expect(201);
    }

    /// A request to be put together, with the tenant's key.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        Request::new(method, format!("{}{path}", self.address)).bearer(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::POST, path).json(body).send().await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::PUT, path).json(body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }

    /// The whole answer to a chat request, a stream too.
    pub(crate) async fn chat(&self, body: &Value) -> Answer {
        self.post("/v1/chat/completions", body).await
    }

    /// The answer to a chat request, once its head has come.
    pub(crate) async fn open_chat(&self, body: &Value) -> Streaming {
        self.request(Method::POST, "/v1/chat/completions")
            .json(body)
            .open()
            .await
    }

    /// A provider key is stored that leads to `simulator`, which takes it; answers its id.
    pub(crate) async fn store_key(&self, provider: &str, simulator: &Simulator) -> String {
        let key = fresh_provider_key();
        simulator.accept(&key);
        self.store(json!({"provider": provider, "api_key": key, "base_url": simulator.base_url()}))
            .await
    }

    /// A provider key is stored as `body` says; answers its id.
    pub(crate) async fn store(&self, body: Value) -> String {
        let stored = self.post("/v1/byok/providers", &body).await.expect(201).json();
        stored["id"].as_str().unwrap().to_owned()
    }

    /// What is known of a stored key.
    pub(crate) async fn provider_key(&self, id: &str) -> Value {
        self.get(&format!("/v1/byok/providers/{id}"))
            .await
            .expect(200)
            .json()
    }

    /// The status of a stored key.
    pub(crate) async fn status(&self, id: &str) -> String {
        self.provider_key(id).await["status"].as_str().unwrap().to_owned()
    }

    /// All records that match the query, newest first.
    pub(crate) async fn records_of(&self, query: &str) -> Vec<Value> {
        let mut records = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self
                .get(&format!("/v1/usage/records?limit=200{query}{cursor}"))
                .await
                .expect(200)
                .json();
            records.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return records,
            }
        }
    }

    /// All records, newest first.
    pub(crate) async fn records(&self) -> Vec<Value> {
        self.records_of("").await
    }

    /// The records, once there are `count`.
    pub(crate) async fn records_once_there_are(&self, count: usize) -> Vec<Value> {
        eventually(&format!("{count} records"), async || {
            let records = self.records().await;
            (records.len() >= count).then_some(records)
        })
        .await
    }

    /// The record of one request.
    pub(crate) async fn record(&self, request_id: &str) -> Value {
        self.get(&format!("/v1/usage/records/{request_id}"))
            .await
            .expect(200)
            .json()
    }

    /// The only record there is.
    pub(crate) async fn only_record(&self) -> Value {
        let mut records = self.records_once_there_are(1).await;
        assert_eq!(records.len(), 1, "{records:#?}");
        records.remove(0)
    }

    /// What the workspace has in credits.
    pub(crate) async fn credits(&self) -> Value {
        self.get("/v1/credits").await.expect(200).json()
    }
}

/// A plan of this name is in force on the server.
pub(crate) async fn make_plan(server: &Freehold, name: &str, plan: Value) {
    let request = Request::new(Method::PUT, server.url(&format!("/admin/v1/plans/{name}")));
    let made = request.bearer(server.operator_token()).json(&plan).send().await;
    assert!([200, 201].contains(&made.status), "{}", made.text());
}

/// A chat request with one message.
pub(crate) fn ask(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

/// The same as a stream.
pub(crate) fn ask_stream(model: &str, text: &str) -> Value {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": text}]})
}

/// The same as a stream that ends with usage.
pub(crate) fn ask_stream_with_usage(model: &str, text: &str) -> Value {
    let mut body = ask_stream(model, text);
    body["stream_options"] = json!({"include_usage": true});
    body
}
