"""A backup of a region at work, and the region that is made of it."""

import hashlib
import os
import pathlib
import stat
import threading

import pytest
from botocore.exceptions import ClientError

from region import Region, welkin
from waiting import until


@pytest.fixture
def region(tmp_path):
    """A region of its own, as every test here ends it."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    region = Region(folder, "sim")
    yield region.start()
    region.dispose()


CREATED = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateKeyPair"}]}


class Writers:
    """Clients that go on writing, and remember what was acknowledged and when."""

    def __init__(self, region, count):
        self.stopping = threading.Event()
        self.acknowledged = []
        self.failures = []
        self.threads = [threading.Thread(target=self.write, args=(region, number)) for number in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def write(self, region, writer):
        s3, number = region.client("s3"), 0
        try:
            while not self.stopping.is_set():
                key = f"{writer}/{number}"
                s3.put_object(Bucket="busy", Key=key, Body=key.encode() * 1000)
                # Its bytes become garbage while a backup may be reading them.
                s3.put_object(Bucket="busy", Key=f"{writer}/last", Body=key.encode() * 1000)
                self.acknowledged.append(key)
                number += 1
        except ClientError as error:
            self.failures.append(error)


def restored(region, backup, folder):
    done = welkin("restore", backup, "--data-dir", folder)
    assert done.returncode == 0, done.stderr
    return Region(folder, "sim")


def test_a_backup_while_calls_run_comes_back_as_the_same_region(region, tmp_path):
    ec2, s3 = region.client("ec2"), region.client("s3")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    launched = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2, InstanceType="t3.micro")["Instances"]
    ids = sorted(instance["InstanceId"] for instance in launched)
    key = ec2.create_key_pair(KeyName="mine")
    s3.create_bucket(Bucket="busy")
    s3.create_bucket(Bucket="kept")
    body = os.urandom(3_000_000)
    s3.put_object(Bucket="kept", Key="large", Body=body, Metadata={"colour": "blue"})
    backup = tmp_path / "region.backup"
    with Writers(region, 4) as writers:
        until(lambda: len(writers.acknowledged) > 20, 60, "the writers write")
        before = list(writers.acknowledged)
        done = welkin("backup", backup, "--data-dir", region.folder)
        assert done.returncode == 0, done.stderr
        until(lambda: len(writers.acknowledged) > len(before) + 20, 60, "the writers go on")
    assert writers.failures == []
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if ".part" in path.name] == []
    # What comes later is not in it, and what is in it outlives its source.
    s3.put_object(Bucket="kept", Key="too late", Body=b"")
    created = region.client("cloudtrail").lookup_events(**CREATED)["Events"]
    assert len(created) == 1
    exports, tag = region.exports, region.tag
    region.dispose()

    copy = restored(region, backup, tmp_path / "copy")
    try:
        copy.start()
        same = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
        assert {name: copy.exports[name] for name in same} == {name: exports[name] for name in same}
        assert copy.tag != tag, "its kernel objects have other names than those of the region it is of"
        identity = copy.aws("sts", "get-caller-identity", "--query", "Account", "--output", "text")
        assert identity.strip() == copy.account
        ec2, s3 = copy.client("ec2"), copy.client("s3")
        found = [one for entry in ec2.describe_instances()["Reservations"] for one in entry["Instances"]]
        assert sorted(instance["InstanceId"] for instance in found) == ids
        addresses = {instance["InstanceId"]: instance["PrivateIpAddress"] for instance in launched}
        assert {one["InstanceId"]: one["PrivateIpAddress"] for one in found} == addresses
        assert ec2.describe_key_pairs()["KeyPairs"][0]["KeyFingerprint"] == key["KeyFingerprint"]
        got = s3.get_object(Bucket="kept", Key="large")
        assert got["Body"].read() == body and got["Metadata"] == {"colour": "blue"}
        assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["large"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="busy")
        there = {entry["Key"]: entry for page in pages for entry in page.get("Contents", [])}
        assert set(before) <= set(there), "acknowledged before the backup began"
        for name, entry in there.items():
            read = s3.get_object(Bucket="busy", Key=name)["Body"].read()
            assert entry["ETag"] == f'"{hashlib.md5(read).hexdigest()}"' and len(read) == entry["Size"]
            assert name.endswith("/last") or read == name.encode() * 1000
        # Who did what is the account's history, and not the machine's.
        assert copy.client("cloudtrail").lookup_events(**CREATED)["Events"] == created
        s3.put_object(Bucket="kept", Key="new", Body=b"it goes on")
        assert s3.get_object(Bucket="kept", Key="new")["Body"].read() == b"it goes on"
    finally:
        copy.dispose()


def test_a_stopped_region_is_backed_up_too(region, tmp_path):
    region.client("s3").create_bucket(Bucket="quiet")
    region.client("s3").put_object(Bucket="quiet", Key="k", Body=b"v")
    running, stopped = tmp_path / "running", tmp_path / "stopped"
    assert welkin("backup", running, "--data-dir", region.folder).returncode == 0
    region.stop()
    assert welkin("backup", stopped, "--data-dir", region.folder).returncode == 0
    for number, backup in enumerate([running, stopped]):
        copy = restored(region, backup, tmp_path / f"copy{number}")
        try:
            copy.start()
            assert copy.client("s3").get_object(Bucket="quiet", Key="k")["Body"].read() == b"v"
        finally:
            copy.dispose()


def test_what_is_no_good_backup_or_no_empty_folder_is_refused_and_leaves_nothing(region, tmp_path):
    region.client("s3").create_bucket(Bucket="bbb")
    region.client("s3").put_object(Bucket="bbb", Key="k", Body=b"v" * 300_000)
    good = tmp_path / "good"
    assert welkin("backup", good, "--data-dir", region.folder).returncode == 0
    there = welkin("backup", good, "--data-dir", region.folder)
    assert there.returncode == 1 and "--replace" in there.stderr
    assert welkin("backup", good, "--replace", "--data-dir", region.folder).returncode == 0
    whole = good.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    cases = {
        "cut off": whole[: len(whole) // 2],
        "damaged at byte": bytes(flipped),
        "not a backup": b"PK" + whole,
        "later one": whole[:14] + b"\x09\x00" + whole[16:],
    }
    for said, content in cases.items():
        bad = tmp_path / "bad"
        bad.write_bytes(content)
        for arguments in (["--check"], ["--data-dir", tmp_path / "new"]):
            done = welkin("restore", bad, *arguments)
            assert done.returncode == 1 and said in done.stderr and str(bad) in done.stderr, done.stderr
            assert "panicked" not in done.stderr
    assert not (tmp_path / "new").exists()
    used = welkin("restore", good, "--data-dir", region.folder)
    assert used.returncode == 1 and "in use" in used.stderr
    assert [path.name for path in tmp_path.iterdir() if "restoring" in path.name or ".part" in path.name] == []
    empty = tmp_path / "empty"
    empty.mkdir()
    assert welkin("restore", good, "--data-dir", empty).returncode == 0
    assert welkin("restore", good, "--check").returncode == 0


def test_facts_move_to_another_engine_and_the_region_goes_on(region, tmp_path):
    region.client("s3").create_bucket(Bucket="moves")
    busy = welkin("store", "convert", "--from", region.folder, "--to", tmp_path / "other")
    assert busy.returncode == 1 and "stop the region first" in busy.stderr
    region.stop()
    done = welkin("store", "convert", "--from", region.folder, "--to", tmp_path / "other")
    assert done.returncode == 0, done.stderr
    again = welkin("store", "convert", "--from", region.folder, "--to", tmp_path / "other")
    assert again.returncode == 1 and "not empty" in again.stderr
    (region.folder / "store").rename(tmp_path / "old store")
    (tmp_path / "other/store").rename(region.folder / "store")
    region.start()
    assert [bucket["Name"] for bucket in region.client("s3").list_buckets()["Buckets"]] == ["moves"]


GOLDEN = sorted((pathlib.Path(__file__).parents[1] / "golden").glob("region.v*.backup"))


@pytest.mark.parametrize("backup", GOLDEN, ids=lambda path: path.name)
def test_the_region_of_a_past_version_comes_back(backup, tmp_path):
    done = welkin("restore", backup, "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    region = Region(tmp_path / "data", "sim")
    try:
        region.start()
        ec2, s3 = region.client("ec2"), region.client("s3")
        found = [one for entry in ec2.describe_instances()["Reservations"] for one in entry["Instances"]]
        assert [one["Tags"] for one in found] == [[{"Key": "Name", "Value": "golden"}]]
        until(lambda: ec2.describe_instances()["Reservations"][0]["Instances"][0]["State"]["Name"] == "running", 20, "it runs")
        assert [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]] == ["golden"]
        got = s3.get_object(Bucket="golden", Key="a/b")
        assert got["Body"].read() == b"0123456789" * 100 and got["Metadata"] == {"colour": "blue"}
        assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="golden")["Contents"]] == ["a/b", "empty"]
        assert region.client("sts").get_caller_identity()["Account"] == region.account
    finally:
        region.dispose()
