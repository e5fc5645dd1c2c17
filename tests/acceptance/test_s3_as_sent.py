"""Answers of S3 element by element, in its order, and its refusals with all that they say: as others have recorded them."""

import base64
import hashlib
import re
import uuid
import xml.etree.ElementTree as tree

import pytest

from test_s3_headers import send
from test_s3_web import ask

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@pytest.fixture(scope="module")
def s3(region):
    return region.client("s3")


@pytest.fixture(scope="module")
def bucket(s3):
    name = f"as-sent-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    for key in ("a", "b/c", "d"):
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def names(element):
    return [child.tag.removeprefix(NAMESPACE) for child in element]


def document(region, method, path, body=b"", **headers):
    answer = send(region, method, path, body, **headers)
    assert answer.status == 200, answer.body
    return tree.fromstring(answer.body)


def child(element, name):
    return element.find(f"{NAMESPACE}{name}")


def once(all_names):
    """The names without those that come again."""
    return list(dict.fromkeys(all_names))


def test_a_list_of_buckets(region, bucket):
    found = document(region, "GET", "/")
    assert names(found) == ["Owner", "Buckets"]
    assert names(child(child(found, "Buckets"), "Bucket")) == ["Name", "CreationDate", "BucketArn"]
    found = document(region, "GET", f"/?prefix={bucket}&max-buckets=1")
    assert names(found) == ["Owner", "Buckets", "Prefix"]
    shown = child(child(found, "Buckets"), "Bucket")
    assert names(shown) == ["Name", "CreationDate", "BucketRegion", "BucketArn"]
    assert child(shown, "BucketArn").text == f"arn:aws:s3:::{bucket}"


LISTINGS = [
    ("", ["Name", "Prefix", "Marker", "MaxKeys", "IsTruncated", "Contents"]),
    (
        "delimiter=%2F&marker=0&encoding-type=url&max-keys=2",
        [
            "Name", "Prefix", "Marker", "NextMarker", "MaxKeys", "Delimiter", "EncodingType", "IsTruncated",
            "Contents", "CommonPrefixes",
        ],
    ),
    ("list-type=2", ["Name", "Prefix", "KeyCount", "MaxKeys", "IsTruncated", "Contents"]),
    (
        "list-type=2&delimiter=%2F&start-after=0&encoding-type=url&max-keys=2",
        [
            "Name", "Prefix", "StartAfter", "NextContinuationToken", "KeyCount", "MaxKeys", "Delimiter",
            "EncodingType", "IsTruncated", "Contents", "CommonPrefixes",
        ],
    ),
    ("versions", ["Name", "Prefix", "KeyMarker", "VersionIdMarker", "MaxKeys", "IsTruncated", "Version"]),
    (
        "versions&delimiter=%2F&key-marker=0&encoding-type=url&max-keys=1",
        [
            "Name", "Prefix", "KeyMarker", "VersionIdMarker", "NextKeyMarker", "NextVersionIdMarker", "MaxKeys",
            "Delimiter", "EncodingType", "IsTruncated", "Version",
        ],
    ),
    (
        "uploads",
        [
            "Bucket", "KeyMarker", "UploadIdMarker", "NextKeyMarker", "NextUploadIdMarker", "MaxUploads",
            "IsTruncated",
        ],
    ),
    (
        "uploads&prefix=x&delimiter=%2F&encoding-type=url",
        [
            "Bucket", "KeyMarker", "UploadIdMarker", "NextKeyMarker", "NextUploadIdMarker", "Delimiter", "Prefix",
            "MaxUploads", "EncodingType", "IsTruncated",
        ],
    ),
]


@pytest.mark.parametrize("query, expected", LISTINGS, ids=[query or "plain" for query, _ in LISTINGS])
def test_listings(region, bucket, query, expected):
    assert once(names(document(region, "GET", f"/{bucket}?{query}"))) == expected


def test_what_is_listed(region, bucket, s3):
    sums = ["ChecksumAlgorithm", "ChecksumType"]
    plain = ["Key", "LastModified", "ETag", *sums, "Size"]
    first = child(document(region, "GET", f"/{bucket}"), "Contents")
    assert names(first) == [*plain, "Owner", "StorageClass"]
    assert names(child(first, "Owner")) == ["ID"]
    assert names(child(document(region, "GET", f"/{bucket}?list-type=2"), "Contents")) == [*plain, "StorageClass"]
    version = child(document(region, "GET", f"/{bucket}?versions"), "Version")
    assert names(version) == [
        "Key", "VersionId", "IsLatest", "LastModified", "ETag", *sums, "Size", "Owner", "StorageClass",
    ]
    versioned = f"as-sent-{uuid.uuid4()}"
    s3.create_bucket(Bucket=versioned)
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled"})
    s3.delete_object(Bucket=versioned, Key="k")
    marker = child(document(region, "GET", f"/{versioned}?versions"), "DeleteMarker")
    assert names(marker) == ["Key", "VersionId", "IsLatest", "LastModified", "Owner"]


def test_uploads_their_parts_and_copies(region, bucket, s3):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="u")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="u", UploadId=upload, PartNumber=1, Body=b"part")
    shown = child(document(region, "GET", f"/{bucket}?uploads"), "Upload")
    assert names(shown)[:6] == ["Key", "UploadId", "Initiator", "Owner", "StorageClass", "Initiated"]
    parts = document(region, "GET", f"/{bucket}/u?uploadId={upload}")
    plain = [name for name in names(parts) if not name.startswith("Checksum")]
    assert plain == [
        "Bucket", "Key", "UploadId", "Initiator", "Owner", "StorageClass", "PartNumberMarker",
        "NextPartNumberMarker", "MaxParts", "IsTruncated", "Part",
    ]
    assert names(child(parts, "Part"))[:4] == ["PartNumber", "LastModified", "ETag", "Size"]
    source = {"x_amz_copy_source": f"/{bucket}/a"}
    copied = document(region, "PUT", f"/{bucket}/u?partNumber=2&uploadId={upload}", **source)
    assert names(copied)[:2] == ["LastModified", "ETag"]
    s3.abort_multipart_upload(Bucket=bucket, Key="u", UploadId=upload)
    assert names(document(region, "PUT", f"/{bucket}/copy", **source))[:2] == ["LastModified", "ETag"]
    s3.delete_object(Bucket=bucket, Key="copy")


def test_a_rule_of_encryption_and_a_list_of_rights(region, bucket):
    rule = child(document(region, "GET", f"/{bucket}?encryption"), "Rule")
    assert names(rule)[:2] == ["BucketKeyEnabled", "ApplyServerSideEncryptionByDefault"]
    rights = document(region, "GET", f"/{bucket}?acl")
    assert names(rights) == ["Owner", "AccessControlList"]
    grant = child(child(rights, "AccessControlList"), "Grant")
    assert names(grant) == ["Grantee", "Permission"] and names(child(grant, "Grantee")) == ["ID"]


@pytest.mark.parametrize("query", ["", "list-type=2&", "versions&"])
def test_a_page_tells_the_size_that_was_asked_for(region, bucket, query):
    found = document(region, "GET", f"/{bucket}?{query}max-keys=1001")
    assert child(found, "MaxKeys").text == "1001"
    found = document(region, "GET", f"/{bucket}?{query}max-keys=0")
    assert (child(found, "MaxKeys").text, child(found, "IsTruncated").text) == ("0", "false")


def argument(name, value=None):
    named = f"<ArgumentName>{name}</ArgumentName>"
    return named if value is None else f"{named}<ArgumentValue>{value}</ArgumentValue>"


def resource(method, name):
    return f"<Method>{method}</Method><ResourceType>{name}</ResourceType>"


NO_METHOD = "The specified method is not allowed against this resource."
NO_VERSION_ID = "This operation does not accept a version-id."
ATTRIBUTES = "x_amz_object_attributes"
# Method, path behind the bucket, headers; status, code, text and what else the document says.
REFUSALS = [
    ("GET", "?list-type=2&marker=x", {}, 400, "InvalidArgument",
     "Marker unsupported with REST.GET.BUCKET in list-type=2", argument("marker")),
    ("GET", "?start-after=", {}, 400, "InvalidArgument",
     "startAfter only supported in REST.GET.BUCKET with list-type=2", argument("start-after")),
    ("GET", "?start-after=x&continuation-token=y", {}, 400, "InvalidArgument",
     "continuation-token only supported in REST.GET.BUCKET with list-type=2", argument("continuation-token")),
    ("GET", "?list-type=2&continuation-token=x&max-keys=-1", {}, 400, "InvalidArgument",
     "The continuation token provided is incorrect", argument("continuation-token")),
    ("GET", "?list-type=2&continuation-token=x&encoding-type=y", {}, 400, "InvalidArgument",
     "Invalid Encoding Method specified in Request", argument("encoding-type", "y")),
    ("GET", "?versions&max-keys=-1", {}, 400, "InvalidArgument", "max-keys cannot be negative", argument("max-keys")),
    ("GET", "?versions&version-id-marker=x", {}, 400, "InvalidArgument",
     "A version-id marker cannot be specified without a key marker.", argument("version-id-marker", "x")),
    ("GET", "?versions&key-marker=a&version-id-marker=x&encoding-type=y", {}, 400, "InvalidArgument",
     "Invalid version id specified", argument("version-id-marker", "x")),
    ("GET", "?uploads&key-marker=a&upload-id-marker=x", {}, 400, "InvalidArgument", "Invalid uploadId marker",
     argument("upload-id-marker", "x")),
    ("GET", "?uploads&max-uploads=-1&encoding-type=y", {}, 400, "InvalidArgument",
     "Invalid Encoding Method specified in Request", argument("encoding-type", "y")),
    ("GET", "?versionId=x", {}, 400, "InvalidArgument", NO_VERSION_ID, argument("versionId", "x")),
    ("PUT", "?versioning&versionId=null", {}, 400, "InvalidArgument", NO_VERSION_ID, argument("versionId", "null")),
    ("GET", "?partNumber=1", {}, 400, "InvalidRequest", "Object must have a valid key name.", ""),
    ("GET", "?uploadId=x", {}, 400, "InvalidRequest", "A key must be specified", ""),
    ("GET", "/a?logging", {}, 400, "NoLoggingStatusForKey",
     "There is no such thing as the ?logging sub-resource for a key", ""),
    ("GET", "/a?attributes", {}, 400, "InvalidRequest",
     "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty", ""),
    ("GET", "/a?attributes", {ATTRIBUTES: "ETag,size"}, 400, "InvalidArgument", "Invalid attribute name specified.",
     argument("x-amz-object-attributes", "size")),
    ("GET", "/a", {"x_amz_checksum_mode": "x"}, 400, "InvalidRequest",
     "Value for x-amz-checksum-mode header is invalid.", ""),
    ("GET", "/a?partNumber=2", {}, 416, "InvalidPartNumber", "The requested partnumber is not satisfiable",
     "<PartNumberRequested>2</PartNumberRequested><ActualPartCount>1</ActualPartCount>"),
    ("GET", "/none?tagging", {}, 404, "NoSuchKey", "The specified key does not exist.", "<Key>{bucket}/none</Key>"),
    ("GET", "/none?tagging&versionId=null", {}, 404, "NoSuchVersion", "The specified version does not exist.",
     "<Key>{bucket}/none</Key><VersionId>null</VersionId>"),
    ("GET", "/none?acl", {}, 404, "NoSuchKey", "The specified key does not exist.", "<Key>none</Key>"),
    ("PUT", "/x", {"x_amz_copy_source": "{bucket}/a?nonsense"}, 400, "InvalidArgument",
     "Unsupported copy source parameter.", argument("x-amz-copy-source", "{bucket}/a?nonsense")),
    ("PATCH", "", {}, 405, "MethodNotAllowed", NO_METHOD, resource("PATCH", "BUCKET")),
    ("POST", "/a", {}, 405, "MethodNotAllowed", NO_METHOD, resource("POST", "OBJECT")),
    ("PUT", "?location", {}, 405, "MethodNotAllowed", NO_METHOD, resource("PUT", "LOCATION")),
    ("DELETE", "?versioning", {}, 405, "MethodNotAllowed", NO_METHOD, resource("DELETE", "VERSIONING")),
    ("GET", "?delete", {}, 405, "MethodNotAllowed", NO_METHOD, resource("GET", "MULTI_OBJECT_DELETE")),
    ("POST", "/a?tagging", {}, 405, "MethodNotAllowed", NO_METHOD, resource("POST", "OBJECT_TAGGING")),
    ("PATCH", "/a?partNumber=1&uploadId=x", {}, 405, "MethodNotAllowed", NO_METHOD, resource("PATCH", "PART")),
    ("GET", "/a?torrent", {}, 405, "MethodNotAllowed", NO_METHOD, resource("GET", "TORRENT")),
]


@pytest.mark.parametrize(
    "method, path, headers, status, code, text, fields", REFUSALS, ids=[f"{row[0]} {row[1]}" for row in REFUSALS]
)
def test_refusals(region, bucket, method, path, headers, status, code, text, fields):
    headers = {name: value.format(bucket=bucket) for name, value in headers.items()}
    answer = send(region, method, f"/{bucket}{path}", **headers)
    found = re.search(r"<Code>(.*)</Code><Message>(.*)</Message>(.*)<RequestId>", answer.body.decode())
    assert found, answer.body
    assert (answer.status, *found.groups()) == (status, code, text, fields.format(bucket=bucket))


def test_the_service_itself(region):
    def refusal(method, path):
        answer = send(region, method, path)
        found = re.search(r"<Code>(.*)</Code><Message>(.*)</Message>(.*)<RequestId>", answer.body.decode())
        return answer.status, *found.groups()

    text = "Argument value mars is not a valid AWS Region"
    assert refusal("GET", "/?bucket-region=mars") == (400, "InvalidArgument", text, argument("bucket-region"))
    text = "Requests with bucket-region specified must be made to the corresponding regional endpoint"
    assert refusal("GET", "/?bucket-region=eu-west-1") == (400, "InvalidArgument", text, argument("bucket-region"))
    assert refusal("PUT", "/") == (405, "MethodNotAllowed", NO_METHOD, resource("PUT", "SERVICE"))
    assert send(region, "GET", "/?bucket-region=US-EAST-1").status == 200


def test_methods_that_there_are(region, bucket):
    for path, allowed in [
        ("", "HEAD, DELETE, POST, GET, PUT"), ("?cors", "DELETE, GET, PUT"), ("?delete", "POST"), ("/a?torrent", None),
    ]:
        assert send(region, "PATCH", f"/{bucket}{path}").headers.get("Allow") == allowed, path


def test_a_head_without_a_body_says_that_it_would_be_xml(region, bucket):
    for path in (bucket, f"{bucket}/none", f"none-{bucket}", f"{bucket}?versioning"):
        answer = send(region, "HEAD", f"/{path}")
        assert (answer.headers["Content-Type"], answer.body) == ("application/xml", b""), path
    assert ask(region, "HEAD", f"/{bucket}/a").headers["Content-Type"] == "application/xml"
    assert send(region, "HEAD", f"/{bucket}/a").headers["Content-Type"] == "binary/octet-stream"


@pytest.mark.parametrize(
    "body",
    [
        "<Delete/>",
        "<Delete><Object><Key>k</Key></Object><Nope/></Delete>",
        "<Delete><Object><Key>k</Key><Nope/></Object></Delete>",
        "<Delete><Object><Key>k</Key><Key>j</Key></Object></Delete>",
        "<Other><Object><Key>k</Key></Object></Other>",
    ],
)
def test_deletions_that_do_not_fit_the_schema(region, bucket, body):
    body = body.encode()
    answer = send(region, "POST", f"/{bucket}?delete", body, x_amz_checksum_sha256=sha256(body))
    assert (answer.status, answer.error["Code"]) == (400, "MalformedXML")


def test_digests_that_are_not_of_the_body(region, bucket):
    body = b"<Delete><Object><Key>none</Key></Object></Delete>"
    post = lambda **headers: send(region, "POST", f"/{bucket}?delete", body, **headers)
    assert post(x_amz_checksum_sha256=sha256(body)).status == 200
    error = post(x_amz_checksum_sha0="AAAA").error
    assert error["Message"] == "The algorithm type you specified in x-amz-checksum- header is invalid."
    fields = list(post(Content_MD5="rL0Y20xC+Fzt72VPzMSk2A==").error)
    assert fields[2:4] == ["CalculatedDigest", "ExpectedDigest"]


def sha256(body):
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def test_a_plus_in_a_copy_source_is_a_space(region, bucket, s3):
    s3.put_object(Bucket=bucket, Key="z y", Body=b"spaced")
    assert send(region, "PUT", f"/{bucket}/z", x_amz_copy_source=f"{bucket}/z+y").status == 200
    assert s3.get_object(Bucket=bucket, Key="z")["Body"].read() == b"spaced"
    assert send(region, "PUT", f"/{bucket}/z", x_amz_copy_source=f"{bucket}/z%2By").status == 404


def test_presigned_lifetimes(region, bucket):
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
    )
    for seconds, text in [
        ("604801", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"),
        ("-1", "X-Amz-Expires must be non-negative"),
        ("soon", "X-Amz-Expires should be a number"),
    ]:
        answer = ask(region, "GET", f"/{bucket}/a?{query}&X-Amz-Expires={seconds}")
        error = answer.error
        assert (answer.status, error["Code"], error["Message"]) == (400, "AuthorizationQueryParametersError", text)


def test_a_policy_with_a_condition_that_nobody_knows(bucket, s3):
    statement = (
        '{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::%s/*",'
        '"Condition":{"StringEquals":{"s3:x-acl":"private"}}}]}'
    )
    with pytest.raises(s3.exceptions.ClientError) as refused:
        s3.put_bucket_policy(Bucket=bucket, Policy=statement % bucket)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("MalformedPolicy", "Policy has an invalid condition key")
