//! Cases about watches.

use std::thread;

use super::{Fixture, commit, commit_after, del, is_conflict, keys_read, put, value, wait};

/// A watch wakes for keys below its prefix, for deletions too, and for nothing else.
pub fn watches_wake_for_their_prefix_only<F: Fixture>() {
    let fixture = F::new();
    let engine = fixture.open();
    let mut own = engine.watch(b"b/");
    let mut all = engine.watch(b"");
    assert!(!own.is_changed() && !all.is_changed());
    let seen = engine.snapshot().unwrap().version();
    let other = commit(&*engine, [put("a", ""), put("b", ""), put("b0", ""), put("c", "")]);
    assert!(!own.is_changed(), "woken by neighbours");
    assert_eq!(wait(all.changed()).unwrap(), other);
    assert!(is_conflict(&commit_after(&*engine, seen, keys_read(&["a"]), [put("b/refused", "")])));
    assert!(!own.is_changed() && !all.is_changed(), "woken by what was refused");
    commit(&*engine, [put("a", ""), put("b/x", ""), put("c", "")]);
    let newest = commit(&*engine, [del("b/x")]);
    assert_eq!(wait(own.changed()).unwrap(), newest, "two commits, one wake-up");
    assert!(!own.is_changed());
    drop(engine);
    assert!(wait(own.changed()).is_err(), "a watch ends with its engine");
}

/// A watcher that reads after each wake-up comes to see the last write, however the commits fall.
pub fn watches_miss_nothing<F: Fixture>() {
    const WRITES: u8 = 60;
    let fixture = F::new();
    let engine = fixture.open();
    let mut watch = engine.watch(b"own/");
    thread::scope(|scope| {
        let writer = &engine;
        scope.spawn(move || {
            for number in 1..=WRITES {
                commit(&**writer, [put("other", [number])]);
                commit(&**writer, [put("own/key", [number])]);
            }
        });
        let mut seen = 0;
        while seen < WRITES {
            wait(watch.changed()).unwrap();
            let now = value(&*engine, "own/key").map_or(0, |value| value[0]);
            assert!(now >= seen);
            seen = now;
        }
    });
}
