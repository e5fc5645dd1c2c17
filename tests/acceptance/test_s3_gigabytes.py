"""An object of many parts that are copied from one: its length, and ranges over the borders of parts. Some sixty megabytes, or as
many GiB as `SOAK_GIB` says (`make soak`: more than a number of 32 bits holds, which takes as much room on disk).
"""

import hashlib
import os
import random
import shutil

import pytest

from crashing import Client, bytes_of, tags
from region import Region

GIB = float(os.environ.get("SOAK_GIB", "0"))
PART = 128 << 20 if GIB else 5 << 20
PARTS = max(12, int(GIB * 8) + 1)
BUCKET = "gigabytes"


@pytest.fixture
def region(tmp_path):
    """A region of its own, whose folder is large."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    region = Region(folder, "sim", "--dev", "--throttle", "off", "--log", "off")
    yield region.start()
    region.dispose()
    shutil.rmtree(folder, ignore_errors=True)


def test_an_object_of_many_copied_parts_has_its_length_and_its_ranges(region):
    address = region.exports["AWS_ENDPOINT_URL"].removeprefix("http://")
    client = Client(address)
    client.connection.timeout = 600
    client.sure("PUT", f"/{BUCKET}")
    source = bytes_of("source", PART)
    client.sure("PUT", f"/{BUCKET}/source", body=source)
    _, text = client.sure("POST", f"/{BUCKET}/large", {"uploads": ""})
    [upload] = tags(text, "UploadId")
    listed = ""
    # Each part but the last begins a little later in the source, so that no two are alike.
    lengths = [PART - number for number in range(PARTS - 1)] if PART > 5 << 20 else [PART] * (PARTS - 1)
    offsets = [PART - length for length in lengths] + [7]
    lengths.append(1_000_003)
    for number, (offset, length) in enumerate(zip(offsets, lengths, strict=True), 1):
        headers = {
            "x-amz-copy-source": f"/{BUCKET}/source",
            "x-amz-copy-source-range": f"bytes={offset}-{offset + length - 1}",
        }
        _, text = client.sure("PUT", f"/{BUCKET}/large", {"partNumber": number, "uploadId": upload}, headers=headers)
        [etag] = tags(text, "ETag")
        assert etag.replace("&quot;", "") == hashlib.md5(source[offset : offset + length]).hexdigest()
        listed += f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
    body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
    client.sure("POST", f"/{BUCKET}/large", {"uploadId": upload}, body)

    total = sum(lengths)
    assert not GIB or total > min(GIB, 4) * (1 << 30)
    headers, _ = client.sure("HEAD", f"/{BUCKET}/large")
    assert int(headers["Content-Length"]) == total and headers["ETag"].endswith(f'-{PARTS}"')
    _, text = client.sure("GET", f"/{BUCKET}", {"list-type": 2, "prefix": "large"})
    assert tags(text, "Size") == [str(total)]

    starts = [sum(lengths[:index]) for index in range(PARTS)]

    def expected(start, end):
        found = b""
        for begin, offset, length in zip(starts, offsets, lengths, strict=True):
            low, high = max(start, begin), min(end, begin + length)
            if low < high:
                found += source[offset + low - begin : offset + high - begin]
        return found

    luck = random.Random(5)
    ranges = [(0, 1), (total - 1, total), (total - 2_000_000, total)]
    ranges += [(border - luck.randint(1, 5_000), border + luck.randint(1, 5_000)) for border in starts[1:]]
    ranges += [(starts[3] - 1, starts[4] + 1), ((1 << 32) - 10, (1 << 32) + 10)]
    for start, end in ranges:
        if end > total:
            continue
        asked = {"Range": f"bytes={start}-{end - 1}"}
        headers, body = client.sure("GET", f"/{BUCKET}/large", headers=asked, wanted=(206,))
        assert headers["Content-Range"] == f"bytes {start}-{end - 1}/{total}"
        assert body == expected(start, end), f"from {start} to {end}"
    status, headers, _ = client.call("GET", f"/{BUCKET}/large", headers={"Range": f"bytes={total}-"})
    assert status == 416
    headers, body = client.sure("GET", f"/{BUCKET}/large", {"partNumber": PARTS}, wanted=(206,))
    assert body == expected(starts[-1], total)
