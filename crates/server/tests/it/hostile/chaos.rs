//! Makes malformed bodies from a good one. The same seed makes the same bodies.

use freehold_testkit::chance::Chance;

/// Pieces that parsers of JSON, numbers and text have stumbled over.
const TRAPS: &[&str] = &[
    "1e309",
    "-1e309",
    "-0",
    "0x10",
    "1e-400",
    "99999999999999999999999999",
    "-9223372036854775809",
    "18446744073709551616",
    "NaN",
    "Infinity",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "[null]",
    "{\"a\":{}}",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"\\uD83D\\uDE00\"",
    "\"\u{202e}\"",
    "'single'",
    "/* comment */",
    "\\",
    "\"",
    ",",
    ":",
    "}",
    "]",
    "{",
    "[",
    "\u{feff}",
    "\u{0}",
    "\r\n\r\n",
    "data: [DONE]\n\n",
    "\"[[sim-ok]]\"",
    "%00",
    "${jndi:ldap://x}",
    "'; DROP TABLE usage_record; --",
    "<script>",
    "../../etc/passwd",
    "1.7976931348623157e308",
    "0.1e1",
    "1.0",
    "-1",
    "0",
    "4294967296",
    "2147483648",
    "\"1\"",
    "\"true\"",
    "\"null\"",
];

/// Ways to spoil a body.
const WAYS: u64 = 14;

/// A malformed body made from `good`.
pub(crate) fn spoil(chance: &Chance, good: &[u8]) -> Vec<u8> {
    let mut body = good.to_vec();
    // Most bodies are spoilt once, some several times over.
    for _ in 0..=(chance.below(6) / 4 + chance.below(8) / 7) {
        body = spoil_once(chance, body);
    }
    body.truncate(64 * 1024);
    body
}

fn spoil_once(chance: &Chance, mut body: Vec<u8>) -> Vec<u8> {
    let place = |body: &[u8]| chance.below(body.len() as u64 + 1) as usize;
    match chance.below(WAYS) {
        0 => {
            let mut noise = vec![0; chance.below(400) as usize];
            chance.fill(&mut noise);
            return noise;
        }
        1 => {
            let at = place(&body);
            body.truncate(at);
        }
        2 => {
            for _ in 0..=chance.below(5) {
                let at = place(&body);
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= 1 << chance.below(8);
                }
            }
        }
        3 => {
            let at = place(&body);
            body.splice(at..at, chance.pick(TRAPS).bytes());
        }
        4 => replace_value(chance, &mut body, chance.pick(TRAPS).as_bytes()),
        5 => {
            let depth = 1 + chance.below(3_000) as usize;
            let (open, close) = *chance.pick(&[("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")]);
            let closed = if chance.once_in(2) {
                close.repeat(depth)
            } else {
                String::new()
            };
            replace_value(
                chance,
                &mut body,
                format!("{}1{closed}", open.repeat(depth)).as_bytes(),
            );
        }
        6 => {
            let digits = "9".repeat(1 + chance.below(400) as usize);
            replace_value(chance, &mut body, digits.as_bytes());
        }
        7 => {
            // A member stands twice.
            if let Some(member) = member(chance, &body) {
                let at = body.iter().position(|&byte| byte == b'{').map_or(0, |at| at + 1);
                let mut twice = member;
                twice.push(b',');
                body.splice(at..at, twice);
            }
        }
        8 => {
            let at = place(&body);
            let bytes = *chance.pick(&[
                &b"\xff"[..],
                b"\xc0\xaf",
                b"\xed\xa0\x80",
                b"\xf8\x88\x80\x80\x80",
                b"\x80",
                b"\xe2\x82",
            ]);
            body.splice(at..at, bytes.iter().copied());
        }
        9 => {
            let long = "A".repeat(1 + chance.below(20_000) as usize);
            replace_value(chance, &mut body, format!("\"{long}\"").as_bytes());
        }
        10 => {
            // A stretch of the body stands twice.
            let (from, to) = (place(&body), place(&body));
            let stretch = body[from.min(to)..from.max(to)].to_vec();
            let at = place(&body);
            body.splice(at..at, stretch);
        }
        11 => {
            let (from, to) = (place(&body), place(&body));
            body.drain(from.min(to)..from.max(to));
        }
        12 => body = [&b"["[..], &body, b"]"].concat(),
        _ => {
            let text: String = String::from_utf8_lossy(&body)
                .encode_utf16()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect();
            body = format!("\"{text}\"").into_bytes();
        }
    }
    body
}

/// Puts `value` where a value of the body stands.
fn replace_value(chance: &Chance, body: &mut Vec<u8>, value: &[u8]) {
    let starts: Vec<usize> = body
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, b':' | b'[' | b','))
        .map(|(at, _)| at + 1)
        .collect();
    if starts.is_empty() {
        return;
    }
    let start = *chance.pick(&starts);
    let end = body[start..]
        .iter()
        .position(|byte| matches!(byte, b',' | b'}' | b']'))
        .map_or(body.len(), |length| start + length);
    body.splice(start..end, value.iter().copied());
}

/// A member of the body's outermost object, as it is written, if one can be found.
fn member(chance: &Chance, body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let members: Vec<String> = value
        .as_object()?
        .iter()
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str())))
        .collect();
    (!members.is_empty()).then(|| chance.pick(&members).clone().into_bytes())
}

#[test]
fn the_same_seed_spoils_in_the_same_way_and_most_of_it_is_malformed() {
    let good = br#"{"model":"sandbox/echo","messages":[{"role":"user","content":"hi"}],"max_tokens":5}"#;
    let spoilt = |seed| {
        let chance = Chance::seeded(seed);
        (0..500).map(|_| spoil(&chance, good)).collect::<Vec<_>>()
    };
    assert_eq!(spoilt(1), spoilt(1));
    assert_ne!(spoilt(1), spoilt(2));
    let sound = spoilt(1)
        .iter()
        .filter(|body| serde_json::from_slice::<serde_json::Value>(body).is_ok())
        .count();
    assert!(sound < 250, "{sound} of 500 are still JSON");
    assert!(
        sound > 20,
        "{sound} of 500 are still JSON, so that what comes after the parser is reached too"
    );
}
