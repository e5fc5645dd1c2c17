"""What is configured on buckets, with boto3: what comes back, what is refused, and what lifecycle rules and logs do."""

import datetime
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import make_region
from waiting import until


@pytest.fixture(scope="module")
def quick(tmp_path_factory, images):
    """A region whose lifecycle rules have days of a second."""
    region = make_region(tmp_path_factory.mktemp("quick") / "data", "sim", images, "--s3-lifecycle-day", "1s")
    yield region.start()
    region.dispose()


def new_bucket(region):
    name = f"config-{uuid.uuid4()}"
    region.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def bucket(region):
    return new_bucket(region)


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def body_of(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_tags_of_a_bucket(region, bucket):
    s3 = region.client("s3")
    assert refusal(s3.get_bucket_tagging, Bucket=bucket) == (404, "NoSuchTagSet")
    tags = [{"Key": "Hello", "Value": "World"}, {"Key": "größe", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    assert s3.delete_bucket_tagging(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(s3.get_bucket_tagging, Bucket=bucket) == (404, "NoSuchTagSet")
    twice = {"TagSet": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]}
    assert refusal(s3.put_bucket_tagging, Bucket=bucket, Tagging=twice) == (400, "InvalidTag")


def test_lifecycle_rules_come_back_as_they_were_put(region, bucket):
    s3 = region.client("s3")
    midnight = datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc)
    tag = {"Key": "k", "Value": "v"}
    rules = [
        {"ID": "one", "Filter": {"Prefix": "a/"}, "Status": "Enabled", "Expiration": {"Days": 3}},
        {"ID": "two", "Filter": {}, "Status": "Disabled", "Expiration": {"Date": midnight}},
        {
            "ID": "three",
            "Filter": {"And": {"Prefix": "b/", "Tags": [tag], "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 9}},
            "Status": "Enabled",
            "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}],
            "NoncurrentVersionTransitions": [
                {"NoncurrentDays": 1, "StorageClass": "GLACIER_IR", "NewerNoncurrentVersions": 2}
            ],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 5, "NewerNoncurrentVersions": 3},
        },
        {
            "ID": "four",
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ]
    put = s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert put["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert got["Rules"] == rules and got["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    old = {"Rules": [{"Prefix": "x/", "Status": "Enabled", "Expiration": {"Days": 1}}]}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=old)
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert len(rule.pop("ID")) == 48 and [rule] == old["Rules"]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    refused = refusal(s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    assert refused == (404, "NoSuchLifecycleConfiguration")


@pytest.mark.parametrize(
    "rule, code",
    [
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Status": "enabled"}, "MalformedXML"),
        ({"ID": "x" * 256}, "InvalidArgument"),
        ({"Filter": {"Prefix": "a", "ObjectSizeGreaterThan": 1}}, "MalformedXML"),
        ({"Expiration": {"Date": datetime.datetime(2031, 1, 1, 5, tzinfo=datetime.timezone.utc)}}, "InvalidArgument"),
        ({"Transitions": [{"Days": 1, "StorageClass": "STANDARD_IA"}]}, "InvalidArgument"),
    ],
)
def test_lifecycle_rules_that_cannot_be(region, bucket, rule, code):
    s3 = region.client("s3")
    rule = {"Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 50}} | rule
    put = s3.put_bucket_lifecycle_configuration
    assert refusal(put, Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}) == (400, code)


def test_lifecycle_rules_are_carried_out(quick):
    s3, bucket = quick.client("s3"), new_bucket(quick)
    for key in ("gone/a", "gone/b", "kept/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"bytes")
    rule = {"ID": "r", "Filter": {"Prefix": "gone/"}, "Status": "Enabled", "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})

    def keys():
        return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]

    until(lambda: keys() == ["kept/a"], within=20, what="the rule")


def test_who_pays_and_what_is_accelerated(region, bucket):
    s3 = region.client("s3")
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": status})
        assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == status


def test_tags_decide_where_they_are_said_to(region, bucket):
    s3 = region.client("s3")
    assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Disabled"}
    s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
    assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Enabled"}


def test_where_logs_go(region, bucket):
    s3, target = region.client("s3"), new_bucket(region)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    for enabled in (
        {"TargetBucket": target, "TargetPrefix": "log/"},
        {"TargetBucket": target, "TargetPrefix": "", "TargetObjectKeyFormat": {"SimplePrefix": {}}},
        {
            "TargetBucket": target,
            "TargetPrefix": "p/",
            "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}},
        },
    ):
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})
        assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == enabled
    nowhere = {"LoggingEnabled": {"TargetBucket": f"no-{uuid.uuid4()}", "TargetPrefix": ""}}
    refused = refusal(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=nowhere)
    assert refused == (400, "InvalidTargetBucketForLogging")
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def test_what_terraform_reads_of_a_new_bucket(region, bucket):
    s3 = region.client("s3")
    for call, code in [
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
        (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
        (s3.get_bucket_tagging, "NoSuchTagSet"),
    ]:
        assert refusal(call, Bucket=bucket) == (404, code)
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert body_of(s3.get_bucket_accelerate_configuration(Bucket=bucket)) == {}
    assert body_of(s3.get_bucket_versioning(Bucket=bucket)) == {}
    assert body_of(s3.get_bucket_logging(Bucket=bucket)) == {}
    assert body_of(s3.get_bucket_notification_configuration(Bucket=bucket)) == {}
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert s3.delete_bucket_replication(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_configurations_with_ids(region, bucket):
    s3 = region.client("s3")
    destination = {"S3BucketDestination": {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "CSV", "Prefix": "p"}}
    and_ = {"And": {"Prefix": "p", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}}
    export = {"OutputSchemaVersion": "V_1", "Destination": destination}
    for kind, argument, value in [
        (
            "inventory",
            "InventoryConfiguration",
            {
                "Id": "one",
                "Destination": destination,
                "IsEnabled": False,
                "Filter": {"Prefix": "x"},
                "IncludedObjectVersions": "All",
                "OptionalFields": ["Size", "ETag"],
                "Schedule": {"Frequency": "Daily"},
            },
        ),
        ("metrics", "MetricsConfiguration", {"Id": "one", "Filter": and_}),
        (
            "analytics",
            "AnalyticsConfiguration",
            {"Id": "one", "Filter": and_, "StorageClassAnalysis": {"DataExport": export}},
        ),
        (
            "intelligent_tiering",
            "IntelligentTieringConfiguration",
            {
                "Id": "one",
                "Filter": and_,
                "Status": "Enabled",
                "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}],
            },
        ),
    ]:
        put = getattr(s3, f"put_bucket_{kind}_configuration")
        get = getattr(s3, f"get_bucket_{kind}_configuration")
        listed = getattr(s3, f"list_bucket_{kind}_configurations")
        delete = getattr(s3, f"delete_bucket_{kind}_configuration")
        assert refusal(get, Bucket=bucket, Id="one") == (404, "NoSuchConfiguration")
        put(Bucket=bucket, Id="one", **{argument: value})
        assert get(Bucket=bucket, Id="one")[argument] == value
        page = listed(Bucket=bucket)
        assert page[f"{argument}List"] == [value] and page["IsTruncated"] is False
        delete(Bucket=bucket, Id="one")
        assert f"{argument}List" not in listed(Bucket=bucket)


def test_who_is_told_of_what_happens(region, bucket):
    s3 = region.client("s3")
    rules = [{"Name": "Prefix", "Value": "in/"}, {"Name": "Suffix", "Value": ".jpg"}]
    wanted = {
        "QueueConfigurations": [
            {
                "Id": "one",
                "QueueArn": "arn:aws:sqs:us-east-1:123456789012:queue",
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": rules}},
            }
        ],
        "EventBridgeConfiguration": {},
    }
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=wanted)
    assert body_of(s3.get_bucket_notification_configuration(Bucket=bucket)) == wanted
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert body_of(s3.get_bucket_notification_configuration(Bucket=bucket)) == {}


def test_logs_are_delivered_to_a_bucket_whose_policy_lets_them_in(region, bucket):
    s3, target = region.client("s3"), new_bucket(region)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{target}/log/*",
                "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
            }
        ],
    }
    s3.put_bucket_policy(Bucket=target, Policy=json.dumps(policy))
    enabled = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "log/"}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=enabled)

    def lines():
        s3.put_object(Bucket=bucket, Key="a key", Body=b"bytes")
        found = s3.list_objects_v2(Bucket=target).get("Contents", [])
        bodies = [s3.get_object(Bucket=target, Key=entry["Key"])["Body"].read().decode() for entry in found]
        return [line for body in bodies for line in body.splitlines() if "REST.PUT.OBJECT" in line]

    line = until(lines, within=60, what="a log object")[0]
    assert f" {bucket} [" in line and ' a%20key "PUT /' in line and ' HTTP/1.1" 200 - - 5 ' in line, line
