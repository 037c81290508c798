//! The claims about envelopes, each as a test.

use proptest::prelude::*;

use super::*;
use crate::entropy::SystemEntropy;
use crate::fixtures::{Scripted, hex, known_key, sha256};

const PLAINTEXT: &[u8] = b"sk-canary-0123456789abcdef";
const KEY_VERSION: u32 = 3;

fn key() -> [u8; 32] {
    known_key()
}

fn context() -> Context<'static> {
    Context {
        installation: InstallationId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1a".parse().unwrap()),
        workspace: WorkspaceId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1b".parse().unwrap()),
        record: record("0192f0c1e2a37b4c8d5e6f7081920a1c"),
        field: "provider_credential.api_key",
        provider: "openai",
        origin: "https://api.openai.com:443",
        record_version: 1,
    }
}

fn record(text: &str) -> [u8; 16] {
    WorkspaceId::from_uuid(text.parse().unwrap())
        .as_uuid()
        .into_bytes()
}

fn known() -> Vec<u8> {
    let entropy = Scripted::new((0x20..=0x3f).chain(0xa0..=0xab));
    seal(Kind::Secret, &key(), KEY_VERSION, &context(), PLAINTEXT, &entropy).unwrap()
}

fn opened(blob: &[u8]) -> Result<Vec<u8>, OpenError> {
    open(Kind::Secret, &key(), KEY_VERSION, &context(), blob).map(|plaintext| plaintext.to_vec())
}

#[test]
fn the_known_answer_is_reproduced_to_the_byte() {
    let blob = known();
    assert_eq!(blob.len(), 168);
    assert_eq!(hex(&blob[..12]), "424b45310101000000000003");
    assert_eq!(
        hex(&blob[44..76]),
        "f34e575ae3cad5c7d7f9ee9f307477a4468eb483b899659d50180aa99bf38d61"
    );
    assert_eq!(hex(&blob[152..]), "669285955dd57717704343f509c6d945");
    assert_eq!(
        sha256(&blob),
        "2cd4d91823581c4fdb1330b9659e08c835cbcbe23330251c3d86d97ba702118e"
    );
    assert_eq!(opened(&blob).unwrap(), PLAINTEXT);
}

#[test]
fn the_associated_data_is_that_of_the_known_answer() {
    let associated = associated_data(&known()[..76], &context()).unwrap();
    assert_eq!(associated.len(), 203);
    assert_eq!(
        sha256(&associated),
        "b8cc311ccf056a0289d9f59c309f2be0dace00bc2b68ed399a4140e480ac2aeb"
    );
}

#[test]
fn the_encryption_key_is_that_of_the_known_answer() {
    let blob = known();
    let pseudorandom = extract(&blob[12..44], &key());
    let encryption = expand(&pseudorandom, [ENCRYPT_LABEL, &blob[..12]]);
    assert_eq!(
        hex(&*encryption),
        "4100e8bb768dbe543047946ebca69abd749f69bf680beb0b8ac3041eab607cf5"
    );
}

#[test]
fn an_envelope_with_any_one_bit_flipped_does_not_open() {
    let blob = known();
    let mut refused = 0;
    for bit in 0..blob.len() * 8 {
        let mut flipped = blob.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(opened(&flipped).is_err(), "bit {bit}");
        refused += 1;
    }
    assert_eq!(refused, 1_344);
}

#[test]
fn an_envelope_cut_at_any_length_does_not_open() {
    let blob = known();
    for length in 0..blob.len() {
        assert!(opened(&blob[..length]).is_err(), "cut to {length}");
    }
    assert!(opened(&[blob.as_slice(), &[0]].concat()).is_err());
    assert!(opened(&[blob.as_slice(), &[0; 64]].concat()).is_err());
}

#[test]
fn an_envelope_moved_anywhere_does_not_open() {
    let home = context();
    let other = "0192f0c1e2a37b4c8d5e6f7081920aff";
    let elsewhere = [
        (
            "installation",
            Context {
                installation: InstallationId::from_uuid(other.parse().unwrap()),
                ..home
            },
        ),
        (
            "workspace",
            Context {
                workspace: WorkspaceId::from_uuid(other.parse().unwrap()),
                ..home
            },
        ),
        (
            "record",
            Context {
                record: record(other),
                ..home
            },
        ),
        (
            "field",
            Context {
                field: "provider_credential.other",
                ..home
            },
        ),
        (
            "provider",
            Context {
                provider: "anthropic",
                ..home
            },
        ),
        (
            "origin's host",
            Context {
                origin: "https://api.example.com:443",
                ..home
            },
        ),
        (
            "origin's port",
            Context {
                origin: "https://api.openai.com:444",
                ..home
            },
        ),
        (
            "origin's scheme",
            Context {
                origin: "http://api.openai.com:443",
                ..home
            },
        ),
        (
            "record version",
            Context {
                record_version: 2,
                ..home
            },
        ),
    ];
    let blob = known();
    for (what, context) in elsewhere {
        let result = open(Kind::Secret, &key(), KEY_VERSION, &context, &blob);
        assert_eq!(result.unwrap_err(), OpenError::Refused, "another {what}");
    }
}

#[test]
fn bytes_cannot_slide_from_one_part_of_the_context_to_the_next() {
    let blob = known();
    let slid = Context {
        provider: "openaih",
        origin: "ttps://api.openai.com:443",
        ..context()
    };
    assert!(open(Kind::Secret, &key(), KEY_VERSION, &slid, &blob).is_err());
}

#[test]
fn an_envelope_under_another_key_is_recognised_before_decryption() {
    let mut other = key();
    other[31] ^= 1;
    let result = open(Kind::Secret, &other, KEY_VERSION, &context(), &known());
    assert_eq!(result.unwrap_err(), OpenError::WrongKey);
}

#[test]
fn an_envelope_is_not_taken_for_another_kind_or_key_version() {
    let blob = known();
    for kind in [
        Kind::DataKey,
        Kind::Reply,
        Kind::OneTimeSeed,
        Kind::InstallationKey,
    ] {
        let result = open(kind, &key(), KEY_VERSION, &context(), &blob);
        assert_eq!(result.unwrap_err(), OpenError::UnknownFormat, "{kind:?}");
    }
    let result = open(Kind::Secret, &key(), KEY_VERSION + 1, &context(), &blob);
    assert_eq!(result.unwrap_err(), OpenError::UnknownFormat);
    assert_eq!(key_version(&blob), Ok(KEY_VERSION));
    assert_eq!(key_version(&blob[..11]), Err(OpenError::Malformed));
}

#[test]
fn the_same_secret_sealed_twice_looks_different() {
    let sealed = || {
        seal(
            Kind::Secret,
            &key(),
            1,
            &context(),
            PLAINTEXT,
            &SystemEntropy::default(),
        )
        .unwrap()
    };
    let (one, two) = (sealed(), sealed());
    assert_ne!(one[12..44], two[12..44]);
    assert_ne!(one[76..], two[76..]);
}

#[test]
fn the_length_of_a_key_does_not_show() {
    let length = |bytes: usize| {
        seal(
            Kind::Secret,
            &key(),
            1,
            &context(),
            &vec![7; bytes],
            &SystemEntropy::default(),
        )
        .unwrap()
        .len()
    };
    assert_eq!(length(0), length(62));
    assert_eq!(length(63), length(126));
    assert_eq!(length(63) - length(62), PADDING_STEP);
}

#[test]
fn padding_of_any_other_make_is_refused() {
    let body = |bytes: &[u8]| unpadded(Zeroizing::new(bytes.to_vec())).map(|opened| opened.to_vec());
    let mut good = padded(b"abc").unwrap().to_vec();
    assert_eq!(body(&good).unwrap(), b"abc");
    assert_eq!(
        body(&[good.as_slice(), &[0; 64]].concat()),
        None,
        "a step too much"
    );
    good[63] = 1;
    assert_eq!(body(&good), None, "something behind the end");
    good[0] = 0xff;
    assert_eq!(body(&good), None, "a length beyond the end");
    assert_eq!(body(&[0]), None, "no length");
}

#[test]
fn sealing_without_chance_or_beyond_its_room_fails() {
    let sealed = |plaintext: &[u8], context: &Context<'_>, entropy: &dyn Entropy| {
        seal(Kind::Secret, &key(), 1, context, plaintext, entropy)
    };
    assert_eq!(
        sealed(PLAINTEXT, &context(), &Scripted::new([0; 43])),
        Err(SealError::Entropy(EntropyError))
    );
    let system = SystemEntropy::default();
    let most = vec![1; PLAINTEXT_BYTES_MAX];
    let blob = sealed(&most, &context(), &system).unwrap();
    assert_eq!(*open(Kind::Secret, &key(), 1, &context(), &blob).unwrap(), most);
    let more = vec![1; PLAINTEXT_BYTES_MAX + 1];
    assert_eq!(
        sealed(&more, &context(), &system),
        Err(SealError::TooLong { bytes: 65_536 })
    );
    let origin = "o".repeat(65_536);
    let endless = Context {
        origin: &origin,
        ..context()
    };
    assert_eq!(
        sealed(PLAINTEXT, &endless, &system),
        Err(SealError::ContextTooLong("origin"))
    );
    assert_eq!(
        open(Kind::Secret, &key(), 1, &endless, &blob).unwrap_err(),
        OpenError::Refused
    );
}

proptest! {
    #[test]
    fn what_was_sealed_opens_again(
        plaintext in proptest::collection::vec(any::<u8>(), 0..4096),
        key in any::<[u8; 32]>(),
        key_version in any::<u32>(),
        provider in ".{0,40}",
        origin in ".{0,300}",
        record_version in any::<u64>(),
    ) {
        let context = Context { provider: &provider, origin: &origin, record_version, ..context() };
        let blob = seal(Kind::Secret, &key, key_version, &context, &plaintext, &SystemEntropy::default()).unwrap();
        let opened = open(Kind::Secret, &key, key_version, &context, &blob).unwrap();
        prop_assert_eq!(&*opened, &plaintext);
        prop_assert_eq!((blob.len() - 88 - 16) % 64, 0);
    }

    #[test]
    fn no_bytes_make_opening_fail_other_than_by_an_error(blob in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(opened(&blob).is_err());
    }

    #[test]
    fn no_bytes_after_a_true_beginning_open(
        kept in 0_usize..168,
        tail in proptest::collection::vec(any::<u8>(), 0..256),
    ) {
        let blob = known();
        let forged = [&blob[..kept], &tail].concat();
        prop_assume!(forged != blob);
        prop_assert!(opened(&forged).is_err());
    }
}
