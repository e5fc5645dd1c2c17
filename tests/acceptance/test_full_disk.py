"""A disk without room: what writes is refused with what SDKs try again, what reads goes on, and room heals it."""

import resource

import pytest
from botocore.exceptions import ClientError

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
