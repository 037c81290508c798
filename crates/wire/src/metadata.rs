//! What we add to replies: `freehold_metadata`, error events and heartbeats.

use bytes::Bytes;

/// The reply with `,"freehold_metadata":{…}` before its closing brace; nothing if `body` does not end like an object.
///
/// The body is not parsed: it was read before.
#[must_use]
pub fn splice_metadata(body: &Bytes, metadata_json: &str) -> Option<Bytes> {
    let mut out = Vec::with_capacity(body.len() + metadata_json.len() + 24);
    append_with_metadata(&mut out, body, metadata_json)?;
    Some(Bytes::from(out))
}

/// Appends the object `json` with the metadata as its last member.
pub(crate) fn append_with_metadata(out: &mut Vec<u8>, json: &[u8], metadata_json: &str) -> Option<()> {
    let trimmed = json.trim_ascii_end();
    let body = trimmed.strip_suffix(b"}")?;
    let empty = body.trim_ascii() == b"{";
    out.extend_from_slice(body);
    out.extend_from_slice(if empty {
        b"\"freehold_metadata\":"
    } else {
        b",\"freehold_metadata\":"
    });
    append_on_one_line(out, metadata_json);
    out.push(b'}');
    out.extend_from_slice(json.get(trimmed.len()..).unwrap_or_default());
    Some(())
}

/// Appends JSON with line ends turned into spaces: raw ones stand only between its tokens, and would end an event.
pub(crate) fn append_on_one_line(out: &mut Vec<u8>, json: &str) {
    out.extend(
        json.bytes()
            .map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }),
    );
}

/// The data event for an error after the first byte. `error_json` is the whole body, `{"error":{…}}`.
#[must_use]
pub fn stream_error_event(error_json: &str) -> Bytes {
    let mut out = Vec::with_capacity(error_json.len() + 8);
    out.extend_from_slice(b"data: ");
    append_on_one_line(&mut out, error_json);
    out.extend_from_slice(b"\n\n");
    Bytes::from(out)
}

/// A comment that keeps the connection open and that every client skips.
#[must_use]
pub const fn heartbeat() -> Bytes {
    Bytes::from_static(b": keep-alive\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spliced(body: &'static str) -> Option<String> {
        splice_metadata(&Bytes::from_static(body.as_bytes()), r#"{"request_id":"req_1"}"#)
            .map(|body| String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn metadata_becomes_the_last_member() {
        assert_eq!(
            spliced("{\"a\":1}\n").unwrap(),
            "{\"a\":1,\"freehold_metadata\":{\"request_id\":\"req_1\"}}\n"
        );
    }

    #[test]
    fn an_empty_object_gets_no_comma() {
        assert_eq!(
            spliced("{ }").unwrap(),
            "{ \"freehold_metadata\":{\"request_id\":\"req_1\"}}"
        );
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        assert_eq!(spliced("[1]"), None);
        assert_eq!(spliced(""), None);
    }
}
