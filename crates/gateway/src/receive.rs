//! Stage 1: a request gets its id and its clock starts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Instant;

use freehold_domain::id::RequestId;
use freehold_domain::time::Timestamp;
use http::HeaderMap;

use crate::Gateway;

/// Longest value of a tag; what is longer is cut.
const TAG_CHARS_MAX: usize = 256;

/// The tags a caller may set, by header.
const TAGS: [(&str, &str); 5] = [
    ("x-freehold-workflow", "workflow"),
    ("x-freehold-automation", "automation"),
    ("x-freehold-run", "run"),
    ("x-freehold-step", "step"),
    ("x-freehold-end-user", "end_user"),
];

/// A request that has an id.
pub(crate) struct Received {
    pub(crate) id: RequestId,
    pub(crate) at: Timestamp,
    pub(crate) started: Instant,
    pub(crate) tags: BTreeMap<Cow<'static, str>, String>,
    /// A ceiling of the request's own, as it was written.
    pub(crate) max_credits: Option<Box<str>>,
}

/// The request with these headers has an id; its clock runs from now.
pub(crate) fn receive(gateway: &Gateway, headers: &HeaderMap) -> Received {
    let mut tags = BTreeMap::new();
    for (header, tag) in TAGS {
        if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
            tags.insert(Cow::Borrowed(tag), value.chars().take(TAG_CHARS_MAX).collect());
        }
    }
    let max_credits = headers.get("x-freehold-max-credits").map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        text.chars()
            .take(TAG_CHARS_MAX)
            .collect::<String>()
            .into_boxed_str()
    });
    Received {
        id: RequestId::new(&*gateway.ids),
        at: gateway.clock.now(),
        started: Instant::now(),
        tags,
        max_credits,
    }
}
