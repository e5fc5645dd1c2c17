"""Bits that flip anywhere under `blobs/`: whoever reads gets the right bytes or an error, whole, by range, by copy, in parts and
under a customer's key; and a scrub names exactly the objects that can't be read.
"""

import os
import random
import re

import pytest

from crashing import SSE_C, Client, Gone, bytes_of, tags
from region import Region, welkin

BATCHES = max(3, int(os.environ.get("CRASH_CYCLES", "0")) // 10)
FLIPS = 12
BUCKET = "rot"
DATA = 4096 + 4096 * 32


@pytest.fixture
def region(tmp_path):
    """A region of its own, whose disk rots."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    region = Region(folder, "sim", "--dev", "--throttle", "off", "--log", "off")
    yield region.start()
    region.dispose()


def headers_of(key):
    return SSE_C if "customer" in key else {}


def put_objects(client):
    objects = {}
    for number in range(24):
        key = f"small/customer{number}" if number % 3 == 0 else f"small/{number}"
        objects[key] = bytes_of(key, 1 + number * 4000)
    for number, length in enumerate([131_073, 700_000, 1_500_000]):
        for key in (f"large/{number}", f"large/customer{number}"):
            objects[key] = bytes_of(key, length)
    for key, body in objects.items():
        client.sure("PUT", f"/{BUCKET}/{key}", body=body, headers=headers_of(key))
    # Parts that are files, and last ones in segments.
    for key in ("parts/plain", "parts/customer"):
        _, text = client.sure("POST", f"/{BUCKET}/{key}", {"uploads": ""}, headers=headers_of(key))
        [upload] = tags(text, "UploadId")
        parts = [bytes_of(f"{key}1", 5 << 20), bytes_of(f"{key}2", 5 << 20), bytes_of(f"{key}3", 50_000)]
        listed = ""
        for number, part in enumerate(parts, 1):
            query = {"partNumber": number, "uploadId": upload}
            answer, _ = client.sure("PUT", f"/{BUCKET}/{key}", query, part, headers_of(key))
            listed += f"<Part><PartNumber>{number}</PartNumber><ETag>{answer['ETag']}</ETag></Part>"
        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        client.sure("POST", f"/{BUCKET}/{key}", {"uploadId": upload}, body, headers_of(key))
        objects[key] = b"".join(parts)
    return objects


def choose(luck, folder):
    """A file and a bit of it: each kind of file is as likely as the others."""
    paths = sorted(path for path in folder.glob("??/*") if path.is_file())
    segments = [path for path in paths if path.name.endswith(".segment")]
    files = [path for path in paths if len(path.name) == 32]
    assert len(segments) + len(files) == len(paths) and segments and len(files) == 10
    kind = luck.choice(["table", "extents", "file", "file's end"])
    if kind in ("table", "extents"):
        path = luck.choice(segments)
        size = path.stat().st_size
        # The entries that are used, and some that are not.
        place = luck.randrange(4096, 4096 + 40 * 32) if kind == "table" else luck.randrange(DATA, size)
    else:
        path = luck.choice(files)
        size = path.stat().st_size
        place = luck.randrange(size) if kind == "file" else luck.choice([luck.randrange(32), size - luck.randint(1, 16)])
    return path, place, 1 << luck.randrange(8)


def flip(path, place, bit):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ bit]))


def seen(path, place, _bit):
    """What is around a place, and in which file: an entry of a table is as long, and begins where this does."""
    with open(path, "rb") as file:
        file.seek(place // 32 * 32)
        return os.fstat(file.fileno()).st_ino, file.read(32)


def read(address, key, headers=None):
    """The bytes, or none: the answer was InternalError, or broke off within the body."""
    client = Client(address)
    try:
        status, _, body = client.call("GET", f"/{BUCKET}/{key}", headers={**headers_of(key), **(headers or {})})
    except Gone:
        return None
    if status == 500:
        assert tags(body, "Code") == ["InternalError"], body
        return None
    assert status in (200, 206), f"{key}: {status} {body[:300]}"
    return body


def check_ranges(luck, address, key, body):
    """Ranges, some of them over the borders of parts and frames, are right or fail; gives whether one failed."""
    has_failed = False
    borders = [border for border in (65_536, 5 << 20, 10 << 20) if border < len(body)]
    starts = [max(0, border - luck.randint(1, 100)) for border in borders] + [luck.randrange(len(body)) for _ in range(2)]
    for start in starts:
        end = min(len(body), start + luck.randint(1, 200_000))
        got = read(address, key, {"Range": f"bytes={start}-{end - 1}"})
        assert got is None or got == body[start:end], f"{key}: wrong bytes from {start} to {end}"
        has_failed |= got is None
    return has_failed


def check_copies(client, address, key, body, is_damaged):
    """What is damaged is not copied, whole or as a part, and nothing is there of the copy."""
    if "customer" in key:
        return
    source = {"x-amz-copy-source": f"/{BUCKET}/{key}"}
    status, _, text = client.call("PUT", f"/{BUCKET}/copy", headers=source)
    has_failed = status == 500 or b"<Error>" in text
    assert has_failed == is_damaged and status in (200, 500), f"{key}: {status} {text[:300]}"
    status, _, got = client.call("GET", f"/{BUCKET}/copy")
    assert (status, got) == (200, body) if not is_damaged else status == 404, f"a copy of {key}: {status}"
    client.sure("DELETE", f"/{BUCKET}/copy")
    _, text = client.sure("POST", f"/{BUCKET}/copy", {"uploads": ""})
    query = {"partNumber": 1, "uploadId": tags(text, "UploadId")[0]}
    status, _, text = client.call("PUT", f"/{BUCKET}/copy", query, headers=source)
    assert (status == 500 or b"<Error>" in text) == is_damaged, f"a part of {key}: {status} {text[:300]}"
    _, text = client.sure("GET", f"/{BUCKET}/copy", {"uploadId": query["uploadId"]})
    assert len(tags(text, "PartNumber")) == int(not is_damaged)
    client.sure("DELETE", f"/{BUCKET}/copy", {"uploadId": query["uploadId"]})


def test_flipped_bits_are_errors_and_never_wrong_bytes_and_a_scrub_names_their_objects(region):
    seed = os.environ.get("CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
    print("CRASH_SEED", seed)
    luck = random.Random(seed)
    address = region.exports["AWS_ENDPOINT_URL"].removeprefix("http://")
    client = Client(address)
    client.sure("PUT", f"/{BUCKET}")
    objects = put_objects(client)
    total = 0
    for _ in range(BATCHES):
        flipped = [choose(luck, region.folder / "blobs") for _ in range(FLIPS)]
        for change in flipped:
            flip(*change)
        left = [seen(*change) for change in flipped]
        damaged = set()
        for key, body in objects.items():
            got = read(address, key)
            assert got is None or got == body, f"{key} has wrong bytes; {flipped}"
            if got is None:
                damaged.add(key)
            assert not check_ranges(luck, address, key, body) or got is None, f"a range of {key} fails, and not the whole"
        scrubbed = welkin("scrub", "--data-dir", region.folder)
        named = set(re.findall(r"^damaged: s3://rot/([^:]*): ", scrubbed.stdout, re.MULTILINE))
        # Parts of the copies that were given up are theirs until they are reclaimed.
        assert named - {"copy"} == damaged, f"{flipped}\n{scrubbed.stdout}"
        for key in sorted(damaged)[:4] + ["small/1"]:
            check_copies(client, address, key, objects[key], key in damaged)
        total += len(damaged)
        # What the region has written since, into an entry that was free, is as it should be.
        for change in [change for change, was in zip(flipped, left) if seen(*change) == was]:
            flip(*change)
    assert total > BATCHES, "most of what is flipped is somebody's"
    assert all(read(address, key) == body for key, body in objects.items())
    assert welkin("scrub", "--data-dir", region.folder).returncode == 0
