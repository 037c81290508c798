//! Secrets that we issue: `prefix_publicid_secretchecksum`, refused by shape alone, kept only as a keyed hash.
//!
//! The prefix and the checksum let scanners find a leaked token and let us turn garbage away without a look-up or a
//! hash. The secret part has 256 bits of chance, so a fast keyed hash is enough: there is nothing to guess.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use zeroize::Zeroizing;

use crate::derive::{mac, mac_key};
use crate::entropy::{Entropy, EntropyError};
use crate::secret::Secret;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PUBLIC_ID_CHARS: usize = 10;
/// 62^43 is just above 2^256.
const SECRET_CHARS: usize = 43;
/// 62^6 is above 2^32.
const CHECKSUM_CHARS: usize = 6;

/// The key of a keyed hash over tokens. Derived outside the database, so that who writes there cannot plant a token.
pub struct Pepper(hmac::Key);

impl Pepper {
    /// The pepper made of `key`.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(mac_key(key))
    }

    /// The keyed hash of the whole `token` and of the place it is bound to: what is stored and what is compared.
    ///
    /// Tokens of one pepper are all of one length, or bound to nothing, so that no two pairs read alike.
    #[must_use]
    pub fn mac(&self, token: &[u8], bound_to: &[u8]) -> [u8; 32] {
        mac(&self.0, &[token, bound_to])
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pepper(…)")
    }
}

/// Whether two keyed hashes are equal, found in a time that does not tell where they differ.
#[must_use]
pub fn macs_are_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// The readable part of a token, by which it is looked up. No secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicId([u8; PUBLIC_ID_CHARS]);

impl PublicId {
    /// The id as text of ten letters and digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only made of ASCII letters and digits, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A token just made: to be shown once and kept as `public_id` and `hash` only.
#[derive(Debug)]
pub struct Minted {
    /// The whole token.
    pub token: Secret,
    /// Its readable part.
    pub public_id: PublicId,
    /// Its keyed hash.
    pub hash: [u8; 32],
}

impl Minted {
    /// The token as text, for the one moment in which its owner is shown it. Only tokens that we made can be shown: a
    /// provider's key has no such door.
    #[must_use]
    pub fn show_once(&self) -> String {
        String::from_utf8_lossy(self.token.expose()).into_owned()
    }
}

/// A token somebody presented, of the right shape and with the right checksum. Whether it is ours, only the hash tells.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    token: &'a [u8],
    public_id: PublicId,
}

impl Presented<'_> {
    /// Its readable part.
    #[must_use]
    pub const fn public_id(&self) -> PublicId {
        self.public_id
    }

    /// Its keyed hash under `pepper`, for the one place that `bound_to` names.
    #[must_use]
    pub fn mac(&self, pepper: &Pepper, bound_to: &[u8]) -> [u8; 32] {
        pepper.mac(self.token, bound_to)
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Presented({}…)", self.public_id)
    }
}

/// A kind of token: what all of its tokens begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) prefix: &'static str,
}

impl Form {
    /// Length of every token of this form, in bytes.
    pub(crate) const fn length(self) -> usize {
        self.prefix.len() + PUBLIC_ID_CHARS + 1 + SECRET_CHARS + CHECKSUM_CHARS
    }

    /// A fresh token and what is kept of it.
    pub(crate) fn mint(
        self,
        entropy: &dyn Entropy,
        pepper: &Pepper,
        bound_to: &[u8],
    ) -> Result<Minted, EntropyError> {
        // Sixteen bytes for ten characters: the bias of the remainder is below 2^-68.
        let mut id_chance = [0; 16];
        let mut secret_chance = Zeroizing::new([0; 32]);
        entropy.fill(&mut id_chance)?;
        entropy.fill(&mut *secret_chance)?;
        let public_id = PublicId(base62(&mut id_chance));

        let mut token = Vec::with_capacity(self.length());
        token.extend_from_slice(self.prefix.as_bytes());
        token.extend_from_slice(&public_id.0);
        token.push(b'_');
        token.extend_from_slice(&*Zeroizing::new(base62::<SECRET_CHARS>(&mut *secret_chance)));
        let checksum = checksum(&token);
        token.extend_from_slice(&checksum);
        let hash = pepper.mac(&token, bound_to);
        Ok(Minted {
            token: Secret::from_bytes(token),
            public_id,
            hash,
        })
    }

    /// The token, if it has this form and its checksum holds. Looks nothing up and hashes nothing.
    pub(crate) fn parse(self, token: &[u8]) -> Option<Presented<'_>> {
        let rest = token.strip_prefix(self.prefix.as_bytes())?;
        let (public_id, rest) = rest.split_first_chunk::<PUBLIC_ID_CHARS>()?;
        let (secret, given) = rest.strip_prefix(b"_")?.split_first_chunk::<SECRET_CHARS>()?;
        let given = <[u8; CHECKSUM_CHARS]>::try_from(given).ok()?;
        let covered = token.strip_suffix(&given)?;
        let well_formed = public_id.iter().chain(secret).all(u8::is_ascii_alphanumeric);
        (well_formed && given == checksum(covered)).then_some(Presented {
            token,
            public_id: PublicId(*public_id),
        })
    }
}

/// CRC-32 of all that stands before it.
fn checksum(covered: &[u8]) -> [u8; CHECKSUM_CHARS] {
    base62(&mut crc32fast::hash(covered).to_be_bytes())
}

/// The last `N` base-62 digits of a big-endian number, zeros in front. Leaves zeros in `number` if they were all.
fn base62<const N: usize>(number: &mut [u8]) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u16;
        for byte in number.iter_mut() {
            let dividend = remainder << 8 | u16::from(*byte);
            // The remainder is below 62, so the quotient of the pair fits one byte.
            *byte = u8::try_from(dividend / 62).unwrap_or(u8::MAX);
            remainder = dividend % 62;
        }
        *digit = DIGITS.get(usize::from(remainder)).copied().unwrap_or(b'0');
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::fixtures::Scripted;

    const FORM: Form = Form { prefix: "fh_" };

    fn pepper() -> Pepper {
        Pepper::new(&[9; 32])
    }

    #[test]
    fn base62_counts_like_any_other_notation() {
        assert_eq!(&base62::<3>(&mut [0]), b"000");
        assert_eq!(&base62::<3>(&mut [61]), b"00z");
        assert_eq!(&base62::<3>(&mut [62]), b"010");
        assert_eq!(&base62::<6>(&mut u32::MAX.to_be_bytes()), b"4gfFC3");
    }

    #[test]
    fn all_256_bits_of_a_secret_fit_its_43_characters() {
        let mut greatest = [0xff; 32];
        base62::<SECRET_CHARS>(&mut greatest);
        assert_eq!(greatest, [0; 32], "nothing may be left over");
    }

    #[test]
    fn a_token_looks_as_documented() {
        let minted = FORM.mint(&Scripted::new([0; 48]), &pepper(), b"").unwrap();
        let text = String::from_utf8(minted.token.expose().to_vec()).unwrap();
        assert_eq!(minted.show_once(), text);
        assert_eq!(text.len(), 63);
        assert_eq!(
            &text[..57],
            "fh_0000000000_0000000000000000000000000000000000000000000"
        );
        assert!(text[57..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn a_minted_token_is_recognised_by_its_hash_under_the_same_pepper_only() {
        let minted = FORM.mint(&SystemEntropy::default(), &pepper(), b"").unwrap();
        let presented = FORM.parse(minted.token.expose()).unwrap();
        assert_eq!(presented.public_id(), minted.public_id);
        assert!(macs_are_equal(&presented.mac(&pepper(), b""), &minted.hash));
        assert!(!macs_are_equal(
            &presented.mac(&Pepper::new(&[8; 32]), b""),
            &minted.hash
        ));
    }

    #[test]
    fn no_two_tokens_share_a_public_id_or_a_hash() {
        let entropy = SystemEntropy::default();
        let minted: Vec<_> = (0..1000)
            .map(|_| FORM.mint(&entropy, &pepper(), b"").unwrap())
            .collect();
        assert_eq!(
            minted
                .iter()
                .map(|one| one.public_id)
                .collect::<HashSet<_>>()
                .len(),
            1000
        );
        assert_eq!(
            minted.iter().map(|one| one.hash).collect::<HashSet<_>>().len(),
            1000
        );
    }

    #[test]
    fn a_token_with_any_one_byte_changed_is_refused_by_shape() {
        let minted = FORM.mint(&SystemEntropy::default(), &pepper(), b"").unwrap();
        let token = minted.token.expose();
        for position in 0..token.len() {
            for byte in (0..=u8::MAX).filter(|byte| *byte != token[position]) {
                let mut changed = token.to_vec();
                changed[position] = byte;
                assert!(FORM.parse(&changed).is_none(), "byte {byte} at {position}");
            }
        }
    }

    #[test]
    fn a_right_checksum_does_not_make_up_for_a_wrong_shape() {
        let with_checksum = |covered: &str| {
            let sum = checksum(covered.as_bytes());
            FORM.parse(&[covered.as_bytes(), &sum].concat()).is_some()
        };
        let secret = "0".repeat(43);
        assert!(with_checksum(&format!("fh_0123456789_{secret}")));
        assert!(!with_checksum(&format!("fh_0123456789-{secret}")));
        assert!(!with_checksum(&format!("fh_012345678-_{secret}")));
        assert!(!with_checksum(&format!("fh_0123456789_{}-", &secret[1..])));
        assert!(!with_checksum(&format!("fh_0123456789_{secret}0")));
    }

    #[test]
    fn a_token_cut_or_lengthened_or_of_another_form_is_refused() {
        let minted = FORM.mint(&SystemEntropy::default(), &pepper(), b"").unwrap();
        let token = minted.token.expose();
        for length in 0..token.len() {
            assert!(FORM.parse(&token[..length]).is_none(), "cut to {length}");
        }
        assert!(FORM.parse(&[token, b"0"].concat()).is_none());
        assert!(Form { prefix: "fho_" }.parse(token).is_none());
    }

    #[test]
    fn nothing_secret_is_shown_when_tokens_are_formatted() {
        let minted = FORM.mint(&SystemEntropy::default(), &pepper(), b"").unwrap();
        let text = String::from_utf8(minted.token.expose().to_vec()).unwrap();
        let presented = FORM.parse(text.as_bytes()).unwrap();
        let shown = format!("{minted:?} {presented:?} {:?}", pepper());
        assert!(!shown.contains(&text[14..20]), "{shown}");
    }

    #[test]
    fn minting_without_chance_fails_rather_than_repeats() {
        assert_eq!(
            FORM.mint(&Scripted::new([1; 47]), &pepper(), b"").unwrap_err(),
            EntropyError
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail_other_than_by_refusing(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            prop_assert!(FORM.parse(&bytes).is_none());
        }

        #[test]
        fn text_of_the_right_shape_needs_the_right_checksum(id in "[0-9A-Za-z]{10}", rest in "[0-9A-Za-z]{43}", sum in "[0-9A-Za-z]{6}") {
            let covered = format!("fh_{id}_{rest}");
            let holds = sum.as_bytes() == checksum(covered.as_bytes());
            let token = format!("{covered}{sum}");
            prop_assert_eq!(FORM.parse(token.as_bytes()).is_some(), holds);
        }
    }
}
