//! The claims about the keyring, each as a test.

use super::*;
use crate::fixtures::{
    Scripted, binding, chance, installation, keyring, known_key, opens, root, secret, sha256, workspace,
};

#[test]
fn a_wrapped_data_key_is_the_known_answer_to_the_byte() {
    let keyring = Keyring::new(RootKey::from_bytes(known_key()).of_generation(7), installation());
    let owner = WorkspaceId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1b".parse().unwrap());
    let entropy = Scripted::new((0x40..=0x5f).chain(0x20..=0x3f).chain(0xa0..=0xab));
    let data_key = keyring.create_data_key(owner, 5, &entropy).unwrap();
    assert_eq!((data_key.version, data_key.root_generation), (5, 7));
    assert_eq!(data_key.wrapped.0.len(), 168);
    assert_eq!(
        sha256(&data_key.wrapped.0),
        "85c59d7c18aef5c450aa73c3d9ef9cfafe751bcecc0cb27b6a97cff8d555722a"
    );
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
fn the_highest_version_seals_in_whatever_order_data_keys_are_loaded() {
    let (keyring, _) = keyring();
    for version in [3, 2] {
        keyring
            .load(&keyring.create_data_key(workspace(1), version, &chance()).unwrap())
            .unwrap();
    }
    assert_eq!(keyring.data_key_use(workspace(1)).unwrap().version, 3);
}

#[test]
fn a_row_that_was_rewrapped_already_is_left_as_it_is() {
    let (keyring, wrapped) = keyring();
    let once = keyring.rewrap(&wrapped[0], &root(2, 2), &chance()).unwrap();
    assert_ne!(once, wrapped[0]);
    assert_eq!(keyring.rewrap(&once, &root(2, 2), &chance()).unwrap(), once);
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
fn a_root_key_given_again_takes_the_place_of_the_one_of_its_generation() {
    let (keyring, wrapped) = keyring();
    let row = keyring.rewrap(&wrapped[0], &root(2, 2), &chance()).unwrap();
    keyring.forget(workspace(1));
    keyring.add_root(root(9, 2));
    assert_eq!(keyring.load(&row), Err(OpenError::WrongKey));
    keyring.add_root(root(2, 2));
    assert_eq!(keyring.load(&row), Ok(()));
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
fn a_keyring_shows_no_key() {
    let (keyring, wrapped) = keyring();
    assert_eq!(
        format!("{keyring:?}"),
        format!("Keyring({}, 2 workspaces)", installation())
    );
    assert!(format!("{:?}", wrapped[0]).contains("SealedSecret(168 bytes)"));
}
