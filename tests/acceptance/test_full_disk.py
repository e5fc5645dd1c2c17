"""A disk without room: what writes is refused with what SDKs try again, what reads goes on, and room heals it."""

import os
import resource
import subprocess

import pytest
from botocore.exceptions import ClientError

from crashing import clock_ahead
from region import Region
from waiting import until


@pytest.fixture
def region(tmp_path):
    """A region of its own, whose room is about to end."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    region = Region(folder, "sim")
    yield region.start()
    region.dispose()


def limit_files(region, size):
    """The largest size of a file that the region may write: the part of a full disk that needs no disk of its own."""
    resource.prlimit(region.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def refused(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None


def test_without_room_writes_are_refused_reads_go_on_and_room_heals(region):
    ec2, s3 = region.client("ec2"), region.client("s3")
    s3.create_bucket(Bucket="full")
    s3.put_object(Bucket="full", Key="before", Body=b"x" * 200_000)
    ec2.create_key_pair(KeyName="before")
    log = region.folder / "store/store.db-wal"
    # The log must be larger than what small objects share, to be what is full first.
    while log.stat().st_size < 500_000:
        s3.create_bucket(Bucket="filler")
        s3.delete_bucket(Bucket="filler")
    # No file may grow beyond this: not a blob, and soon not the store's log.
    limit_files(region, log.stat().st_size + 50_000)
    large = (log.stat().st_size + 200_000) * b"y"
    assert refused(lambda: s3.put_object(Bucket="full", Key="large", Body=large)) == ("ServiceUnavailable", 503)
    kept = []
    for number in range(200):
        answer = refused(lambda: s3.put_object(Bucket="full", Key=f"k{number}", Body=b"z" * 1000))
        if answer:
            break
        kept.append(f"k{number}")
    assert answer == ("ServiceUnavailable", 503)
    assert refused(lambda: ec2.create_key_pair(KeyName="refused")) == ("Unavailable", 503)

    def is_sound():
        there = sorted(entry["Key"] for entry in s3.list_objects_v2(Bucket="full")["Contents"])
        assert there == sorted(["before", *kept])
        assert s3.get_object(Bucket="full", Key="before")["Body"].read() == b"x" * 200_000
        assert [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]] == ["before"]

    is_sound()
    said = region.log_file("log").read_text()
    assert said.count("the disk is full") >= 1 and "free space on this disk" in said
    shared = [path.stat().st_size for path in (region.folder / "blobs").glob("??/*.segment")]
    # The one whose commit was refused is garbage there, which goes when there is more of it.
    assert sum(shared) <= 4096 + 4096 * 32 + (len(kept) + 1) * 1056, "what was refused has left no bytes"
    assert len(list((region.folder / "blobs").glob("??/*"))) == len(shared) + 1

    limit_files(region, resource.RLIM_INFINITY)
    until(lambda: refused(lambda: s3.put_object(Bucket="full", Key="after", Body=b"a")) is None, 20, "writes succeed")
    kept.append("after")
    is_sound()
    region.kill()
    region.start()
    ec2, s3 = region.client("ec2"), region.client("s3")
    is_sound()


@pytest.fixture
def small_disk(tmp_path):
    """A region on a file system of its own, of 96 MiB."""
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root mounts file systems")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=700", "tmpfs", disk], check=True)
    (disk / "data").mkdir(mode=0o700)
    region = Region(disk / "data", "sim")
    # Its logs lie beside the folder, on the disk that is going to be full.
    region.log_file = lambda stream: tmp_path / f"region.{region.starts}.{stream}"
    try:
        yield region.start()
        region.dispose()
    finally:
        if region.process is not None:
            region.kill()
        subprocess.run(["umount", "-l", disk], check=True)


def test_on_a_disk_that_is_really_full_deletes_go_on_and_bring_room_back(small_disk):
    region, s3 = small_disk, small_disk.client("s3")
    s3.create_bucket(Bucket="full")
    bodies = {}

    def fill(prefix, size):
        for number in range(1000):
            key, body = f"{prefix}{number}", bytes([number % 251]) * size
            answer = refused(lambda key=key, body=body: s3.put_object(Bucket="full", Key=key, Body=body))
            if answer:
                return answer
            bodies[key] = body
        raise AssertionError("the disk is never full")

    assert fill("large", 4 << 20) == ("ServiceUnavailable", 503)
    assert fill("middle", 200_000) == ("ServiceUnavailable", 503)
    assert fill("small", 5_000) == ("ServiceUnavailable", 503)
    # A part and a copy find no room either.
    upload = refused(lambda: s3.copy_object(Bucket="full", Key="copy", CopySource="full/large0"))
    assert upload == ("ServiceUnavailable", 503)

    def is_sound():
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="full")
        there = {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}
        assert there == {key: len(body) for key, body in bodies.items()}
        for key in list(bodies)[::7]:
            assert s3.get_object(Bucket="full", Key=key)["Body"].read() == bodies[key]

    is_sound()
    # It is killed as full as it is, and comes back.
    region.kill()
    region.start()
    s3 = region.client("s3")
    is_sound()
    for key in [key for key in bodies if key.startswith("large")]:
        assert refused(lambda key=key: s3.delete_object(Bucket="full", Key=key)) is None, f"{key} can't be deleted"
        del bodies[key]
    is_sound()
    # The bytes go a minute after their names, and with them writes succeed.
    region.kill()
    region.environment = lambda: clock_ahead(120)
    region.start()
    s3 = region.client("s3")

    def has_room():
        return refused(lambda: s3.put_object(Bucket="full", Key="after", Body=b"a" * (4 << 20))) is None

    until(has_room, 60, "there is room again")
    bodies["after"] = b"a" * (4 << 20)
    is_sound()
