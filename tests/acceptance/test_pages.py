"""Tokens of pages outlive the process, and are good for nothing but the list that they were given for."""

import base64

import pytest
from botocore.exceptions import ClientError


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def changed(token):
    """The token with one bit of what it holds changed."""
    held = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    held[-1] ^= 1
    return base64.urlsafe_b64encode(held).decode().rstrip("=")


def test_tokens_outlive_a_restart_and_are_bound_to_their_list(region):
    s3, ec2 = region.client("s3"), region.client("ec2")
    for bucket in ("pages", "others"):
        s3.create_bucket(Bucket=bucket)
        for number in range(5):
            s3.put_object(Bucket=bucket, Key=f"key-{number}", Body=b"")
    first = s3.list_objects_v2(Bucket="pages", MaxKeys=2)
    objects = first["NextContinuationToken"]
    filters = [{"Name": "current-generation", "Values": ["true"]}]
    types = ec2.describe_instance_types(MaxResults=5)["NextToken"]
    region.kill()
    region.start()
    s3, ec2 = region.client("s3"), region.client("ec2")

    rest = s3.list_objects_v2(Bucket="pages", ContinuationToken=objects)
    assert [found["Key"] for found in first["Contents"] + rest["Contents"]] == [f"key-{number}" for number in range(5)]
    listing = s3.list_objects_v2
    assert refused(listing, Bucket="others", ContinuationToken=objects) == "InvalidArgument"
    assert refused(listing, Bucket="pages", ContinuationToken=changed(objects)) == "InvalidArgument"

    assert ec2.describe_instance_types(NextToken=types)["InstanceTypes"]
    assert refused(ec2.describe_instance_types, NextToken=changed(types)) == "InvalidNextToken"
    assert refused(ec2.describe_instance_types, NextToken=types, Filters=filters) == "InvalidNextToken"
    assert refused(ec2.describe_instance_type_offerings, NextToken=types) == "InvalidNextToken"
