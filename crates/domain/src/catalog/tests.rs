//! What the built-in table must hold to.

use super::*;

#[test]
fn the_built_in_table_is_valid() {
    let catalogue = Catalogue::built_in().unwrap();
    assert!(catalogue.lookup(ProviderKind::Openai, "gpt-4o").is_some());
}
