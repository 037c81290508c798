//! Answers that no client should have to understand, and must survive.

use bytes::Bytes;

use super::behaviour::Raw;

/// What a proxy in front of a provider says when the provider is away.
pub(super) const PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>simulated</center>\r\n</body>\r\n</html>\r\n";

/// The bytes that stand in place of a response.
pub(super) fn raw(raw: Raw) -> Vec<Bytes> {
    let fixed = |text: &'static str| vec![Bytes::from_static(text.as_bytes())];
    match raw {
        Raw::Garbage => fixed("\u{0}\u{1}SSH-2.0-not-http\r\n\r\n"),
        Raw::HalfHead => fixed("HTTP/1.1 200 OK\r\ncontent-type: applic"),
        Raw::BadChunk => fixed(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
            12\r\ndata: {\"choices\":[\r\nXYZ\r\n]}\n\n\r\n0\r\n\r\n",
        ),
        Raw::ShortLength => fixed(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"id\":\"chatcmpl-short\"",
        ),
        Raw::LongLength => fixed(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}\
            HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 22\r\n\r\n{\"smuggled\":\"response\"}",
        ),
        Raw::InformationalFlood => {
            let mut pieces =
                vec![Bytes::from_static(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"); 10_000];
            pieces.push(Bytes::from_static(
                b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            ));
            pieces
        }
        Raw::HeaderBomb => {
            let mut pieces = vec![Bytes::from_static(b"HTTP/1.1 200 OK\r\n")];
            pieces.extend(vec![
                Bytes::from(format!("x-padding: {}\r\n", "x".repeat(1000)));
                2048
            ]);
            pieces.push(Bytes::from_static(b"content-length: 2\r\n\r\n{}"));
            pieces
        }
    }
}

/// A gzip file that opens to so many MiB of zeros and is a hundred and fifty times smaller.
///
/// Written by hand, bit by bit: one zero, then matches of the greatest length (258) at distance 1, in the fixed code
/// of RFC 1951. Eight such matches of 13 bits fill 13 bytes.
pub(super) fn gzip_bomb(mebibytes: u64) -> Bytes {
    let size = mebibytes.saturating_mul(1024 * 1024);
    let matches = size.saturating_sub(1) / 258;
    let mut bits = Bits::default();
    // The only block, with the fixed code.
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    bits.push_code(0b0011_0000, 8);
    for _ in 0..matches {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0b0_0000, 5);
    }
    let rest = size.saturating_sub(1) % 258;
    for _ in 0..rest {
        bits.push_code(0b0011_0000, 8);
    }
    bits.push_code(0b000_0000, 7);

    let mut checksum = crc32fast::Hasher::new();
    let zeros = [0_u8; 4096];
    for _ in 0..size / 4096 {
        checksum.update(&zeros);
    }
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(bits.finish());
    file.extend(checksum.finalize().to_le_bytes());
    file.extend(u32::try_from(size % (1 << 32)).unwrap_or_default().to_le_bytes());
    file.into()
}

/// Bits in the order of RFC 1951: the lowest of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    partial: u8,
    filled: u8,
}

impl Bits {
    /// Adds the lowest `count` bits of `value`, the lowest first.
    fn push(&mut self, value: u16, count: u8) {
        for index in 0..count {
            let bit = u8::from(value >> index & 1 == 1);
            self.partial |= bit << self.filled;
            self.filled += 1;
            if self.filled == 8 {
                self.bytes.push(self.partial);
                (self.partial, self.filled) = (0, 0);
            }
        }
    }

    /// Adds a code word, whose highest bit goes first.
    fn push_code(&mut self, code: u16, count: u8) {
        self.push(code.reverse_bits() >> (16 - count), count);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.bytes.push(self.partial);
        }
        self.bytes
    }
}

/// A header value with its moments filled in.
pub(super) fn dated(value: &str) -> String {
    if !value.contains('{') {
        return value.to_owned();
    }
    let soon = now()
        .saturating_add(jiff::SignedDuration::from_secs(2))
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let soon = soon.to_zoned(jiff::tz::TimeZone::UTC);
    value
        .replace(
            "{http_date}",
            &soon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        )
        .replace("{rfc3339}", &soon.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a provider tells the time of the day on which it is called"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
