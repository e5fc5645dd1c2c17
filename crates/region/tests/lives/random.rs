//! Anything in any order: launches, terminations, reboots, dying machines, failing effects, killed processes. When all
//! is quiet, exactly what should live does.

use std::collections::BTreeSet;
use std::time::Duration;

use host::{MachineState, Machines};
use host_sim::CutPoint;

use crate::world::{Process, World, ids, machine};

/// How many sequences, and how long each is.
const CASES: u64 = 50;
const STEPS: u64 = 14;

/// A sequence of numbers. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn one_of(&mut self, set: &BTreeSet<String>) -> Option<String> {
        let count = u64::try_from(set.len()).unwrap().max(1);
        set.iter().nth(usize::try_from(self.below(count)).unwrap()).cloned()
    }
}

/// One step on a process that goes on. `live` are the instances that should be there in the end.
async fn step(process: &Process, dice: &mut Dice, live: &mut BTreeSet<String>) {
    process.faults.pause(dice.below(4) * dice.below(8));
    match dice.below(9) {
        0..3 if live.len() < 12 => {
            let count = i32::try_from(1 + dice.below(3)).unwrap();
            live.extend(ids(&process.launch(count).await));
        }
        0..5 => {
            if let Some(id) = dice.one_of(live) {
                process.terminate(std::slice::from_ref(&id)).await;
                live.remove(&id);
            }
        }
        5 => {
            if let Some(id) = dice.one_of(live) {
                // Refused if its machine has died and that is known already.
                let _ = process.reboot(&[id]).await;
            }
        }
        6 => {
            let seen = process.machines.list().await.unwrap();
            let running = seen.into_iter().filter(|seen| seen.state == MachineState::Running);
            if let Some(id) = dice.one_of(&running.map(|seen| seen.id.to_string()).collect()) {
                let by_guest = dice.below(2) == 0;
                if process.machines.die(&machine(&id), by_guest, "it was its time") {
                    live.remove(&id);
                }
            }
        }
        7 => process.faults.fail_nth(1 + dice.below(4)),
        _ => {
            let point = if dice.below(2) == 0 { CutPoint::Before } else { CutPoint::After };
            process.faults.cut_nth(1 + dice.below(4), point);
        }
    }
    // How far the work of this step gets before the next one.
    match dice.below(4) {
        0 => {}
        1 => tokio::time::advance(Duration::from_millis(dice.below(20_000))).await,
        _ => {
            for _ in 0..dice.below(60) {
                tokio::task::yield_now().await;
            }
        }
    }
}

fn live_through(seed: u64) {
    let mut dice = Dice(seed);
    let world = World::in_memory();
    let mut process = world.start();
    let mut live = BTreeSet::new();
    for _ in 0..STEPS {
        process.run(async |process| step(process, &mut dice, &mut live).await);
        match dice.below(8) {
            0 => {
                process.kill();
                process = world.start();
            }
            1 if !process.faults.is_cut() => {
                process.faults.heal();
                process.down();
                process = world.start();
            }
            _ => {}
        }
    }
    if process.faults.is_cut() {
        process.kill();
        process = world.start();
    }
    process.faults.heal();
    process.run(async |process| process.settle(&live).await);
    process.run(async |process| {
        if !live.is_empty() {
            process.terminate(&live.iter().cloned().collect::<Vec<_>>()).await;
        }
        process.settle(&BTreeSet::new()).await
    });
    process.kill();
}

#[test]
fn whatever_happens_exactly_what_should_live_does() {
    for seed in 0..CASES {
        let outcome = std::panic::catch_unwind(|| live_through(seed));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
