//! The way of a request, one call per stage. Each stage takes what only the stage before can make.
//!
//! ```text
//! receive → authenticate → read → authorize → recall → route → reserve → unlock → dispatch → relay → meter → settle
//! ```
//!
//! From the moment the body is read the request runs in a task of the gateway: a client that leaves cannot cancel its
//! own bill. `unlock` is called by `dispatch`, once for each attempt.

use std::sync::Arc;

use bytes::Bytes;
use freehold_domain::denial::{Denial, DenialCode};
use http::{Request, Response};

use crate::answer::{self, Answer, ReplyBody};
use crate::case::Case;
use crate::error::{self, Refusal};
use crate::recall::Recalled;
use crate::{
    Gateway, authenticate, authorize, dispatch, meter, read, recall, receive, relay, reserve, route, settle,
};

impl Gateway {
    /// Answers one `POST /v1/chat/completions`. The record is on disk before the last byte of the answer leaves.
    pub async fn chat_completions<B>(self: &Arc<Self>, request: Request<B>) -> Response<ReplyBody>
    where
        B: http_body::Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        let received = receive::receive(self, &head.headers);
        let caller = match authenticate::authenticate(self, &received, &head.headers) {
            Ok(caller) => caller,
            Err(denial) => return error::strange(self, received.id, &denial),
        };
        if self.is_draining() {
            let denial = Denial::new(
                DenialCode::ServerDraining,
                "This server is stopping. Try again in a moment.",
            );
            return error::strange(self, received.id, &denial);
        }
        let mut case = Case::new(Arc::clone(self), received, caller);
        let body = read::read(self, body).await;
        let (mut answer, answered) = answer::channel(self.stopping.clone());
        self.tasks.spawn(async move {
            if let Err(refusal) = serve(&mut case, body, &mut answer).await {
                settle::refuse(case, refusal, answer).await;
            }
        });
        answered.reply().await
    }
}

/// From the body to the record. What it refuses or fails with is settled by the caller.
async fn serve(case: &mut Case, body: Result<Bytes, Denial>, answer: &mut Answer) -> Result<(), Refusal> {
    let asked = read::parse(body?)?;
    let grant = authorize::authorize(case, asked)?;
    let Recalled::Miss(grant) = recall::recall(grant);
    let routed = route::route(case, grant)?;
    let reserved = reserve::reserve(case, routed).await?;
    let attempted = dispatch::dispatch(case, reserved, answer).await?;
    let relayed = relay::relay(case, attempted, answer).await?;
    let metered = meter::meter(case, relayed);
    settle::settle(case, metered, answer).await;
    Ok(())
}
