//! OpenAI's error shape, for our own refusals and for failures of providers.

use bytes::Bytes;

use crate::json::write_text;

/// The body `{"error":{"message","type","param","code",…}}`.
///
/// `extra` are further members of the error object, each a name with its raw JSON.
#[must_use]
pub fn error_body(
    message: &str,
    kind: &str,
    code: Option<&str>,
    param: Option<&str>,
    extra: &[(&str, &str)],
) -> Bytes {
    let mut out = Vec::with_capacity(128 + message.len());
    out.extend_from_slice(b"{\"error\":{\"message\":");
    write_text(&mut out, message);
    out.extend_from_slice(b",\"type\":");
    write_text(&mut out, kind);
    for (name, value) in [("param", param), ("code", code)] {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        match value {
            Some(value) => write_text(&mut out, value),
            None => out.extend_from_slice(b"null"),
        }
    }
    for (name, value) in extra {
        out.push(b',');
        write_text(&mut out, name);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
    out.extend_from_slice(b"}}");
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_openais_shape_and_our_extras() {
        let body = error_body(
            "say \"what\"",
            "quota_error",
            Some("credits_exhausted"),
            None,
            &[("request_id", "\"req_1\""), ("remedies", "[]")],
        );
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"error":{"message":"say \"what\"","type":"quota_error","param":null,"code":"credits_exhausted","request_id":"req_1","remedies":[]}}"#
        );
    }
}
