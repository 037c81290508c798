//! Drives a server through everything in which a secret could slip out, and keeps every answer.

use freehold_testkit::client::{Answer, Request};
use freehold_testkit::freehold::Freehold;
use freehold_testkit::simulator::{Account, Shape, Simulator, WORDS, faults};
use http::Method;
use serde_json::{Value, json};

use super::Planted;
use crate::support::tenant::{ask, ask_stream};

/// Behaviours that never end by themselves or take longer than this test has.
const TOO_LONG: [&str; 10] = [
    "hang",
    "hang-mid-stream",
    "never-stops",
    "silent-then-answer",
    "canned",
    "canned-fast",
    "huge-event",
    "status",
    "fault",
    "long",
];

pub(super) struct Drive<'a> {
    server: &'a Freehold,
    provider: &'a Simulator,
    planted: &'a Planted,
    answers: Vec<(String, Answer)>,
}

impl<'a> Drive<'a> {
    pub(super) fn new(server: &'a Freehold, provider: &'a Simulator, planted: &'a Planted) -> Self {
        Self {
            server,
            provider,
            planted,
            answers: Vec::new(),
        }
    }

    /// Every answer, by what was asked.
    pub(super) async fn run(mut self) -> Vec<(String, Answer)> {
        let id = self.plant().await;
        self.succeed_and_fail(&id).await;
        self.malform().await;
        self.present_as_something_else().await;
        self.rotate(&id).await;
        self.look_at_everything(&id).await;
        self.answers
    }

    async fn send(&mut self, what: &str, request: Request) -> Answer {
        let answer = request.send().await;
        self.answers.push((what.to_owned(), answer.clone()));
        answer
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request::new(method, self.server.url(path)).bearer(&self.planted.key)
    }

    async fn plant(&mut self) -> String {
        let secret = self.planted.first.secret();
        let body = json!({"provider": "openai", "api_key": secret, "base_url": self.provider.base_url()});
        let request = self.request(Method::POST, "/v1/byok/providers").json(&body);
        let stored = self.send("storing the key", request).await.expect(201).json();
        stored["id"].as_str().unwrap().to_owned()
    }

    /// Every behaviour and every fault of the provider, whole and streamed, with the key known and unknown to it.
    async fn succeed_and_fail(&mut self, id: &str) {
        let secret = self.planted.first.secret().to_owned();
        let words = WORDS
            .iter()
            .map(|(word, _)| *word)
            .filter(|word| !TOO_LONG.contains(word))
            .map(|word| format!("sim-{word}"));
        let rows = faults(Shape::OpenAi)
            .iter()
            .map(|fault| format!("sim-fault-{}", fault.name));
        for behaviour in words.chain(rows).collect::<Vec<_>>() {
            self.provider.accept(&secret);
            self.provider.behave(&behaviour);
            for body in [
                ask("openai/gpt-4o-mini", "tell me"),
                ask_stream("openai/gpt-4o-mini", "tell me"),
            ] {
                let request = self.request(Method::POST, "/v1/chat/completions").json(&body);
                self.send(&behaviour, request).await;
            }
        }
        self.provider.behave_normally();
        let validate = format!("/v1/byok/providers/{id}/validate");
        for account in [
            Account::Valid,
            Account::Revoked,
            Account::OutOfMoney,
            Account::Forbidden,
        ] {
            self.provider.set_account(&secret, account);
            let request = self.request(Method::POST, &validate);
            self.send("checking the key", request).await;
            let request = self
                .request(Method::POST, "/v1/chat/completions")
                .json(&ask("openai/gpt-4o-mini", "refused?"));
            self.send("asking with the key", request).await;
        }
        self.provider.accept(&secret);
    }

    /// The key where it does not belong in a body, in all JSON types, and in bodies that are no JSON.
    async fn malform(&mut self) {
        let secret = self.planted.first.secret().to_owned();
        let good = json!({"provider": "openai", "api_key": secret, "base_url": self.provider.base_url(), "label": "l"});
        let mut bodies: Vec<String> = Vec::new();
        for wrong in [
            json!([secret]),
            json!({ "key": secret }),
            json!({ secret.as_str(): 1 }),
            json!([[{"a": [secret]}]]),
        ] {
            let mut body = good.clone();
            body["api_key"] = wrong;
            bodies.push(body.to_string());
        }
        for field in [
            "provider",
            "name",
            "priority",
            "is_active",
            "base_url",
            "allowed_models",
            "limits",
            "fallback",
            secret.as_str(),
        ] {
            let mut body = good.clone();
            body[field] = Value::from(secret.as_str());
            bodies.push(body.to_string());
            body[field] = json!({ "nested": secret });
            bodies.push(body.to_string());
        }
        let text = good.to_string();
        for end in [10, 30, 45, 60, text.len() - 1] {
            bodies.push(text.get(..end).unwrap().to_owned());
        }
        bodies.extend([
            format!("{text}{text}"),
            format!("[{text}]"),
            format!("\"{secret}\""),
            secret.clone(),
            format!("api_key={secret}"),
            text.replace(&secret, &format!("{secret}\\ud800")),
            text.replace(&secret, &format!("{secret}\u{1}")),
            text.replace(&secret, &secret.repeat(200)),
            format!("{{\"api_key\":\"{secret}\",\"api_key\":\"{secret}\",\"provider\":\"openai\"}}"),
        ]);
        for body in &bodies {
            for (method, path) in [
                (Method::POST, "/v1/byok/providers"),
                (Method::POST, "/v1/chat/completions"),
                (Method::POST, "/v1/virtual-keys"),
            ] {
                let request = self
                    .request(method, path)
                    .header("content-type", "application/json")
                    .body(body.clone());
                let answer = self.send(&format!("a malformed body at {path}"), request).await;
                assert!(
                    (400..500).contains(&answer.status),
                    "{path}: {} {body}",
                    answer.status
                );
            }
            let request = Request::post(self.server.url("/admin/v1/platform-keys"))
                .bearer(&self.planted.token)
                .header("content-type", "application/json")
                .body(body.clone());
            self.send("a malformed body of the operator", request).await;
        }
    }

    /// Each secret in the place of another one, and in addresses.
    async fn present_as_something_else(&mut self) {
        let (secret, token, key) = (
            self.planted.first.secret().to_owned(),
            self.planted.token.clone(),
            self.planted.key.clone(),
        );
        for credential in [&secret, &token, &key] {
            for path in [
                "/v1/models",
                "/v1/usage/records",
                "/v1/byok/providers",
                "/admin/v1/workspaces",
            ] {
                for spoilt in [
                    credential.clone(),
                    format!("{credential}x"),
                    credential[..credential.len() - 3].to_owned(),
                    format!(" {credential} "),
                ] {
                    let request = Request::get(self.server.url(path)).bearer(&spoilt);
                    self.send(&format!("a credential at {path}"), request).await;
                    let request = Request::get(self.server.url(path)).header("x-api-key", spoilt);
                    self.send(&format!("a credential at {path}"), request).await;
                }
            }
            for path in [
                format!("/v1/byok/providers/{credential}"),
                format!("/v1/models/{credential}"),
                format!("/v1/usage/records/{credential}"),
                format!("/v1/usage/records?cursor={credential}"),
                format!("/v1/usage/records?{credential}=1"),
                format!("/admin/v1/workspaces/{credential}"),
                format!("/{credential}"),
                format!("/v1/chat/completions?key={credential}"),
            ] {
                // What stands in an address is repeated by nobody but the model list, which names what it does not have.
                if path.starts_with("/v1/models/") {
                    continue;
                }
                let request = self.request(Method::GET, &path);
                self.send("a credential in an address", request).await;
            }
        }
    }

    async fn rotate(&mut self, id: &str) {
        let secret = self.planted.second.secret().to_owned();
        self.provider.accept(&secret);
        let path = format!("/v1/byok/providers/{id}");
        for body in [
            json!({"api_key": [secret]}),
            json!({"api_key": secret, "base_url": secret}),
            json!({"api_key": secret}),
        ] {
            let request = self.request(Method::PUT, &path).json(&body);
            self.send("rotating the key", request).await;
        }
        for behaviour in [
            "sim-ok",
            "sim-echo-key",
            "sim-error-echo-key",
            "sim-fault-auth_invalid",
        ] {
            self.provider.behave(behaviour);
            let request = self
                .request(Method::POST, "/v1/chat/completions")
                .json(&ask("openai/gpt-4o-mini", "rotated"));
            self.send("asking with the new key", request).await;
        }
        self.provider.behave_normally();
    }

    /// Everything that can be read, then the key is deleted and everything is read again.
    async fn look_at_everything(&mut self, id: &str) {
        for round in 0..2 {
            for path in [
                "/",
                "/metrics",
                "/openapi.json",
                "/healthz",
                "/readyz",
                "/v1/models",
                "/v1/byok/providers",
                "/v1/virtual-keys",
                "/v1/usage/records?limit=200",
                "/v1/credits",
                "/v1/key",
                "/v1/quota",
            ] {
                let request = self.request(Method::GET, path);
                self.send(path, request).await;
            }
            for path in [
                "/admin/v1/workspaces",
                "/admin/v1/plans",
                "/admin/v1/platform-keys",
            ] {
                let request = Request::get(self.server.url(path)).bearer(&self.planted.token);
                self.send(path, request).await;
            }
            if round == 0 {
                let request = self.request(Method::DELETE, &format!("/v1/byok/providers/{id}"));
                let _ = self.send("deleting the key", request).await.expect(200);
            }
        }
    }
}
