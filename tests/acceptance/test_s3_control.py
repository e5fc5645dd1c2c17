"""S3 Control: the AWS CLI and boto3 put the account in front of the host's name, whatever endpoint they are given."""

import json
import subprocess
import uuid

import botocore.config
import pytest
from botocore.exceptions import ClientError

from region import environment
from test_s3_web import resolve_localhost

ALL = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def endpoint(region):
    return region.exports["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")


@pytest.fixture
def control(region, monkeypatch):
    resolve_localhost(monkeypatch)
    return region.client("s3control", endpoint_url=endpoint(region))


@pytest.fixture
def bucket(region):
    name = f"control-{uuid.uuid4()}"
    region.client("s3").create_bucket(Bucket=name)
    return name


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_an_account_blocks_what_its_buckets_do_not(region, control, bucket):
    s3, account = region.client("s3"), {"AccountId": region.account}
    assert refusal(control.get_public_access_block, **account) == (404, "NoSuchPublicAccessBlockConfiguration")
    everything = dict.fromkeys(ALL, True)
    control.put_public_access_block(**account, PublicAccessBlockConfiguration=everything)
    answer = control.get_public_access_block(**account)
    assert answer["PublicAccessBlockConfiguration"] == everything
    assert answer["ResponseMetadata"]["HostId"] and answer["ResponseMetadata"]["RequestId"]
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Bucket": bucket, "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    try:
        assert refusal(s3.put_bucket_policy, **policy) == (403, "AccessDenied")
    finally:
        control.delete_public_access_block(**account)
    s3.put_bucket_policy(**policy)


def test_a_bucket_is_tagged_where_tags_decide(region, control, bucket):
    s3 = region.client("s3")
    s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
    named = {"AccountId": region.account, "ResourceArn": f"arn:aws:s3:::{bucket}"}
    tags = [{"Key": "team", "Value": "größe + 1"}, {"Key": "a/b", "Value": ""}]
    answer = control.tag_resource(**named, Tags=tags)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert control.list_tags_for_resource(**named)["Tags"] == tags
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    control.untag_resource(**named, TagKeys=["a/b", "nothing"])
    assert control.list_tags_for_resource(**named)["Tags"] == tags[:1]
    nowhere = {**named, "ResourceArn": "arn:aws:s3:::no-such-bucket-here"}
    assert refusal(control.list_tags_for_resource, **nowhere) == (404, "NoSuchResource")


def test_the_cli_leads_to_s3_control_through_the_region_itself(region, bucket):
    """No resolver needs to know the account's name below `localhost`: the region is a proxy of itself."""
    named = ["--account-id", region.account, "--resource-arn", f"arn:aws:s3:::{bucket}"]
    tag = ["tag-resource", *named, "--tags", "Key=k,Value=v"]
    for command in (tag, ["list-tags-for-resource", *named]):
        done = subprocess.run(
            ["aws", "--endpoint-url", endpoint(region), "s3control", *command],
            text=True,
            capture_output=True,
            timeout=120,
            env=environment(**region.exports, HTTP_PROXY=region.exports["AWS_ENDPOINT_URL"], NO_PROXY=""),
        )
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"Tags": [{"Key": "k", "Value": "v"}]}


def test_what_s3_control_has_not_is_refused_by_name(region, control):
    refused = refusal(control.list_access_points, AccountId=region.account)
    assert refused == (400, "UnsupportedOperation")
    config = botocore.config.Config(signature_version=botocore.UNSIGNED)
    nobody = region.client("s3control", endpoint_url=endpoint(region), config=config)
    assert refusal(nobody.get_public_access_block, AccountId=region.account) == (403, "AccessDenied")
