//! Whatever a provider sends, a decoder answers with bytes or a fault, and the same however it is cut.

use bytes::Bytes;
use freehold_domain::provider::ProviderKind;
use freehold_wire::StreamFault;
use freehold_wire::adapter::{ReplyContext, StreamProgress, adapter};
use http::HeaderMap;
use proptest::prelude::*;

use crate::fixtures::{cases, request};

fn play(kind: ProviderKind, pieces: &[&[u8]]) -> (Vec<u8>, Result<(), StreamFault>, StreamProgress, Bytes) {
    let request = request(2, true);
    let context = ReplyContext {
        request: &request,
        created_seconds: 1,
    };
    let mut decoder = adapter(kind).unwrap().chat_stream(&context);
    let mut out = Vec::new();
    let mut result = Ok(());
    for piece in pieces {
        result = decoder.push(Bytes::copy_from_slice(piece), &mut out);
        if result.is_err() {
            break;
        }
    }
    let result = result.and_then(|()| decoder.end(&mut out));
    let trailer = decoder.trailer("{}", None);
    (out.concat(), result, decoder.progress().clone(), trailer)
}

fn kinds() -> impl Strategy<Value = ProviderKind> {
    let served: Vec<ProviderKind> = ProviderKind::ALL
        .into_iter()
        .filter(|kind| adapter(*kind).is_some())
        .collect();
    prop::sample::select(served)
}

/// A recorded stream with some bytes changed, or nothing like a stream at all.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let recorded: Vec<Vec<u8>> = cases("streams")
        .iter()
        .map(|case| case.read("stream.txt").to_vec())
        .collect();
    let changed = (
        prop::sample::select(recorded),
        prop::collection::vec(
            (
                any::<prop::sample::Index>(),
                prop::sample::select(&b"\n\r:{}[]\",0x\xff"[..]),
            ),
            0..5,
        ),
    )
        .prop_map(|(mut stream, changes)| {
            for (at, byte) in changes {
                if !stream.is_empty() {
                    let at = at.index(stream.len());
                    stream[at] = byte;
                }
            }
            stream
        });
    let soup = "(data:|data: |\n|\r|\r\n|\n\n|: x|\\{|\\}|event: error|\\[DONE\\]|\"choices\":\\[\\]|\"usage\":\\{\\}|null|\"type\":\"message_stop\"|\"done\":true){0,30}";
    prop_oneof![
        3 => changed,
        1 => soup.prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_stream_in_any_pieces_means_the_same(
        kind in kinds(),
        stream in streams(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut at = 0;
        for cut in cuts {
            pieces.push(&stream[at..cut]);
            at = cut;
        }
        pieces.push(&stream[at..]);
        prop_assert_eq!(play(kind, &pieces), play(kind, &[&stream]));
    }

    #[test]
    fn any_reply_and_any_error_is_read_without_panic(kind in kinds(), body in streams(), status in 100_u16..600) {
        let adapter = adapter(kind).unwrap();
        let request = request(1, false);
        let context = ReplyContext { request: &request, created_seconds: 1 };
        if let Ok(reply) = adapter.chat_reply(&context, Bytes::from(body.clone())) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_ok());
        }
        let fault = adapter.classify(status, &HeaderMap::new(), &body);
        prop_assert_eq!(fault.status, status);
        let _ = adapter.read_validation(status, &HeaderMap::new(), &body);
    }
}
