//! What the vault costs a request: recognising a virtual key and opening a provider key. Run with `cargo bench -p freehold-vault`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement prints, and stops at the first surprise"
)]

use std::hint::black_box;
use std::time::Instant;

use freehold_domain::id::{InstallationId, ProviderKeyId, WorkspaceId};
use freehold_vault::{Keyring, ProviderKeyBinding, RootKey, Secret, SystemEntropy, virtual_key};

const ROUNDS: u32 = 50_000;

/// Prints the best mean of five runs, in nanoseconds: the run that was disturbed least.
fn measure(what: &str, mut work: impl FnMut()) {
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            (0..ROUNDS).for_each(|_| work());
            start.elapsed().as_nanos() / u128::from(ROUNDS)
        })
        .min()
        .unwrap_or_default();
    println!("{what:<45} {best:>6} ns");
}

fn main() {
    let entropy = SystemEntropy::default();
    let installation = InstallationId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1a".parse().unwrap());
    let workspace = WorkspaceId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1b".parse().unwrap());
    let keyring = Keyring::new(RootKey::from_bytes([1; 32]), installation);
    keyring
        .load(&keyring.create_data_key(workspace, 1, &entropy).unwrap())
        .unwrap();
    let binding = ProviderKeyBinding {
        workspace,
        provider_key: ProviderKeyId::from_uuid("0192f0c1e2a37b4c8d5e6f7081920a1c".parse().unwrap()),
        provider: "openai",
        origin: "https://api.openai.com:443",
        record_version: 1,
    };
    let secret = Secret::from_bytes(vec![b'k'; 164]);
    let sealed = keyring.seal_provider_key(&binding, &secret, &entropy).unwrap();
    let minted = virtual_key::mint(&entropy, keyring.pepper(), workspace).unwrap();
    let token = minted.token.expose();
    let garbage: Vec<u8> = token.iter().rev().copied().collect();
    let miscopied = [&token[..token.len() - 1], b"-"].concat();

    measure("refuse garbage as a virtual key", || {
        assert!(virtual_key::parse(black_box(&garbage)).is_none());
    });
    measure("refuse a miscopied virtual key", || {
        assert!(virtual_key::parse(black_box(&miscopied)).is_none());
    });
    measure("recognise a virtual key", || {
        let presented = virtual_key::parse(black_box(token)).unwrap();
        assert!(keyring.is_virtual_key(&presented, workspace, &minted.hash));
    });
    measure("open a provider key of 164 bytes", || {
        assert!(keyring.open_provider_key(&binding, black_box(&sealed.0)).is_ok());
    });
    measure("seal a provider key of 164 bytes", || {
        assert!(keyring.seal_provider_key(&binding, &secret, &entropy).is_ok());
    });
}
