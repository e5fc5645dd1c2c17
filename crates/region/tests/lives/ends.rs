//! How instances end, and how the region does.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use host_sim::{CutPoint, Faults};

use crate::world::{World, id, identities, ids, machine, state_of};

#[test]
fn an_instance_lives_and_leaves_nothing_and_its_address_is_given_out_again() {
    for world in [World::in_memory(), World::on_disk()] {
        let process = world.start();
        process.run(async |process| {
            let launched = process.launch(1).await.remove(0);
            let address = launched.private_ip_address.clone();
            process.settle(&BTreeSet::from([id(&launched)])).await;
            process.terminate(&[id(&launched)]).await;
            process.settle(&BTreeSet::new()).await;
            assert_eq!(process.counts(&id(&launched)), (0, 0), "nothing is known of its machine");

            let mut request = process.request().await;
            request.private_ip_address.clone_from(&address);
            request.subnet_id.clone_from(&launched.subnet_id);
            let again = api::ec2::Ec2Api::run_instances(&process.services.ec2, process.root(), request).await;
            let again = again.unwrap().instances.unwrap().remove(0);
            assert_eq!(again.private_ip_address, address);
            process.settle(&BTreeSet::from([id(&again)])).await;
        });
        process.kill();
    }
}

#[test]
fn an_instance_whose_machine_ends_by_itself_ends_for_aws_s_reason() {
    for (by_guest, reason) in [(true, "Client.InstanceInitiatedShutdown"), (false, "Server.InternalError")] {
        for dies_while_down in [false, true] {
            let world = World::in_memory();
            let before = world.start();
            let launched = before.run(async |process| {
                let launched = process.launch(2).await;
                process.settle(&ids(&launched)).await;
                launched
            });
            let (dying, other) = (id(&launched[0]), id(&launched[1]));
            let process = if dies_while_down {
                before.kill();
                assert!(world.host(&Faults::default()).0.die(&machine(&dying), by_guest, "test"));
                world.start()
            } else {
                assert!(before.machines.die(&machine(&dying), by_guest, "test"));
                before
            };
            process.run(async |process| {
                process.settle(&BTreeSet::from([other.clone()])).await;
                let ended = process.instances().await.remove(&dying).unwrap();
                assert_eq!(state_of(&ended), "terminated");
                assert_eq!(ended.state_reason.unwrap().code.as_deref(), Some(reason), "while down: {dies_while_down}");
            });
            process.kill();
        }
    }
}

#[test]
fn a_region_that_went_down_in_order_brings_its_instances_back_as_they_were() {
    for world in [World::in_memory(), World::on_disk()] {
        let before = world.start();
        let (launched, gone) = before.run(async |process| {
            let launched = process.launch(3).await;
            let gone = process.launch(1).await.remove(0);
            let mut all = ids(&launched);
            all.insert(id(&gone));
            process.settle(&all).await;
            (launched, id(&gone))
        });
        // One dies, one is terminated as the region goes down: neither may come back.
        assert!(before.machines.die(&machine(&gone), true, "test"));
        let leaving = id(&launched[0]);
        before.run(async |process| process.terminate(std::slice::from_ref(&leaving)).await);
        before.down();
        let (machines, networks) = world.host(&Faults::default());
        assert!(networks.is_empty(), "no network is left");
        assert!(launched.iter().all(|one| !machines.is_running(&machine(&id(one)))), "no machine runs");
        drop((machines, networks));

        let after = world.start();
        after.run(async |process| {
            let live = process.settle(&ids(&launched[1..])).await;
            assert_eq!(identities(live.values()), identities(&launched[1..]));
            assert!(launched[1..].iter().all(|one| process.counts(&id(one)) == (2, 0)), "each was started again");
        });
        after.kill();
    }
}

#[test]
fn a_killed_region_leaves_its_machines_running() {
    let world = World::on_disk();
    let before = world.start();
    let launched = before.run(async |process| {
        let launched = process.launch(2).await;
        process.settle(&ids(&launched)).await;
        launched
    });
    before.kill();
    let after = world.start();
    after.run(async |process| {
        let live = process.settle(&ids(&launched)).await;
        assert_eq!(identities(live.values()), identities(&launched));
        process.until("the agent has looked", async || process.reconcilers().await[0].activations > 1).await;
        assert!(launched.iter().all(|one| process.counts(&id(one)) == (1, 0)), "none was started again");
        assert_eq!(process.faults.effects(), 1, "nothing but the network was made sure of");
    });
    after.kill();
}

#[test]
fn a_start_prepares_every_table_and_a_later_one_writes_nothing() {
    let world = World::in_memory();
    let before = world.start();
    let version = before.run(async |process| {
        let launched = process.launch(1).await;
        process.settle(&ids(&launched)).await;
        let input = api::s3::CreateBucketRequest { bucket: "shapes".into(), ..Default::default() };
        api::s3::S3Api::create_bucket(&process.services.s3, process.root(), input).await.unwrap();
        let (used, prepared) = (process.tables("t"), process.tables("m"));
        assert!(used.len() > 8, "{used:?}");
        assert_eq!(used.difference(&prepared).collect::<Vec<_>>(), Vec::<&String>::new(), "of {prepared:?}");
        process.version()
    });
    before.kill();
    let after = world.start();
    after.run(async |process| {
        process.until("the agent has looked", async || process.reconcilers().await[0].activations > 1).await;
        assert_eq!(process.version(), version);
    });
    after.kill();
}

#[test]
fn a_node_that_fails_is_shown_to_the_operator_until_it_has_healed() {
    let world = World::in_memory();
    let process = world.start();
    process.run(async |process| {
        let trouble = async || {
            let statuses = process.reconcilers().await;
            statuses.into_iter().find(|status| status.name == "ec2 instances").unwrap().last_error
        };
        process.faults.cut_nth(1, CutPoint::Before);
        let launched = process.launch(1).await;
        let is_shown = async || trouble().await.is_some_and(|cause| cause.contains("apply network"));
        process.until("the trouble is shown", is_shown).await;
        assert_eq!(state_of(&process.instances().await[&id(&launched[0])]), "pending");
        process.faults.heal();
        process.settle(&ids(&launched)).await;
        process.until("the trouble is over", async || trouble().await.is_none()).await;
    });
    process.kill();
}

#[test]
fn an_instance_terminated_as_it_starts_is_not_terminated_before_its_machine_is_gone() {
    let world = World::in_memory();
    let process = world.start();
    process.run(async |process| {
        process.settle(&BTreeSet::new()).await;
        for pauses in 0..100_u64 {
            process.faults.pause(pauses % 5 * 10);
            let id = id(&process.launch(1).await[0]);
            for _ in 0..pauses {
                tokio::task::yield_now().await;
            }
            process.terminate(std::slice::from_ref(&id)).await;
            // No clock is waited for here: what is looked at is every moment, not the one when all is quiet.
            let begin = Instant::now();
            while state_of(&process.instances().await[&id]) != "terminated" {
                assert!(begin.elapsed() < Duration::from_secs(30), "it is terminated in the end");
                tokio::task::yield_now().await;
            }
            for _ in 0..400 {
                assert_eq!(process.machines.spec(&machine(&id)), None, "after {pauses} pauses");
                tokio::task::yield_now().await;
            }
        }
        process.settle(&BTreeSet::new()).await;
    });
    process.kill();
}
