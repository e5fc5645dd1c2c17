"""Whatever dies, nothing that was promised is lost: the region's process, a guest's QEMU, a launch half done."""

import os
import signal

import pytest

import guests
from waiting import until

pytestmark = pytest.mark.guest


def test_a_guest_outlives_its_region(linux_region):
    region = linux_region
    guests.allow(region, 22)
    guest = guests.launch(region, guests.make_key(region))
    guest.wait_for_state("running")
    address, launched, boot = guest.address, guest.describe()["LaunchTime"], guest.boot_id()
    machines = region.machines()
    assert list(machines) == [guest.id] and len(machines[guest.id]) == 1

    def is_untouched():
        assert guest.ssh("cat /proc/sys/kernel/random/boot_id", address, within=30) == boot
        assert region.machines() == machines

    region.kill()
    is_untouched()
    region.start()
    assert guest.state() == "running" and guest.address == address and guest.describe()["LaunchTime"] == launched
    is_untouched()
    assert "welkin: ready" in guest.console()

    # Ctrl-C: the region drains and ends in order, its machines go on.
    assert region.stop(signal.SIGINT) == 0
    is_untouched()
    region.start()
    is_untouched()
    # Taken over for good: what is asked for now still happens.
    guests.revoke(region, 22)
    until(lambda: not guests.connects(address, 22, within=1), 20, "port 22 closes after a restart")

    # A machine that dies is noticed.
    os.kill(machines[guest.id][0], signal.SIGKILL)
    until(lambda: guest.state() in ("stopped", "terminated"), 30, "the death of QEMU is noticed")
    assert region.machines() == {}


def test_a_kill_during_launch_leaves_no_orphan(linux_region):
    region = linux_region
    key = guests.make_key(region)
    launched = []
    # With every round the process lives a little longer after the answer, and so dies in another step of the launch.
    for delay in (0, 30, 100, 250, 600):
        launched.append(guests.launch(region, key))
        try:
            region.process.wait(delay / 1000)
        except Exception:  # noqa: BLE001 - it lives, as it should
            pass
        region.kill()
        region.start()
    for guest in launched:
        guest.wait_for_state("running")
    ids = sorted(guest.id for guest in launched)
    # The self-test of KVM may have been cut too, and must end by itself.
    until(lambda: sorted(region.machines()) == ids, 20, "one machine for each instance, and nothing else")
    machines = region.machines()
    assert all(len(processes) == 1 for processes in machines.values()), machines

    # And a kill during terminate.
    region.client("ec2").terminate_instances(InstanceIds=[guest.id for guest in launched])
    region.kill()
    region.start()
    for guest in launched:
        guest.wait_for_state("terminated")
    until(lambda: region.machines() == {}, 30, "no machine is left")
    left = [entry.name for entry in (region.folder / "machines").iterdir() if "i-" in entry.name]
    assert left == []
