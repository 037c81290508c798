//! One request from its head to its reply: counted, let in or not, read, and answered as the behaviour has it.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use super::ask::Ask;
use super::behaviour::{Behaviour, WORDS};
use super::canned::Canned;
use super::connection::Line;
use super::dialect::{Dialect, Refusal, Route};
use super::fault::Fault;
use super::journal::{Entry, Outcome};
use super::reply::{Player, Reply};
use super::{Shape, Shared, lock, play};

/// Larger bodies break the connection off.
const BODY_MAX: usize = 256 * 1024 * 1024;

/// Answers one request on `line`.
pub(super) async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    line: Arc<Line>,
) -> io::Result<Response<Player>> {
    let (head, incoming) = request.into_parts();
    let head = Arc::new(head);
    let mut entry = shared.journal.open(Arc::clone(&head));
    let body = Limited::new(incoming, BODY_MAX).collect().await;
    let body = body.map(Collected::to_bytes).map_err(io::Error::other)?;
    let call = Call {
        dialect: shared.shape.dialect(),
        route: shared.shape.dialect().route(head.uri.path()),
        shared,
        head,
    };
    if let Some(canned) = call.canned(&body) {
        entry.count_only();
        return canned.answer(entry, line).await;
    }
    entry.write_down(body.clone());
    let reply = call.decide(&entry, &body);
    deliver(call.dialect, reply, entry, line).await
}

/// A request whose body is whole.
struct Call {
    dialect: &'static dyn Dialect,
    route: Route,
    shared: Arc<Shared>,
    head: Arc<Parts>,
}

/// A reply, and the silence before it.
struct Decision {
    reply: Reply,
    silence: std::time::Duration,
}

impl From<Reply> for Decision {
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            silence: std::time::Duration::ZERO,
        }
    }
}

impl Call {
    /// The canned answer that is asked for, if it is, and the key is good.
    fn canned(&self, body: &Bytes) -> Option<Canned> {
        if self.shared.shape != Shape::OpenAi || self.route != Route::Infer {
            return None;
        }
        let canned = Canned::asked(body)?;
        let key = self.dialect.key(&self.head.headers, false).ok()?;
        self.shared
            .accounts
            .refusal(key.as_deref())
            .is_none()
            .then_some(canned)
    }

    fn decide(&self, entry: &Entry, body: &Bytes) -> Decision {
        self.try_decide(entry, body).unwrap_or_else(|refusal| {
            let error = self.dialect.error(&refusal, entry.number);
            Reply::json(refusal.status, &error).into()
        })
    }

    fn try_decide(&self, entry: &Entry, body: &Bytes) -> Result<Decision, Refusal> {
        let strict = self.shared.strict.load(Ordering::SeqCst);
        match self.route {
            Route::Nowhere => {
                let place = format!("{} {}", self.head.method, self.head.uri.path());
                return Err(Refusal::status(404, format!("Invalid URL ({place})")));
            }
            Route::Version => {
                return Ok(Reply::json(200, &serde_json::json!({"version": "0.0.0-simulated"})).into());
            }
            Route::Infer | Route::CountTokens | Route::Models => {}
        }
        let key = self.dialect.key(&self.head.headers, strict)?.unwrap_or_default();
        if let Some(name) = self
            .shared
            .accounts
            .refusal(Some(key.as_str()).filter(|key| !key.is_empty()))
        {
            return Ok(self.fault(name, "", &key, entry).into());
        }
        if self.route == Route::Models {
            return Ok(Reply::json(200, &self.dialect.models(&self.catalogue())).into());
        }
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| Refusal::bad("We could not parse the JSON body of your request."))?;
        if let Some(model) = body["model"].as_str() {
            entry.note(|recorded| recorded.model = Some(model.to_owned()));
        }
        let mut ask = self.dialect.ask(&self.head.headers, &body, strict)?;
        if self.route == Route::CountTokens {
            return Ok(Reply::json(200, &self.dialect.counted(ask.input.tokens())).into());
        }
        ask.output_limit = ask.output_limit.or(self.dialect.output_limit(&body, strict)?);
        let Some(behaviour) = self.behaviour(&ask) else {
            return Ok(self.fault("model_not_found", &ask.model, &key, entry).into());
        };
        entry.note(|recorded| recorded.behaviour = Some(behaviour.name().to_owned()));
        let scene = play::Scene {
            shape: self.shared.shape,
            behaviour: &behaviour,
            ask: &ask,
            key: &key,
            redirect_to: lock(&self.shared.redirect_to).clone(),
        };
        Ok(Decision {
            reply: scene.reply(entry)?,
            silence: behaviour.silence,
        })
    }

    fn behaviour(&self, ask: &Ask) -> Option<Behaviour> {
        if let Some(next) = lock(&self.shared.script).pop_front() {
            return Some(next);
        }
        if let Some(standing) = lock(&self.shared.standing).clone() {
            return Some(standing);
        }
        if let Some(named) = ask.directive().and_then(Behaviour::named) {
            return Some(named);
        }
        if let Some(set) = lock(&self.shared.by_model).get(&ask.model) {
            return Some(set.clone());
        }
        Behaviour::named(&ask.model)
            .or_else(|| lock(&self.shared.models).contains(&ask.model).then(Behaviour::ok))
    }

    fn fault(&self, name: &str, model: &str, key: &str, entry: &Entry) -> Reply {
        Fault::named(self.shared.shape, name).map_or_else(
            || Reply::whole(500, "text/plain", format!("the simulator has no fault {name:?}")),
            |fault| play::fault(fault, model, key, entry.number),
        )
    }

    fn catalogue(&self) -> Vec<String> {
        let behaviours = WORDS
            .iter()
            .filter(|(word, _)| !["status", "fault"].contains(word))
            .map(|(word, _)| format!("sim-{word}"));
        behaviours
            .chain(lock(&self.shared.models).iter().cloned())
            .collect()
    }
}

async fn deliver(
    dialect: &dyn Dialect,
    decision: Decision,
    mut entry: Entry,
    line: Arc<Line>,
) -> io::Result<Response<Player>> {
    if !decision.silence.is_zero() {
        tokio::time::sleep(decision.silence).await;
    }
    let (head, steps) = match decision.reply {
        Reply::Http(head, steps) => (head, steps),
        // Whoever waits here is freed when the caller leaves.
        Reply::Hang => return pending().await,
        Reply::Reset => {
            entry.ended(Outcome::Broken);
            line.reset_on_close();
            return Err(io::Error::other("reset on purpose"));
        }
        Reply::Raw(bytes) => {
            entry.ended(Outcome::Broken);
            line.write_on_close(bytes);
            return Err(io::Error::other("no HTTP on purpose"));
        }
    };
    let status = StatusCode::from_u16(head.status).map_err(io::Error::other)?;
    entry.note(|recorded| recorded.status = Some(status.as_u16()));
    let fields = dialect.headers(entry.number).into_iter().chain(head.headers);
    let mut response = Response::new(Player::new(steps, head.sized, entry, line));
    *response.status_mut() = status;
    for (name, value) in fields {
        let name: HeaderName = name.parse().map_err(io::Error::other)?;
        let value = HeaderValue::from_str(&value).map_err(io::Error::other)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}
