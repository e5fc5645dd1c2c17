"""Answers of S3 that others have recorded of AWS and published: the code, the status and what else an error says."""

import datetime
import http.client
import urllib.parse
import uuid

import pytest
from botocore.exceptions import ClientError

from test_s3_web import ask


@pytest.fixture(scope="module")
def s3(region):
    return region.client("s3")


def new_bucket(s3, **arguments):
    name = f"recorded-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, **arguments)
    return name


@pytest.fixture
def bucket(s3):
    return new_bucket(s3)


def status(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return status(answer), answer["Error"]


def test_configurations_that_are_put_answer_that_there_is_no_content(s3, bucket):
    arn = f"arn:aws:s3:::{bucket}"
    destination = {"S3BucketDestination": {"Bucket": arn, "Format": "CSV"}}
    inventory = {"IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"}}
    tiering = {"Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    put = {
        s3.put_bucket_tagging: {"Tagging": {"TagSet": [{"Key": "k", "Value": ""}]}},
        s3.put_bucket_metrics_configuration: {"Id": "x", "MetricsConfiguration": {"Id": "x"}},
        s3.put_bucket_analytics_configuration: {
            "Id": "x",
            "AnalyticsConfiguration": {"Id": "x", "StorageClassAnalysis": {}},
        },
        s3.put_bucket_inventory_configuration: {
            "Id": "x",
            "InventoryConfiguration": inventory | {"Id": "x", "Destination": destination},
        },
        s3.put_bucket_intelligent_tiering_configuration: {
            "Id": "x",
            "IntelligentTieringConfiguration": tiering | {"Id": "x"},
        },
    }
    for call, arguments in put.items():
        assert status(call(Bucket=bucket, **arguments)) == 204, call
    assert status(s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})) == 200


def test_what_is_wrong_with_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")

    def of_bucket(key, value):
        tags = {"TagSet": [{"Key": key, "Value": value}]}
        return refusal(s3.put_bucket_tagging, Bucket=bucket, Tagging=tags)[1]

    error = of_bucket("Key1", "a,b")
    assert (error["Code"], error["TagKey"], error["TagValue"]) == ("InvalidTag", "Key1", "a,b")
    assert of_bucket("aws:k", "v")["Message"] == "System tags cannot be added/updated by requester"
    tags = {"TagSet": [{"Key": "aws:k", "Value": ""}]}
    _, error = refusal(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=tags)
    assert (error["Message"], error["TagKey"]) == ("Your TagKey cannot be prefixed with aws:", "aws:k")
    _, error = refusal(s3.put_object, Bucket=bucket, Key="k", Tagging="a=1,b=2")
    assert (error["Code"], error["ArgumentName"]) == ("InvalidArgument", "x-amz-tagging")


def test_a_delete_marker_on_top_has_no_tags_no_list_and_no_lock(s3):
    bucket = new_bucket(s3, ObjectLockEnabledForBucket=True, ObjectOwnership="ObjectWriter")
    s3.put_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    key = {"Bucket": bucket, "Key": "k"}
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    for call, method, arguments in [
        (s3.get_object_tagging, "GET", {}),
        (s3.put_object_tagging, "PUT", {"Tagging": {"TagSet": []}}),
        (s3.delete_object_tagging, "DELETE", {}),
        (s3.put_object_acl, "PUT", {"ACL": "private"}),
        (s3.put_object_retention, "PUT", {"Retention": retention}),
        (s3.get_object_retention, "GET", {}),
    ]:
        code, error = refusal(call, **key, **arguments)
        told = (code, error["Code"], error.get("Method"), error.get("ResourceType"))
        assert told == (405, "MethodNotAllowed", method, "DeleteMarker"), call
    for call in (s3.get_object, s3.get_object_acl):
        assert refusal(call, **key)[1]["Code"] == "NoSuchKey"


def test_a_bucket_with_versions_says_what_keeps_it(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k")
    code, error = refusal(s3.delete_bucket, Bucket=bucket)
    assert (code, error["Code"]) == (409, "BucketNotEmpty")
    assert error["Message"].endswith("You must delete all versions in the bucket.")


def test_bodies_that_are_missing(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert refusal(s3.put_object_lock_configuration, Bucket=bucket)[1]["Code"] == "MissingRequestBodyError"
    _, error = refusal(s3.put_bucket_policy, Bucket=bucket, Policy="")
    told = ("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
    assert (error["Code"], error["Message"]) == told
    upload = {"Bucket": bucket, "Key": "k"}
    _, error = refusal(s3.complete_multipart_upload, **upload, UploadId="fake")
    assert error["Code"] == "NoSuchUpload"
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    _, error = refusal(s3.complete_multipart_upload, **upload)
    assert (error["Code"], error["Message"]) == ("InvalidRequest", "You must specify at least one part")
    _, error = refusal(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": []})
    assert error["Code"] == "MalformedXML"


def test_a_conditional_delete_of_what_is_not_there(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    assert refusal(s3.delete_object, Bucket=bucket, Key="k", IfMatch="x")[1]["Condition"] == "If-Match"
    assert refusal(s3.delete_object, Bucket=bucket, Key="absent", IfMatch="x")[1]["Code"] == "NoSuchKey"


def test_nothing_was_modified_since_a_time_to_come(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    assert s3.get_object(Bucket=bucket, Key="k", IfModifiedSince=tomorrow)["Body"].read() == b"data"
    source = f"{bucket}/k"
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, CopySourceIfModifiedSince=tomorrow)


def test_listings_say_where_they_began_and_go_on(s3, bucket):
    for key in "abcd":
        s3.put_object(Bucket=bucket, Key=key)
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=1, StartAfter="a")
    assert first["StartAfter"] == "a"
    token = first["NextContinuationToken"]
    second = s3.list_objects_v2(Bucket=bucket, StartAfter="c", ContinuationToken=token)
    assert "StartAfter" not in second and [entry["Key"] for entry in second["Contents"]] == ["c", "d"]
    for marker in ("bogus", "a" * 32):
        _, error = refusal(s3.list_object_versions, Bucket=bucket, VersionIdMarker=marker)
        text = "A version-id marker cannot be specified without a key marker."
        assert (error["Code"], error["Message"]) == ("InvalidArgument", text), marker
    upload = {"Bucket": bucket, "Key": "dir/k"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    s3.upload_part(**upload, PartNumber=1, Body=b"x")
    beyond = s3.list_parts(**upload, PartNumberMarker=10)
    assert (beyond["PartNumberMarker"], beyond["NextPartNumberMarker"]) == (10, 0)
    folders = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert (folders["NextKeyMarker"], folders["NextUploadIdMarker"]) == ("", "")


def test_an_upload_that_was_completed_may_be_aborted_in_vain(s3, bucket):
    upload = {"Bucket": bucket, "Key": "k"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert status(s3.abort_multipart_upload(**upload)) == 204
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_whom_a_grant_cannot_name(s3):
    bucket = new_bucket(s3, ObjectOwnership="ObjectWriter")
    _, error = refusal(s3.put_bucket_acl, Bucket=bucket, GrantWrite='fakekey="1"')
    assert (error["ArgumentName"], error["ArgumentValue"]) == ("x-amz-grant-write", 'fakekey="1"')


def test_where_no_log_can_go(s3, bucket):
    logging = {"LoggingEnabled": {"TargetBucket": f"no-{bucket}", "TargetPrefix": ""}}
    code, error = refusal(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus=logging)
    told = (code, error["Code"], error["TargetBucket"])
    assert told == (400, "InvalidTargetBucketForLogging", f"no-{bucket}")


def test_errors_are_documents_of_the_fields_that_s3_has(region, bucket):
    answer = ask(region, "GET", f"/{bucket}/k")
    assert set(answer.error) == {"Code", "Message", "RequestId", "HostId"}


def test_a_form_of_the_wrong_kind_is_no_query(region, bucket):
    kind = "application/x-www-form-urlencoded"
    answer = ask(region, "POST", f"/{bucket}", body=b"key=k&file=x", Content_Type=kind)
    assert (answer.status, answer.error["Code"]) == (412, "PreconditionFailed")


def test_a_question_beforehand_without_method_to_a_bucket_without_rules(region, bucket):
    answer = ask(region, "OPTIONS", f"/{bucket}", Origin="https://example.org")
    error = answer.error
    told = (answer.status, error["Code"], error["Method"], error["ResourceType"])
    assert told == (403, "AccessForbidden", "OPTIONS", "BUCKET")


def test_who_waits_before_sending_and_is_refused_hears_that_the_connection_ends(region, bucket):
    address = urllib.parse.urlsplit(region.exports["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.putrequest("PUT", f"/{bucket}/k")
    connection.putheader("Content-Length", "9")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (403, "close")
    connection.close()
