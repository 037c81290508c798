//! The claims about sealed provider keys, each as a test.

use proptest::prelude::*;

use super::*;
use crate::data_key::{SEALED_HARD_LIMIT, SEALED_SOFT_LIMIT};
use crate::fixtures::{binding, chance, keyring, opens, secret, workspace};

#[test]
fn a_provider_key_opens_where_it_was_sealed() {
    let (keyring, _) = keyring();
    let sealed = keyring
        .seal_provider_key(&binding(workspace(1)), &secret(), &chance())
        .unwrap();
    assert!(opens(&keyring, &binding(workspace(1)), &sealed));
    assert!(!sealed.0.windows(6).any(|window| window == b"canary"));
}

#[test]
fn a_provider_key_moved_to_another_place_does_not_open() {
    let (keyring, _) = keyring();
    let home = binding(workspace(1));
    let sealed = keyring.seal_provider_key(&home, &secret(), &chance()).unwrap();
    let other_key = ProviderKeyId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920aff".parse().unwrap());
    for elsewhere in [
        binding(workspace(2)),
        ProviderKeyBinding {
            provider_key: other_key,
            ..home
        },
        ProviderKeyBinding {
            provider: "groq",
            ..home
        },
        ProviderKeyBinding {
            origin: "https://attacker.example:443",
            ..home
        },
        ProviderKeyBinding {
            record_version: 2,
            ..home
        },
    ] {
        assert!(
            keyring.open_provider_key(&elsewhere, &sealed.0).is_err(),
            "{elsewhere:?}"
        );
    }
}

#[test]
fn the_binding_of_a_stored_key_names_all_that_must_not_change() {
    let stored = ProviderKey {
        id: binding(workspace(1)).provider_key,
        workspace: workspace(1),
        provider: freehold_domain::provider::ProviderKind::OpenaiCompatible,
        name: "together".to_owned(),
        label: None,
        priority: 0,
        is_active: true,
        base_url: "https://api.openai.com/v1".to_owned(),
        origin: "https://api.openai.com:443".to_owned(),
        allowed_models: Vec::new(),
        limits: freehold_domain::key::ProviderKeyLimits::default(),
        fallback: None,
        fingerprint: None,
        sealed: None,
        record_version: 1,
        health: freehold_domain::key::KeyHealth::default(),
        created_at: freehold_domain::time::Timestamp::from_micros(0),
        updated_at: freehold_domain::time::Timestamp::from_micros(0),
    };
    let expected = ProviderKeyBinding {
        provider: "openai-compatible",
        ..binding(workspace(1))
    };
    assert_eq!(ProviderKeyBinding::from(&stored), expected);
}

#[test]
fn the_newest_data_key_seals_and_the_older_ones_still_open() {
    let (keyring, _) = keyring();
    let home = binding(workspace(1));
    let old = keyring.seal_provider_key(&home, &secret(), &chance()).unwrap();
    keyring
        .load(&keyring.create_data_key(workspace(1), 2, &chance()).unwrap())
        .unwrap();
    let new = keyring.seal_provider_key(&home, &secret(), &chance()).unwrap();
    assert_eq!(envelope::key_version(&old.0), Ok(1));
    assert_eq!(envelope::key_version(&new.0), Ok(2));
    assert!(opens(&keyring, &home, &old) && opens(&keyring, &home, &new));
}

#[test]
fn a_workspace_key_can_be_retired_once_everything_is_sealed_anew() {
    let (keyring, _) = keyring();
    let home = binding(workspace(1));
    let old = keyring.seal_provider_key(&home, &secret(), &chance()).unwrap();
    keyring
        .load(&keyring.create_data_key(workspace(1), 2, &chance()).unwrap())
        .unwrap();
    let new = keyring.reseal_provider_key(&home, &old.0, 2, &chance()).unwrap();
    assert!(keyring.forget_version(workspace(1), 1));
    assert!(!keyring.forget_version(workspace(1), 1));
    let next = ProviderKeyBinding {
        record_version: 2,
        ..home
    };
    assert!(opens(&keyring, &next, &new));
    let no_data_key = OpenError::NoDataKey {
        workspace: workspace(1),
        version: 1,
    };
    assert_eq!(keyring.open_provider_key(&home, &old.0).unwrap_err(), no_data_key);
}

#[test]
fn a_data_key_asks_for_rotation_and_at_last_refuses_to_seal() {
    let (keyring, _) = keyring();
    let home = binding(workspace(1));
    let sealed = keyring.seal_provider_key(&home, &secret(), &chance()).unwrap();
    assert!(!keyring.data_key_use(workspace(1)).unwrap().rotation_is_due());
    keyring.resume_count(workspace(1), 1, SEALED_SOFT_LIMIT);
    assert!(keyring.data_key_use(workspace(1)).unwrap().rotation_is_due());
    keyring.resume_count(workspace(1), 1, 5);
    assert_eq!(
        keyring.data_key_use(workspace(1)).unwrap().sealed,
        SEALED_SOFT_LIMIT
    );

    keyring.resume_count(workspace(1), 1, SEALED_HARD_LIMIT - 1);
    assert!(keyring.seal_provider_key(&home, &secret(), &chance()).is_ok());
    let worn_out = SealError::Exhausted {
        workspace: workspace(1),
        sealed: SEALED_HARD_LIMIT,
    };
    assert_eq!(
        keyring.seal_provider_key(&home, &secret(), &chance()),
        Err(worn_out)
    );
    assert!(opens(&keyring, &home, &sealed), "opening is not limited");
}

#[test]
fn many_threads_seal_and_open_while_keys_come_and_go() {
    let (keyring, wrapped) = keyring();
    let home = binding(workspace(1));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let sealed = keyring.seal_provider_key(&home, &secret(), &chance()).unwrap();
                    assert!(opens(&keyring, &home, &sealed));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                keyring.forget(workspace(2));
                keyring.load(&wrapped[1]).unwrap();
            }
        });
    });
    assert_eq!(
        keyring.data_key_use(workspace(1)).unwrap().sealed,
        800,
        "every seal was counted once"
    );
}

/// A binding made of few values, so that two of them are the same often enough for both answers to be tried.
fn any_binding() -> impl Strategy<Value = ProviderKeyBinding<'static>> {
    let origins = [
        "https://api.openai.com:443",
        "https://api.openai.com:8443",
        "https://attacker.example:443",
    ];
    (1..=2_u8, 3..=4_u8, 0..2_usize, 0..3_usize, 1..=2_u64).prop_map(
        move |(owner, record, provider, origin, record_version)| ProviderKeyBinding {
            workspace: workspace(owner),
            provider_key: ProviderKeyId::from_uuid(workspace(record).as_uuid()),
            provider: ["openai", "openai-compatible"][provider],
            origin: origins[origin],
            record_version,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_row_swapped_with_another_opens_only_if_nothing_about_it_differs(
        home in any_binding(),
        elsewhere in any_binding(),
    ) {
        let (keyring, _) = keyring();
        let sealed = keyring.seal_provider_key(&home, &secret(), &chance()).unwrap();
        prop_assert_eq!(opens(&keyring, &elsewhere, &sealed), home == elsewhere);
    }
}
