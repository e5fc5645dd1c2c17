"""Bytes that rot on the disk: reading answers an error and never wrong bytes, a scrub finds whose they are, `du` and
`doctor` tell of space."""

import json
import random

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from region import Region, welkin


@pytest.fixture
def region(tmp_path):
    """A region of its own, whose disk rots."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    region = Region(folder, "sim")
    yield region.start()
    region.dispose()


def flip(path, position):
    with open(path, "r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 16]))


def read(s3, key):
    """What comes of reading an object: its bytes, or none if that fails at any point."""
    try:
        return s3.get_object(Bucket="rot", Key=key)["Body"].read()
    except (ClientError, BotoCoreError):
        return None


def run(region, *arguments):
    return welkin(*arguments, "--data-dir", region.folder)


def test_rot_is_an_error_and_never_wrong_bytes_and_a_scrub_says_whose_it_is(region):
    s3 = region.client("s3")
    s3.create_bucket(Bucket="rot")
    objects = {f"small/{number}": random.Random(number).randbytes(3000) for number in range(40)}
    objects["large"] = random.Random(99).randbytes(1_500_000)
    for key, body in objects.items():
        s3.put_object(Bucket="rot", Key=key, Body=body)
    sound = run(region, "scrub")
    assert sound.returncode == 0 and "0 damaged" in sound.stdout, sound

    blobs = region.folder / "blobs"
    [segment] = blobs.glob("??/*.segment")
    [large] = [path for path in blobs.glob("??/*") if len(path.name) == 32]
    flip(large, 1_234_567)
    # One within an object's bytes, one within the table.
    flip(segment, 4096 + 4096 * 32 + 3056 * 5 + 500)
    flip(segment, 4096 + 32 * 7 + 5)
    outcomes = {key: read(s3, key) for key in objects}
    failed = {key for key, body in outcomes.items() if body is None}
    assert failed == {"large", "small/5", "small/7"}
    assert all(body == objects[key] for key, body in outcomes.items() if body is not None)

    found = run(region, "scrub")
    assert found.returncode == 1, found
    for key in failed:
        assert f"damaged: s3://rot/{key}: " in found.stdout, found.stdout
    assert found.stdout.count("damaged: s3:") == 3
    doctor = run(region, "doctor").stdout
    assert "welkin scrub --found" in doctor and "rot: 41 objects" in doctor, doctor

    # It is remembered, and found again by a region that does not run.
    region.stop()
    again = run(region, "scrub", "--found", "--json")
    assert again.returncode == 1 and len(json.loads(again.stdout)["damaged"]) == 3
    region.start()
    s3 = region.client("s3")
    for key in failed:
        s3.put_object(Bucket="rot", Key=key, Body=objects[key])
    assert all(read(s3, key) == body for key, body in objects.items())


def test_du_counts_what_buckets_and_disks_have_and_space_comes_back(region):
    s3 = region.client("s3")
    for bucket in ("empty", "full"):
        s3.create_bucket(Bucket=bucket)
    for number in range(30):
        s3.put_object(Bucket="full", Key=f"{number}", Body=b"x" * 100_000)
    s3.put_object(Bucket="full", Key="large", Body=b"y" * 1_000_000)

    def usage():
        told = run(region, "du", "--json")
        assert told.returncode == 0, told
        return json.loads(told.stdout)

    told = usage()
    buckets = {bucket["bucket"]: bucket for bucket in told["buckets"]}
    assert (buckets["empty"]["objects"], buckets["full"]["objects"], buckets["full"]["bytes"]) == (0, 31, 4_000_000)
    [disk] = told["disks"]
    assert (disk["files"], disk["small_blobs"], disk["segments"]) == (1, 30, 1)
    assert 3_000_000 < disk["small_bytes"] < 3_010_000 and disk["free_bytes"] > 0
    assert "full" in run(region, "du").stdout
    lines = [line for line in run(region, "doctor").stdout.splitlines() if " objects " in line or " bucket " in line]
    assert len(lines) == 3 and "full: 31 objects, 4.0 MB in all" in lines[1], lines
    region.stop()
    assert usage()["buckets"] == told["buckets"]
    # A region that doesn't run is looked at.
    stopped = [line for line in run(region, "doctor").stdout.splitlines() if " objects " in line or " bucket " in line]
    assert stopped[1:] == lines[1:] and "1 large blobs with 1.0 MB; 30 small ones" in stopped[0], stopped
    region.start()
