//! What every store must do, as named claims that run on each of them.
//!
//! [`conformance!`](macro@crate::conformance) makes one test of every claim for one way to open a store, which is an async
//! function that answers the store and whatever must live as long as it does:
//!
//! ```text
//! async fn open() -> (Arc<dyn Store>, TempDir) { … }
//! freehold_testkit::conformance!(open);
//! ```

pub mod directory;
pub mod installation;
pub mod keys;
pub mod ledger;
pub mod random;
pub mod records;
pub mod sample;
pub mod settlement;
pub mod workspaces;

/// One test for each claim, on a store that `$open` makes for it alone.
#[macro_export]
macro_rules! conformance {
    ($open:path) => {
        $crate::conformance! { $open =>
            directory::plans_are_kept_by_name,
            directory::plans_are_listed_by_the_bytes_of_their_names,
            directory::the_directory_is_read_at_one_moment,
            directory::the_version_grows_with_every_change_and_with_nothing_else,
            installation::a_working_store_passes_its_check,
            installation::an_installation_changes_but_for_its_id_and_birth,
            installation::an_installation_is_founded_once,
            keys::a_changed_provider_key_is_as_given_but_for_its_origins,
            keys::a_key_is_deleted_by_its_own_workspace_only,
            keys::a_provider_key_changes_only_from_the_version_named,
            keys::a_provider_key_reads_back_as_it_was_kept,
            keys::a_provider_key_that_is_taken_or_has_no_home_is_refused,
            keys::a_virtual_key_reads_back_as_it_was_kept,
            keys::a_virtual_key_that_is_taken_or_has_no_home_is_refused,
            keys::keys_are_listed_per_workspace_newest_first,
            keys::notes_of_health_reach_the_version_they_are_about,
            keys::one_of_many_changes_from_one_version_holds,
            ledger::a_balance_without_credits_is_all_zero,
            ledger::a_grant_is_booked_once_under_one_key,
            ledger::a_grant_needs_a_workspace,
            ledger::a_grant_of_a_taken_id_is_refused,
            ledger::a_refused_reservation_says_whether_waiting_helps,
            ledger::a_request_reserves_once,
            ledger::a_request_that_reserves_anew_with_other_content_conflicts,
            ledger::grants_add_up,
            ledger::grants_under_one_key_at_once_give_once,
            ledger::nothing_is_reserved_from_nothing,
            ledger::parallel_reservations_cannot_overspend,
            random::random_operations_are_answered_as_the_oracle_does,
            records::a_filtered_list_has_full_pages,
            records::a_record_appended_twice_stays_as_it_was,
            records::a_record_is_seen_by_its_own_workspace_only,
            records::a_record_keeps_every_word_it_may_hold,
            records::a_record_of_hostile_content_is_kept,
            records::a_record_reads_back_as_it_was_kept,
            records::records_appended_at_once_are_all_there,
            records::records_are_filtered_by_every_part_of_a_filter,
            records::records_are_listed_newest_first_page_by_page,
            settlement::a_charge_above_its_reservation_is_booked_in_full,
            settlement::a_posted_reservation_charges_and_gives_back_the_rest,
            settlement::a_record_without_settlement_moves_nothing,
            settlement::a_request_is_settled_once,
            settlement::a_reservation_that_ran_out_is_given_back,
            settlement::a_settlement_after_expiry_is_booked_once,
            settlement::a_settlement_leaves_another_workspaces_reservation_alone,
            settlement::a_settlement_without_a_hold_charges_and_gives_nothing_back,
            settlement::a_voided_reservation_gives_everything_back,
            settlement::an_ended_reservation_is_not_made_anew,
            settlement::books_balance_after_a_crowd,
            settlement::settlements_of_one_request_at_once_charge_once,
            workspaces::a_change_of_a_missing_workspace_or_to_a_taken_name_is_refused,
            workspaces::a_changed_workspace_is_as_given_but_for_its_birth,
            workspaces::a_data_key_is_rewrapped_only_from_the_generation_named,
            workspaces::a_deleted_workspace_takes_its_keys_and_leaves_its_books,
            workspaces::a_page_limit_of_nothing_gives_one_item,
            workspaces::a_workspace_of_a_taken_id_or_name_is_refused_whole,
            workspaces::a_workspace_reads_back_as_it_was_kept,
            workspaces::data_keys_of_every_version_are_kept,
            workspaces::the_platforms_workspace_is_only_a_home_for_keys,
            workspaces::workspaces_are_listed_newest_first_page_by_page,
        }
    };
    ($open:path => $($module:ident::$claim:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $claim() {
                let (store, _kept_alive) = $open().await;
                $crate::conformance::$module::$claim(store).await;
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use freehold_domain::port::Store;

    use crate::memory::MemoryStore;

    async fn open() -> (Arc<dyn Store>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }

    crate::conformance!(open);

    #[test]
    fn every_claim_is_in_the_list() {
        let list = include_str!("mod.rs");
        let files = [
            ("directory", include_str!("directory.rs")),
            ("installation", include_str!("installation.rs")),
            ("keys", include_str!("keys.rs")),
            ("ledger", include_str!("ledger.rs")),
            ("random", include_str!("random.rs")),
            ("records", include_str!("records.rs")),
            ("settlement", include_str!("settlement.rs")),
            ("workspaces", include_str!("workspaces.rs")),
        ];
        let mut claims = 0;
        for (module, text) in files {
            for line in text.lines() {
                let Some(rest) = line.strip_prefix("pub async fn ") else {
                    continue;
                };
                if let Some((claim, "store: Arc<dyn Store>) {")) = rest.split_once('(') {
                    claims += 1;
                    assert!(
                        list.contains(&format!(" {module}::{claim},")),
                        "{module}::{claim}"
                    );
                }
            }
        }
        assert!(claims > 50, "only {claims} claims were found");
    }
}
