"""Encryption of objects: what lies on disk, keys of customers, defaults of buckets, backups, new keys."""

import hashlib
import os
import uuid

import pytest
from botocore.exceptions import ClientError

from region import Region, welkin

KEY, OTHER = b"k" * 32, b"o" * 32
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}


def make_bucket(region):
    name = f"test-{uuid.uuid4()}"
    region.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def bucket(region):
    return make_bucket(region)


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def is_on_disk(region, text):
    files = [path for path in region.folder.rglob("*") if path.is_file()]
    assert files
    return any(text in path.read_bytes() for path in files)


@pytest.mark.parametrize("repeats", [1, 20_000])
@pytest.mark.parametrize("customer", [{}, CUSTOMER])
def test_nothing_on_disk_is_what_was_put(region, bucket, repeats, customer):
    s3 = region.client("s3")
    text = os.urandom(16).hex().encode()
    body = text * repeats
    put = s3.put_object(Bucket=bucket, Key="secret", Body=body, **customer)
    assert put.get("ServerSideEncryption") == (None if customer else "AES256")
    assert (put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"') is not bool(customer)
    assert s3.get_object(Bucket=bucket, Key="secret", **customer)["Body"].read() == body
    for start, end in [(0, 0), (7, 23), (len(body) - 5, len(body) - 1), (len(body) // 2, len(body) - 2)]:
        part = s3.get_object(Bucket=bucket, Key="secret", Range=f"bytes={start}-{end}", **customer)
        assert part["Body"].read() == body[start : end + 1]
    assert not is_on_disk(region, text)
    # The search finds what is there: a key is not secret.
    s3.put_object(Bucket=bucket, Key=text.decode(), Body=b"")
    assert is_on_disk(region, text)


def test_a_customers_key_is_needed_and_only_that_one(region, bucket):
    s3 = region.client("s3")
    put = s3.put_object(Bucket=bucket, Key="theirs", Body=b"hello", **CUSTOMER)
    assert put["SSECustomerAlgorithm"] == "AES256" and put["SSECustomerKeyMD5"]
    head = s3.head_object(Bucket=bucket, Key="theirs", **CUSTOMER)
    assert head["ContentLength"] == 5 and head["ETag"] == put["ETag"]
    assert refused(s3.get_object, Bucket=bucket, Key="theirs") == (400, "InvalidRequest")
    assert refused(s3.head_object, Bucket=bucket, Key="theirs") == (400, "400")
    wrong = {**CUSTOMER, "SSECustomerKey": OTHER}
    assert refused(s3.get_object, Bucket=bucket, Key="theirs", **wrong) == (403, "AccessDenied")
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", SSECustomerKey=KEY) == (400, "InvalidArgument")
    short = {**CUSTOMER, "SSECustomerKey": b"short"}
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", **short) == (400, "InvalidArgument")
    s3.put_object(Bucket=bucket, Key="ours", Body=b"hello")
    assert refused(s3.get_object, Bucket=bucket, Key="ours", **CUSTOMER) == (400, "InvalidRequest")


def test_a_bucket_has_a_default_that_can_be_set_and_taken_back(region):
    s3, bucket = region.client("s3"), make_bucket(region)
    aes = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}

    def rules():
        return s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]

    def configure(rule):
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    assert rules() == [aes]
    configure({**aes, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}})
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", **CUSTOMER) == (403, "AccessDenied")
    configure({"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"", **CUSTOMER)
    configure({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "a-key"}})
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"") == (400, "KMS.NotFoundException")
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="AES256")
    s3.delete_bucket_encryption(Bucket=bucket)
    assert rules()[0]["ApplyServerSideEncryptionByDefault"] == aes["ApplyServerSideEncryptionByDefault"]
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"")["ServerSideEncryption"] == "AES256"


def test_a_policy_can_ask_for_encryption(region):
    s3, bucket = region.client("s3"), make_bucket(region)
    statement = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",'
        f' "Resource": "arn:aws:s3:::{bucket}/*", "Condition": {{"Null":'
        ' {"s3:x-amz-server-side-encryption-customer-algorithm": "true"}}}]}'
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=statement)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"") == (403, "AccessDenied")
    s3.put_object(Bucket=bucket, Key="k", Body=b"", **CUSTOMER)


def test_a_backup_brings_the_keys_and_a_new_key_leaves_the_old_ones(tmp_path):
    data, restored, backup = tmp_path / "data", tmp_path / "restored", tmp_path / "backup"
    data.mkdir(mode=0o700)
    region = Region(data, "sim").start()
    bucket, body = make_bucket(region), os.urandom(300_000)
    region.client("s3").put_object(Bucket=bucket, Key="first", Body=body)
    region.stop()
    file = data / "object-keys.json"
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert welkin("store", "new-object-key", "--data-dir", data).returncode == 0
    assert file.read_bytes() != before and file.stat().st_mode & 0o777 == 0o600

    region.start()
    region.client("s3").put_object(Bucket=bucket, Key="second", Body=body)
    region.stop()
    assert welkin("backup", backup, "--data-dir", data).returncode == 0
    assert welkin("restore", backup, "--data-dir", restored).returncode == 0
    copy = Region(restored, "sim").start()
    for key in ("first", "second"):
        assert copy.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == body
    copy.stop()

    # Without the new key, what it has sealed is an error, and what the old one has sealed is there.
    (restored / "object-keys.json").write_bytes(before)
    copy.start()
    assert copy.client("s3").get_object(Bucket=bucket, Key="first")["Body"].read() == body
    assert refused(copy.client("s3").get_object, Bucket=bucket, Key="second") == (500, "InternalError")
    copy.dispose()
    region.dispose()
