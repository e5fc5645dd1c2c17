//! The cases every engine must pass. An engine's tests implement [`Fixture`] and call
//! [`conformance_suite!`](crate::conformance_suite) with it.
//! Not here: what only some engines promise, such as surviving `kill -9`; but [`killed`] is what the tests of that share.
#![allow(clippy::unwrap_used, reason = "a case fails by panicking")]

mod concurrency;
mod edges;
mod golden;
pub mod killed;
mod model;
mod reading;
mod watching;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use concurrency::{
    a_conflict_leaves_nothing, a_read_of_nothing_conflicts_with_its_making, blind_writes_never_conflict,
    concurrent_counters_reach_the_exact_sum, lost_updates_are_refused, phantoms_are_refused,
    snapshots_see_all_that_was_acknowledged, unread_neighbours_dont_conflict, write_skew_is_refused,
};
pub use edges::{
    phantoms_do_not_appear_in_a_snapshot, read_skew_is_not_seen, sixty_four_writers_lose_nothing,
    the_largest_things_are_kept, what_was_read_long_ago_is_still_checked,
};
pub use golden::check_shapes;
pub use model::random_operations_match_the_model;
pub use reading::{
    empty_and_large_values, get_put_delete, prefixes_end_where_they_should, scans_go_both_ways_with_limits,
    snapshots_are_isolated, the_last_write_of_a_key_holds, too_large_is_refused,
    what_was_committed_is_there_after_reopening,
};
pub use watching::{watches_miss_nothing, watches_wake_for_their_prefix_only};

use crate::engine::{Engine, Transaction, Version, Write};
use crate::error::CommitError;
use crate::range::ReadSet;

/// Makes engines for the suite.
pub trait Fixture {
    /// Whether an engine opened again holds what the one before it held.
    const KEEPS: bool;

    /// A place with nothing in it.
    fn new() -> Self;

    /// Opens the engine at this place. The one before has been dropped.
    fn open(&self) -> Arc<dyn Engine>;
}

/// Expands to one test for each case, run against the given [`Fixture`](crate::conformance::Fixture).
#[macro_export]
macro_rules! conformance_suite {
    ($fixture:ty) => {
        $crate::conformance_suite!(
            $fixture;
            a_conflict_leaves_nothing,
            a_read_of_nothing_conflicts_with_its_making,
            blind_writes_never_conflict,
            concurrent_counters_reach_the_exact_sum,
            empty_and_large_values,
            get_put_delete,
            lost_updates_are_refused,
            phantoms_are_refused,
            phantoms_do_not_appear_in_a_snapshot,
            prefixes_end_where_they_should,
            random_operations_match_the_model,
            read_skew_is_not_seen,
            scans_go_both_ways_with_limits,
            sixty_four_writers_lose_nothing,
            snapshots_are_isolated,
            snapshots_see_all_that_was_acknowledged,
            the_largest_things_are_kept,
            the_last_write_of_a_key_holds,
            too_large_is_refused,
            unread_neighbours_dont_conflict,
            watches_miss_nothing,
            watches_wake_for_their_prefix_only,
            what_was_committed_is_there_after_reopening,
            what_was_read_long_ago_is_still_checked,
            write_skew_is_refused,
        );
    };
    ($fixture:ty; $($case:ident),+ $(,)?) => {
        $(#[test]
        fn $case() {
            $crate::conformance::$case::<$fixture>();
        })+
    };
}

/// A write of a value.
pub fn put(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Write {
    (key.as_ref().to_vec(), Some(value.as_ref().to_vec()))
}

/// A deletion.
pub fn del(key: impl AsRef<[u8]>) -> Write {
    (key.as_ref().to_vec(), None)
}

/// Waits for a future on this thread, no longer than a minute.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await })
        .expect("it happens within a minute")
}

/// Commits writes that depend on nothing read.
pub fn commit(engine: &dyn Engine, writes: impl Into<Vec<Write>>) -> Version {
    let transaction = Transaction { snapshot: 0, reads: ReadSet::new(), writes: writes.into() };
    wait(engine.commit(transaction)).expect("a commit without reads succeeds")
}

/// Commits writes that depend on what was read at `snapshot`.
pub fn commit_after(
    engine: &dyn Engine,
    snapshot: Version,
    reads: ReadSet,
    writes: impl Into<Vec<Write>>,
) -> Result<Version, CommitError> {
    wait(engine.commit(Transaction { snapshot, reads, writes: writes.into() }))
}

/// The value of a key as of now.
pub fn value(engine: &dyn Engine, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    engine.snapshot().expect("a snapshot opens").get(key.as_ref()).expect("a key reads")
}

fn keys_read(keys: &[&str]) -> ReadSet {
    let mut reads = ReadSet::new();
    for key in keys {
        reads.add_key(key.as_bytes());
    }
    reads
}

fn is_conflict(outcome: &Result<Version, CommitError>) -> bool {
    matches!(outcome, Err(CommitError::Conflict))
}
