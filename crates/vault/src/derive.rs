//! Keys from keys: HMAC-SHA-256, and HKDF (RFC 5869) made of it for outputs of exactly 32 bytes.
//!
//! The library's own HKDF repeats the extract step for every output. An envelope needs two outputs of one extract on the
//! hot path, so the two steps are spelled out here and held against the RFC's vectors.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// A symmetric key, wiped when dropped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// The key `bytes`, made ready for many MACs.
pub(crate) fn mac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// HMAC-SHA-256 of the concatenated `parts`.
pub(crate) fn mac(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// HKDF-Extract, ready to be expanded.
pub(crate) fn extract(salt: &[u8], key: &[u8]) -> hmac::Key {
    let pseudorandom = Zeroizing::new(mac(&mac_key(salt), &[key]));
    mac_key(&*pseudorandom)
}

/// The first 32 bytes of HKDF-Expand for the concatenated `info`.
pub(crate) fn expand(pseudorandom: &hmac::Key, info: [&[u8]; 2]) -> Key {
    Zeroizing::new(mac(pseudorandom, &[info[0], info[1], &[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extract_and_expand_agree_with_rfc_5869() {
        // Appendix A.1: the first 32 of its 42 bytes of output.
        let salt: Vec<u8> = (0x00..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let pseudorandom = extract(&salt, &[0x0b; 22]);
        let expected = [
            0x3c, 0xb2, 0x5f, 0x25, 0xfa, 0xac, 0xd5, 0x7a, 0x90, 0x43, 0x4f, 0x64, 0xd0, 0x36, 0x2f, 0x2a,
            0x2d, 0x2d, 0x0a, 0x90, 0xcf, 0x1a, 0x5a, 0x4c, 0x5d, 0xb0, 0x2d, 0x56, 0xec, 0xc4, 0xc5, 0xbf,
        ];
        assert_eq!(*expand(&pseudorandom, [&info[..4], &info[4..]]), expected);
    }
}
