//! The claims about the keyring, each as a test.

use super::*;
use crate::entropy::SystemEntropy;

const CANARY: &str = "sk-canary-0123456789abcdef";

fn installation() -> InstallationId {
    InstallationId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1a".parse().unwrap())
}

fn workspace(last_byte: u8) -> WorkspaceId {
    WorkspaceId::from_uuid(
        format!("0192f0c1e2a37b4c8d5e6f70819200{last_byte:02x}")
            .parse()
            .unwrap(),
    )
}

fn root(byte: u8, generation: u32) -> RootKey {
    RootKey::from_bytes([byte; 32]).of_generation(generation)
}

fn chance() -> SystemEntropy {
    SystemEntropy::default()
}

fn secret() -> Secret {
    Secret::from_text(CANARY.to_owned())
}

fn binding(workspace: WorkspaceId) -> ProviderKeyBinding<'static> {
    ProviderKeyBinding {
        workspace,
        provider_key: ProviderKeyId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1c".parse().unwrap()),
        provider: "openai",
        origin: "https://api.openai.com:443",
        record_version: 1,
    }
}

/// A keyring with a data key of version 1 for workspaces 1 and 2, and the wrapped forms.
fn keyring() -> (Keyring, Vec<DataKey>) {
    let keyring = Keyring::new(root(1, 1), installation());
    let wrapped: Vec<_> = [1, 2]
        .map(|number| keyring.create_data_key(workspace(number), 1, &chance()).unwrap())
        .into();
    for data_key in &wrapped {
        keyring.load(data_key).unwrap();
    }
    (keyring, wrapped)
}

fn opens(keyring: &Keyring, binding: &ProviderKeyBinding<'_>, sealed: &SealedSecret) -> bool {
    keyring
        .open_provider_key(binding, &sealed.0)
        .is_ok_and(|opened| opened.expose() == CANARY.as_bytes())
}

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
        provider: freehold_domain::provider::ProviderKind::Openai,
        name: "openai".to_owned(),
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
    assert_eq!(ProviderKeyBinding::from(&stored), binding(workspace(1)));
}

#[test]
fn a_data_key_moved_to_another_workspace_or_version_does_not_load() {
    let (keyring, wrapped) = keyring();
    keyring.forget(workspace(2));
    let moved = DataKey {
        workspace: workspace(2),
        ..wrapped[0].clone()
    };
    assert_eq!(keyring.load(&moved), Err(OpenError::Refused));
    let renumbered = DataKey {
        version: 2,
        ..wrapped[0].clone()
    };
    assert_eq!(keyring.load(&renumbered), Err(OpenError::Refused));
}

#[test]
fn a_wrong_root_key_is_told_before_anything_is_opened() {
    let right = Keyring::new(root(1, 1), installation());
    let check = root(1, 1).check_value(installation());
    assert_eq!(right.verify_root(&check), Ok(()));
    let wrong = Keyring::new(root(2, 1), installation());
    assert_eq!(wrong.verify_root(&check), Err(WrongRootKey));
    let data_key = right.create_data_key(workspace(1), 1, &chance()).unwrap();
    assert_eq!(wrong.load(&data_key), Err(OpenError::WrongKey));
    let of_other_installation = Keyring::new(root(1, 1), InstallationId::from_uuid(workspace(9).as_uuid()));
    assert_eq!(of_other_installation.load(&data_key), Err(OpenError::Refused));
}

#[test]
fn a_created_data_key_seals_nothing_before_it_is_loaded() {
    let keyring = Keyring::new(root(1, 1), installation());
    let data_key = keyring.create_data_key(workspace(1), 1, &chance()).unwrap();
    let sealed = keyring.seal_provider_key(&binding(workspace(1)), &secret(), &chance());
    assert_eq!(sealed, Err(SealError::NoDataKey(workspace(1))));
    keyring.load(&data_key).unwrap();
    assert!(
        keyring
            .seal_provider_key(&binding(workspace(1)), &secret(), &chance())
            .is_ok()
    );
}

#[test]
fn loading_a_data_key_twice_changes_nothing_and_a_second_of_its_version_is_refused() {
    let (keyring, wrapped) = keyring();
    keyring
        .seal_provider_key(&binding(workspace(1)), &secret(), &chance())
        .unwrap();
    keyring.load(&wrapped[0]).unwrap();
    assert_eq!(
        keyring.data_key_use(workspace(1)),
        Some(DataKeyUse {
            version: 1,
            sealed: 1
        })
    );
    let second = keyring.create_data_key(workspace(1), 1, &chance()).unwrap();
    assert_eq!(
        keyring.load(&second),
        Err(OpenError::VersionTaken {
            workspace: workspace(1),
            version: 1
        })
    );
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
fn a_forgotten_workspace_opens_nothing_more_and_its_neighbour_still_does() {
    let (keyring, _) = keyring();
    let sealed = [1, 2].map(|number| {
        keyring
            .seal_provider_key(&binding(workspace(number)), &secret(), &chance())
            .unwrap()
    });
    assert!(keyring.forget(workspace(1)));
    assert!(!keyring.forget(workspace(1)));
    assert!(!opens(&keyring, &binding(workspace(1)), &sealed[0]));
    assert!(opens(&keyring, &binding(workspace(2)), &sealed[1]));
}

#[test]
fn a_rotation_of_the_root_broken_off_at_any_row_leaves_everything_openable() {
    let (old, wrapped) = keyring();
    let sealed: Vec<_> = [1, 2]
        .map(|number| {
            old.seal_provider_key(&binding(workspace(number)), &secret(), &chance())
                .unwrap()
        })
        .into();
    let handed_on = old.installation_keys().hand_on(&root(2, 2), &chance()).unwrap();
    for rewrapped in 0..=wrapped.len() {
        let mut rows = wrapped.clone();
        for row in &mut rows[..rewrapped] {
            *row = old.rewrap(row, &root(2, 2), &chance()).unwrap();
        }
        // Started anew with both root keys, whichever of them the installation's row names.
        let before_switch = Keyring::new(root(1, 1), installation());
        before_switch.add_root(root(2, 2));
        let after_switch = Keyring::inheriting(root(2, 2), installation(), &handed_on).unwrap();
        after_switch.add_root(root(1, 1));
        for keyring in [before_switch, after_switch] {
            for (number, (row, sealed)) in rows.iter().zip(&sealed).enumerate() {
                keyring.load(row).unwrap();
                let number = u8::try_from(number).unwrap() + 1;
                assert!(
                    opens(&keyring, &binding(workspace(number)), sealed),
                    "{rewrapped} rows rewrapped"
                );
            }
            assert_eq!(keyring.fingerprint(&secret()), old.fingerprint(&secret()));
            // Taken up again, the rotation comes to its end.
            for row in &mut rows {
                *row = keyring.rewrap(row, &root(2, 2), &chance()).unwrap();
            }
            assert!(rows.iter().all(|row| row.root_generation == 2));
        }
        let finished = Keyring::inheriting(root(2, 2), installation(), &handed_on).unwrap();
        assert!(
            rows.iter().all(|row| finished.load(row).is_ok()),
            "the old root key is needed no more"
        );
    }
}

#[test]
fn a_row_of_a_root_key_that_is_not_at_hand_says_so() {
    let (old, wrapped) = keyring();
    let row = old.rewrap(&wrapped[0], &root(2, 2), &chance()).unwrap();
    assert_eq!(
        Keyring::new(root(1, 1), installation()).load(&row),
        Err(OpenError::NoRootKey { generation: 2 })
    );
}

#[test]
fn the_newest_root_key_wraps_new_data_keys() {
    let (keyring, _) = keyring();
    keyring.add_root(root(3, 3));
    keyring.add_root(root(2, 2));
    assert_eq!(
        keyring
            .create_data_key(workspace(7), 1, &chance())
            .unwrap()
            .root_generation,
        3
    );
    assert_eq!(
        keyring.verify_root(&root(3, 3).check_value(installation())),
        Ok(())
    );
}

#[test]
fn a_row_that_lies_about_its_generation_does_not_load() {
    let (keyring, wrapped) = keyring();
    keyring.forget(workspace(1));
    keyring.add_root(root(2, 2));
    let lying = DataKey {
        root_generation: 2,
        ..wrapped[0].clone()
    };
    assert_eq!(keyring.load(&lying), Err(OpenError::UnknownFormat));
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
fn a_fingerprint_tells_the_same_secret_and_needs_the_root_key() {
    let (keyring, _) = keyring();
    let fingerprint = keyring.fingerprint(&secret());
    assert_eq!(fingerprint.len(), 16);
    assert!(fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(keyring.fingerprint(&secret()), fingerprint);
    assert_ne!(
        keyring.fingerprint(&Secret::from_text("sk-other".to_owned())),
        fingerprint
    );
    assert_ne!(
        Keyring::new(root(2, 1), installation()).fingerprint(&secret()),
        fingerprint
    );
}

#[test]
fn a_virtual_key_and_an_operator_token_are_known_by_their_hashes_and_not_by_each_others() {
    let (keyring, _) = keyring();
    let minted = crate::virtual_key::mint(&chance(), keyring.pepper()).unwrap();
    let presented = crate::virtual_key::parse(minted.token.expose()).unwrap();
    assert!(keyring.is_virtual_key(&presented, &minted.hash));
    assert!(!keyring.is_virtual_key(&presented, &[0; 32]));
    assert!(!keyring.is_operator_token(minted.token.expose(), &minted.hash));

    let keys = keyring.installation_keys();
    let operator = operator_token::mint(&chance(), keys.operator_token_pepper()).unwrap();
    assert!(keyring.is_operator_token(operator.token.expose(), &operator.hash));
    assert!(!keyring.is_operator_token(b"fho_", &operator.hash));

    let who_writes_the_database = Pepper::new(&[0; 32]);
    let planted = crate::virtual_key::mint(&chance(), &who_writes_the_database).unwrap();
    let presented = crate::virtual_key::parse(planted.token.expose()).unwrap();
    assert!(
        !keyring.is_virtual_key(&presented, &planted.hash),
        "a planted hash lets nobody in"
    );
}

#[test]
fn a_keyring_shows_no_key() {
    let (keyring, wrapped) = keyring();
    assert_eq!(
        format!("{keyring:?}"),
        format!("Keyring({}, 2 workspaces)", installation())
    );
    assert!(format!("{:?}", wrapped[0]).contains("SealedSecret(168 bytes)"));
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
