//! A process cut off at each of its effects on the host, one after the other.

use std::collections::BTreeSet;

use host_sim::CutPoint;

use crate::world::{World, identities, ids};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Launch,
    Terminate,
    Reboot,
}

/// Cuts the process off at the n-th effect of `act` on so many instances, and has a new one take over. False if there
/// was nothing to cut any more.
fn take_over(world: &World, act: Act, count: i32, nth: u64, point: CutPoint) -> bool {
    let before = world.start();
    let (launched, was_cut) = before.run(async |process| {
        if act == Act::Launch {
            process.faults.cut_nth(nth, point);
        }
        let launched = process.launch(count).await;
        let all = ids(&launched);
        let named: Vec<String> = all.iter().cloned().collect();
        match act {
            Act::Launch => {}
            Act::Terminate => {
                process.settle(&all).await;
                process.faults.cut_nth(nth, point);
                process.terminate(&named).await;
            }
            Act::Reboot => {
                process.settle(&all).await;
                process.faults.cut_nth(nth, point);
                process.reboot(&named).await.unwrap();
            }
        }
        let is_done = async || match act {
            Act::Launch => process.instances().await.values().all(|one| one.state_reason.is_none()),
            Act::Terminate => process.networks.is_empty(),
            Act::Reboot => all.iter().all(|id| process.counts(id).1 == 1),
        };
        process.until("the work is cut or done", async || process.faults.is_cut() || is_done().await).await;
        (launched, process.faults.is_cut())
    });
    before.kill();

    let after = world.start();
    after.run(async |process| {
        let expected = if act == Act::Terminate { BTreeSet::new() } else { ids(&launched) };
        let context = format!("{act:?} of {count}, cut {point:?} effect {nth}");
        let live = process.settle(&expected).await;
        if act == Act::Reboot {
            let all = ids(&launched);
            process.until("the reboot", async || all.iter().all(|id| process.counts(id).1 == 1)).await;
        }
        if act != Act::Terminate {
            assert_eq!(identities(live.values()), identities(&launched), "{context}");
            let counts = if act == Act::Reboot { (1, 1) } else { (1, 0) };
            assert!(expected.iter().all(|id| process.counts(id) == counts), "{context}");
        }
    });
    after.kill();
    was_cut
}

fn cut_everywhere(world: impl Fn() -> World, act: Act, count: i32, least: u64) {
    for point in [CutPoint::Before, CutPoint::After] {
        let mut nth = 1;
        while take_over(&world(), act, count, nth, point) {
            nth += 1;
            assert!(nth < 100, "the work ends");
        }
        assert!(nth > least, "{act:?}: cut at only {} effects, of {least}", nth - 1);
    }
}

#[test]
fn a_launch_cut_off_anywhere_is_completed_by_the_next_process() {
    // The network, the machine's files, the machine's start.
    cut_everywhere(World::in_memory, Act::Launch, 1, 3);
    cut_everywhere(World::in_memory, Act::Launch, 2, 5);
}

#[test]
fn a_launch_cut_off_anywhere_is_completed_by_the_next_process_from_the_disk() {
    cut_everywhere(World::on_disk, Act::Launch, 1, 3);
}

#[test]
fn a_termination_cut_off_anywhere_is_completed_by_the_next_process() {
    // Stop, remove, and the network.
    cut_everywhere(World::in_memory, Act::Terminate, 1, 3);
    cut_everywhere(World::in_memory, Act::Terminate, 2, 5);
}

#[test]
fn a_reboot_cut_off_anywhere_happens_once() {
    cut_everywhere(World::in_memory, Act::Reboot, 1, 1);
    cut_everywhere(World::in_memory, Act::Reboot, 2, 2);
}
