"""S3 with the AWS CLI and boto3 as they come: checksums, streamed bodies, listing, durability."""

import hashlib
import os
import uuid

import pytest
from botocore.exceptions import ClientError
from botocore.handlers import validate_bucket_name


@pytest.fixture
def bucket(region):
    """A bucket that is gone afterwards."""
    name = f"test-{uuid.uuid4()}"
    s3 = region.client("s3")
    s3.create_bucket(Bucket=name)
    yield name
    s3 = region.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=name, Delete={"Objects": keys})
    s3.delete_bucket(Bucket=name)


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_000])
def test_what_is_put_is_what_is_got(region, bucket, size):
    s3 = region.client("s3")
    body = os.urandom(size)
    # No argument: the client adds a checksum and sends the body in signed chunks with a trailer.
    put = s3.put_object(Bucket=bucket, Key="a/b c+ü", Body=body, Metadata={"colour": "blue"}, ContentType="x/y")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a/b c+ü")
    assert got["Body"].read() == body and got["Metadata"] == {"colour": "blue"} and got["ContentType"] == "x/y"
    head = s3.head_object(Bucket=bucket, Key="a/b c+ü")
    assert head["ContentLength"] == size and head["ETag"] == put["ETag"]
    if size > 10:
        part = s3.get_object(Bucket=bucket, Key="a/b c+ü", Range="bytes=1-9")
        assert part["Body"].read() == body[1:10] and part["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_file_goes_up_and_comes_down(region, bucket, tmp_path):
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(1_000_000))
    s3 = region.client("s3")
    s3.upload_file(str(there), bucket, "file")
    s3.download_file(bucket, "file", str(back))
    assert there.read_bytes() == back.read_bytes()


def test_the_command_line_copies_lists_and_removes(region, bucket, tmp_path):
    file = tmp_path / "letter.txt"
    file.write_text("hello")
    region.aws("s3", "cp", file, f"s3://{bucket}/in/letter.txt")
    assert "letter.txt" in region.aws("s3", "ls", f"s3://{bucket}/in/")
    assert region.aws("s3", "cp", f"s3://{bucket}/in/letter.txt", "-") == "hello"
    assert bucket in region.aws("s3", "ls")
    region.aws("s3", "rm", f"s3://{bucket}/in/letter.txt")
    assert "Contents" not in region.client("s3").list_objects_v2(Bucket=bucket)


def test_a_wrong_checksum_stores_nothing(region, bucket):
    s3 = region.client("s3")
    with pytest.raises(ClientError, match="BadDigest|InvalidRequest|XAmzContentChecksumMismatch"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"what it is", ChecksumCRC32="AAAAAA==")
    with pytest.raises(ClientError, match="404|NoSuchKey"):
        s3.head_object(Bucket=bucket, Key="k")


def test_pages_and_prefixes(region, bucket):
    s3 = region.client("s3")
    keys = [f"{folder}/{number}" for folder in ("one", "two") for number in range(4)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3}))
    assert len(pages) == 3 and [entry["Key"] for page in pages for entry in page["Contents"]] == keys
    folders = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in folders["CommonPrefixes"]] == ["one/", "two/"] and "Contents" not in folders


def test_a_bucket_with_something_in_it_stays(region, bucket):
    s3 = region.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("name", ["Loud", "a", "192.168.0.1", "two..dots"])
def test_a_bad_name_is_no_bucket(region, name):
    with pytest.raises(ClientError, match="InvalidBucketName"):
        create_unchecked(region, name)


def create_unchecked(region, name):
    """boto3 refuses such a name itself; the service must too."""
    s3 = region.client("s3")
    s3.meta.events.unregister("before-parameter-build.s3", validate_bucket_name)
    s3.create_bucket(Bucket=name)


def test_an_acknowledged_object_outlives_a_kill(region, bucket):
    body = os.urandom(200_000)
    region.client("s3").put_object(Bucket=bucket, Key="kept", Body=body)
    region.kill()
    region.start()
    assert region.client("s3").get_object(Bucket=bucket, Key="kept")["Body"].read() == body
