"""Drives a region with whatever boto3 this Python has, one scenario a run: `python drive.py SCENARIO`.

The endpoint and the credentials come from the environment. What does not hold ends it with an exception. Not here: pytest,
which the Python of 2020's boto3 does not have; tests/acceptance/test_clients.py runs this.
"""

import io
import os
import sys
import urllib.request
import uuid

import boto3
import botocore.exceptions


def client(service):
    # boto3 of 2020 does not know AWS_ENDPOINT_URL.
    return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name=os.environ["AWS_DEFAULT_REGION"])


def refused(call, code, status, **parameters):
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        answer = error.response
        assert answer["Error"]["Code"] == code, answer
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
        return answer
    raise AssertionError("%s was not refused with %s" % (call.__name__, code))


def identity():
    answer = client("sts").get_caller_identity()
    assert answer["Account"] in answer["Arn"], answer
    assert answer["ResponseMetadata"]["RequestId"], answer


def instances():
    ec2 = client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "client", "Value": boto3.__version__}]}]
    launched = ec2.run_instances(
        ImageId=image, MinCount=2, MaxCount=2, InstanceType="t3.micro", TagSpecifications=tags
    )["Instances"]
    ids = [instance["InstanceId"] for instance in launched]
    delays = {"Delay": 1, "MaxAttempts": 30}
    ec2.get_waiter("instance_exists").wait(InstanceIds=ids, WaiterConfig=delays)
    ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig=delays)
    mine = [{"Name": "tag:client", "Values": [boto3.__version__]}, {"Name": "instance-id", "Values": ids}]
    found = [
        instance
        for reservation in ec2.describe_instances(Filters=mine)["Reservations"]
        for instance in reservation["Instances"]
    ]
    assert sorted(instance["InstanceId"] for instance in found) == sorted(ids), found
    assert all(instance["LaunchTime"].tzinfo and instance["PrivateIpAddress"] for instance in found), found
    ec2.terminate_instances(InstanceIds=ids)
    ec2.get_waiter("instance_terminated").wait(InstanceIds=ids, WaiterConfig=delays)


def pages():
    ec2 = client("ec2")
    types = [
        kind["InstanceType"]
        for page in ec2.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 5})
        for kind in page["InstanceTypes"]
    ]
    assert len(types) > 5 and len(set(types)) == len(types), types
    s3, bucket = client("s3"), "pages-%s" % uuid.uuid4()
    s3.create_bucket(Bucket=bucket)
    keys = ["k%d" % number for number in range(7)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for operation in ["list_objects", "list_objects_v2"]:
        listed = [
            entry["Key"]
            for page in s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
            for entry in page["Contents"]
        ]
        assert listed == keys, listed
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    s3.delete_bucket(Bucket=bucket)


def errors():
    ec2, s3 = client("ec2"), client("s3")
    refused(ec2.describe_instances, "InvalidInstanceID.NotFound", 400, InstanceIds=["i-00000000000000000"])
    refused(ec2.describe_instances, "InvalidInstanceID.Malformed", 400, InstanceIds=["nonsense"])
    refused(ec2.describe_security_groups, "InvalidGroup.NotFound", 400, GroupIds=["sg-00000000000000000"])
    bucket = "errors-%s" % uuid.uuid4()
    refused(s3.list_objects_v2, "NoSuchBucket", 404, Bucket=bucket)
    refused(s3.head_bucket, "404", 404, Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    refused(s3.get_object, "NoSuchKey", 404, Bucket=bucket, Key="k")
    forged = boto3.client(
        "s3",
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        region_name=os.environ["AWS_DEFAULT_REGION"],
        aws_secret_access_key="forged",
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
    )
    refused(forged.list_objects_v2, "SignatureDoesNotMatch", 403, Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)


def objects():
    s3, bucket = client("s3"), "objects-%s" % uuid.uuid4()
    s3.create_bucket(Bucket=bucket)
    s3.get_waiter("bucket_exists").wait(Bucket=bucket)
    body = os.urandom(200000)
    key = "folder/a b+c\u00fc"
    s3.put_object(Bucket=bucket, Key=key, Body=io.BytesIO(body), Metadata={"colour": "blue"})
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key=key)
    got = s3.get_object(Bucket=bucket, Key=key)
    assert b"".join(got["Body"].iter_chunks(4096)) == body
    assert got["Metadata"] == {"colour": "blue"}, got
    s3.upload_fileobj(io.BytesIO(body), bucket, "again")
    back = io.BytesIO()
    s3.download_fileobj(bucket, "again", back)
    assert back.getvalue() == body
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [entry["Key"] for entry in listed["Contents"]] == ["again"], listed
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": "again"}]})
    s3.get_waiter("object_not_exists").wait(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=bucket)
    s3.get_waiter("bucket_not_exists").wait(Bucket=bucket)


def presigned():
    s3, bucket = client("s3"), "presigned-%s" % uuid.uuid4()
    s3.create_bucket(Bucket=bucket)
    target = {"Bucket": bucket, "Key": "k"}
    put = urllib.request.Request(s3.generate_presigned_url("put_object", Params=target), data=b"hello", method="PUT")
    # urllib names a type of its own, which version 2 of the signature covers.
    put.add_header("Content-Type", "")
    assert urllib.request.urlopen(put, timeout=30).status == 200
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=target), timeout=30) as got:
        assert got.read() == b"hello"
    s3.delete_object(**target)
    s3.delete_bucket(Bucket=bucket)


SCENARIOS = {
    scenario.__name__: scenario for scenario in [identity, instances, pages, errors, objects, presigned]
}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]]()
