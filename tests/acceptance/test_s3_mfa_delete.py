"""MFA delete with boto3: the root user shows the code of a device, and each code once."""

import time
import uuid

import pytest
from botocore.exceptions import ClientError

import totp
from waiting import until


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def next_code(seed, after):
    """A code of a later step than `after`, as soon as it is good: one step ahead of the clock is."""
    until(lambda: int(time.time() // 30) + 1 > after, 40, "the device shows another code")
    step = int(time.time() // 30) + 1
    return totp.code(seed, now=step * 30), step


def test_versions_go_with_a_code_of_the_root_users_device(region):
    s3, bucket = region.client("s3"), f"guarded-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket)
    serial, seed = totp.enable(region.client("iam"), region.account, f"root-{bucket}")
    versioned = {"Status": "Enabled", "MFADelete": "Enabled"}
    enable = lambda code: {"Bucket": bucket, "VersioningConfiguration": versioned, "MFA": f"{serial} {code}"}
    assert refusal(s3.put_bucket_versioning, **enable("000000")) == (403, "AccessDenied")
    step = int(time.time() // 30)
    first = totp.code(seed, now=step * 30)
    s3.put_bucket_versioning(**enable(first))
    shown = s3.get_bucket_versioning(Bucket=bucket)
    assert (shown["Status"], shown["MFADelete"]) == ("Enabled", "Enabled")
    version = {"Bucket": bucket, "Key": "k", "VersionId": s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]}
    assert refusal(s3.delete_object, **version) == (403, "AccessDenied")
    assert refusal(s3.delete_object, **version, MFA=f"{serial} {first}") == (403, "AccessDenied"), "a code is good once"
    assert refusal(s3.delete_object, **version, MFA=serial) == (400, "InvalidArgument")
    code, step = next_code(seed, step)
    s3.delete_object(**version, MFA=f"{serial} {code}")
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
    suspended = {"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}
    assert refusal(s3.put_bucket_versioning, **suspended) == (403, "AccessDenied")
    iam = region.client("iam")
    iam.deactivate_mfa_device(UserName=region.account, SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
