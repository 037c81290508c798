//! Whole replies of each provider, as the caller gets them.

use freehold_wire::ReplyFault;
use freehold_wire::adapter::{ChatReply, ReplyContext};
use serde_json::Value;

use crate::fixtures::{cases, request, shown};

fn outcome(result: Result<ChatReply, ReplyFault>) -> String {
    match result {
        Err(fault) => format!("{fault}\n{}\n", shown(&fault.clone().into_upstream())),
        Ok(reply) => {
            let body: Value = serde_json::from_slice(&reply.body).unwrap();
            let body = serde_json::to_string_pretty(&body).unwrap();
            format!(
                "{body}\n\nusage: {:#?}\noutput_bytes: {}\nfinish_reason: {:?}\nmodel: {:?}\nchoices: {}\n",
                reply.usage, reply.output_bytes, reply.finish_reason, reply.model, reply.choices
            )
        }
    }
}

#[test]
fn a_reply_comes_in_openais_shape_or_as_a_fault() {
    let request = request(1, false);
    for case in cases("replies") {
        let context = ReplyContext {
            request: &request,
            created_seconds: 1_800_000_000,
        };
        let result = case.adapter().chat_reply(&context, case.read("reply.json"));
        case.assert_snapshot("outcome", &outcome(result));
    }
}

#[test]
fn a_reply_of_the_same_protocol_is_forwarded_byte_for_byte() {
    let request = request(1, false);
    for case in cases("replies") {
        let body = case.read("reply.json");
        let context = ReplyContext {
            request: &request,
            created_seconds: 1,
        };
        let same_protocol = case.name.starts_with("openai-") || case.name.starts_with("compatible-");
        if let Ok(reply) = case.adapter().chat_reply(&context, body.clone())
            && same_protocol
        {
            assert_eq!(reply.body.as_ptr(), body.as_ptr(), "{} was copied", case.name);
            assert_eq!(reply.body, body);
        }
    }
}
