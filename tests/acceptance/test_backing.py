"""A region that keeps its objects' bytes in a bucket of another region."""

import hashlib
import random

import pytest

from region import Region, welkin


@pytest.fixture
def regions(tmp_path):
    """The region that has the bucket, and how to make others that use it."""
    made = []

    def make(name, *arguments):
        folder = tmp_path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        made.append(Region(folder, "sim", *arguments))
        return made[-1].start()

    yield make
    for region in reversed(made):
        region.dispose()


def test_objects_lie_in_another_regions_bucket_and_outlive_kills(regions, tmp_path):
    under = regions("under")
    s3_under = under.client("s3")
    s3_under.create_bucket(Bucket="backing")
    settings = tmp_path / "welkin.toml"
    settings.write_text(
        f"""backing = "{under.exports["AWS_ENDPOINT_URL"]}/backing/of-over"
backing_access_key = "{under.exports["AWS_ACCESS_KEY_ID"]}"
backing_secret_key = "{under.exports["AWS_SECRET_ACCESS_KEY"]}"
"""
    )
    over = regions("over", "--config", str(settings))
    s3 = over.client("s3")
    s3.create_bucket(Bucket="bucket")
    bodies = {f"{length}": random.Random(length).randbytes(length) for length in (1, 5000, 200_000, 9_000_000)}
    for key, body in bodies.items():
        put = s3.put_object(Bucket="bucket", Key=key, Body=body)
        assert put["ETag"].strip('"') == hashlib.md5(body).hexdigest()
    over.kill()
    over.start()
    s3 = over.client("s3")
    for key, body in bodies.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == body
    ranged = s3.get_object(Bucket="bucket", Key="9000000", Range="bytes=4000000-4999999")["Body"].read()
    assert ranged == bodies["9000000"][4_000_000:5_000_000]

    there = s3_under.list_objects_v2(Bucket="backing", Prefix="of-over/")["Contents"]
    assert len(there) == len(bodies)
    scrubbed = welkin("scrub", "--data-dir", over.folder, "--config", settings)
    assert scrubbed.returncode == 0 and "4 blobs" in scrubbed.stdout, scrubbed

    # Who forgets the setting is told, and not given an empty region.
    over.stop()
    told = welkin("scrub", "--data-dir", over.folder)
    assert told.returncode == 1 and "set `backing` to it" in told.stderr, told
