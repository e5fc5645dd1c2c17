"""What a guest and its neighbours can reach: security groups, addresses, the metadata service."""

import subprocess

import pytest

import guests
from waiting import until

pytestmark = pytest.mark.guest


def test_a_security_group_filters(lab, guest):
    assert not guests.connects(guest.address, 22), "the default group lets nobody in from outside"

    guests.allow(lab, 22)
    until(lambda: guests.connects(guest.address, 22), 20, "port 22 opens")
    assert guest.ssh("id -un") == "ec2-user"

    # A session that is open stays open when its rule goes, as in AWS; a new one is refused.
    session = subprocess.Popen(
        [*guest.ssh_command(guest.address), "echo in; cat"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert session.stdout.readline() == "in\n"
        guests.revoke(lab, 22)
        until(lambda: not guests.connects(guest.address, 22, within=1), 20, "port 22 closes")
        out, _ = session.communicate("still here\n", timeout=30)
        assert out == "still here\n"
    finally:
        session.kill()
        session.wait()
        guests.allow(lab, 22)
    until(lambda: guests.connects(guest.address, 22), 20, "port 22 opens again")


def test_the_guest_has_the_addresses_that_the_api_shows(guest):
    seen = guest.describe()
    assert f"inet {seen['PrivateIpAddress']}/" in guest.ssh("ip -4 addr show dev eth0")
    assert guest.ssh("hostname") == seen["PrivateDnsName"].split(".")[0]
    assert guest.ssh("sudo imds meta-data/public-ipv4") == seen["PublicIpAddress"]
    assert guest.ssh("sudo imds meta-data/local-ipv4") == seen["PrivateIpAddress"]


def metadata(guest, method, path, *headers):
    """One exchange with the metadata service, out of the guest: status and body."""
    lines = [f"{method} /latest/{path} HTTP/1.0", "Host: 169.254.169.254", "Connection: close", *headers, "", ""]
    request = "\\r\\n".join(lines)
    # The input stays open until the answer is there.
    answer = guest.ssh(f"(printf '{request}'; usleep 1500000) | nc 169.254.169.254 80").replace("\r", "")
    head, _, body = answer.partition("\n\n")
    return int(head.split()[1]), body


def test_the_metadata_service_speaks_version_1(guest):
    assert metadata(guest, "GET", "meta-data/instance-id") == (200, guest.id)
    assert metadata(guest, "GET", "meta-data/no-such-leaf")[0] == 404


def test_the_metadata_service_speaks_version_2(guest):
    status, token = metadata(guest, "PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60")
    assert status == 200 and len(token) > 20
    with_token = metadata(guest, "GET", "meta-data/instance-id", f"X-aws-ec2-metadata-token: {token}")
    assert with_token == (200, guest.id)
    assert metadata(guest, "GET", "meta-data/instance-id", "X-aws-ec2-metadata-token: forged")[0] == 401
    assert metadata(guest, "PUT", "api/token")[0] == 400


def test_a_reboot_is_a_new_boot_of_the_same_machine(lab, guest):
    address, before = guest.address, guest.boot_id()
    lab.client("ec2").reboot_instances(InstanceIds=[guest.id])

    def is_new():
        found = guest.ssh_once("cat /proc/sys/kernel/random/boot_id", address)
        return found.returncode == 0 and found.stdout.strip() != before

    until(is_new, guests.BOOT_LIMIT, "another boot")
    assert guest.address == address and guest.state() == "running"
