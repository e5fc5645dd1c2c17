"""Headers, presigned URLs and forms as clients of every kind send them, and what S3 makes of the odd ones."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse
import uuid

import pytest
from botocore.auth import HmacV1Auth, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from test_s3_web import Answer, ask

BUCKET = "headers"


@pytest.fixture(scope="module")
def s3(region):
    s3 = region.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"a")
    return s3


def send(region, method, path, body=b"", version=4, drop=(), late=None, **headers):
    """A request that is signed with these headers, and sent with those of `late` besides, and without those of `drop`."""
    keys = region.exports
    address = urllib.parse.urlsplit(keys["AWS_ENDPOINT_URL"])
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    signed = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, f"{keys['AWS_ENDPOINT_URL']}{path}", data=body, headers=signed)
    request.context["payload_signing_enabled"] = True
    if version == 4:
        S3SigV4Auth(credentials, "s3", keys["AWS_DEFAULT_REGION"]).add_auth(request)
    elif version == 2:
        HmacV1Auth(credentials).add_auth(request)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.putrequest(method, path, skip_accept_encoding=True)
    sent = {name.lower(): value for name, value in request.headers.items()}
    sent.setdefault("content-length", str(len(body)))
    sent.update(late or {})
    for name, value in sent.items():
        if name not in drop:
            connection.putheader(name, value)
    connection.endheaders(body if "content-length" not in drop else None)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def refused(answer):
    return answer.status, answer.error["Code"]


PUTS = [
    ({"Content_MD5": "YWJyYWNhZGFicmE="}, 400, "InvalidDigest"),
    ({"Content_MD5": "rL0Y20xC+Fzt72VPzMSk2A=="}, 400, "BadDigest"),
    ({"Content_MD5": ""}, 400, "InvalidDigest"),
    ({"x_amz_acl": "public-ready"}, 400, "InvalidArgument"),
    ({"x_amz_storage_class": "COLD"}, 400, "InvalidStorageClass"),
]


@pytest.mark.parametrize("headers, status, code", PUTS)
def test_headers_that_s3_refuses(region, s3, headers, status, code):
    assert refused(send(region, "PUT", f"/{BUCKET}/k", b"body", **headers)) == (status, code)


@pytest.mark.parametrize(
    "headers",
    [{"Expect": "100-continue"}, {"Content_Type": ""}, {"Content_Type": "text/plain"}, {"User_Agent": ""}, {"Date": "never"}],
)
def test_headers_that_s3_takes(region, s3, headers):
    assert send(region, "PUT", f"/{BUCKET}/k", b"body", **headers).status == 200


def test_lengths(region, s3):
    path = f"/{BUCKET}/k"
    assert refused(send(region, "PUT", path, b"", drop=["content-length"])) == (411, "MissingContentLength")
    assert send(region, "PUT", path, b"x", late={"content-length": "-1"}).status == 400
    assert send(region, "PUT", path, b"x", late={"content-length": ""}).status == 400
    chunked = {"transfer-encoding": "chunked"}
    assert send(region, "PUT", path, b"", drop=["content-length"], late=chunked).status in (411, 501)
    bucket = f"/no-length-{uuid.uuid4()}"
    assert send(region, "PUT", bucket, b"", drop=["content-length"]).status == 200
    assert send(region, "DELETE", bucket, b"", drop=["content-length"]).status == 204


def test_authorizations(region, s3):
    path = f"/{BUCKET}/a"
    assert refused(ask(region, "GET", path)) == (403, "AccessDenied")
    assert refused(ask(region, "GET", path, Authorization="")) == (403, "AccessDenied")
    for scheme in ("AWS HAHAHA", "Bearer x", "AWS4-HMAC-SHA256 x"):
        assert ask(region, "GET", path, Authorization=scheme).status == 400, scheme
    for date in ("Bad Date", "", "Tue, 07 Jul 1950 21:53:04 GMT"):
        assert refused(send(region, "GET", path, version=2, late={"date": date})) == (403, "AccessDenied"), date
    for date in ("Bad Date", "", "19500707T215304Z"):
        assert refused(send(region, "GET", path, late={"x-amz-date": date})) == (403, "AccessDenied"), date
    assert refused(send(region, "GET", path, drop=["x-amz-date"])) == (403, "AccessDenied")
    # A time far off is what is wrong with it, not that its key is of another day.
    for date in ("20100707T215304Z", "29990707T215304Z"):
        assert refused(send(region, "GET", path, late={"x-amz-date": date})) == (403, "RequestTimeTooSkewed"), date
    nobodys = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20150930/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=a"
    assert refused(send(region, "GET", path, late={"authorization": nobodys})) == (403, "InvalidAccessKeyId")
    for date in ("Tue, 07 Jul 2010 21:53:04 GMT", "Tue, 07 Jul 2999 21:53:04 GMT"):
        assert refused(send(region, "GET", path, version=2, late={"date": date})) == (403, "RequestTimeTooSkewed")
    assert send(region, "GET", path, version=2).body == b"a"


@pytest.mark.parametrize(
    "query, code, text",
    [
        ("versioning&acl", "InvalidArgument", "Conflicting query string parameters: acl, versioning"),
        ("max-keys=many", "InvalidArgument", "Provided max-keys not an integer or within integer range"),
        ("list-type=2&max-keys=-1", "InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647"),
        ("list-type=2&continuation-token=", "InvalidArgument", "The continuation token provided is incorrect"),
        ("encoding-type=base64", "InvalidArgument", "Invalid Encoding Method specified in Request"),
    ],
)
def test_queries_that_s3_refuses(region, s3, query, code, text):
    answer = send(region, "GET", f"/{BUCKET}?{query}")
    assert (refused(answer), answer.error["Message"]) == ((400, code), text)


@pytest.mark.parametrize("version", [4, 2])
def test_how_an_upload_came_is_no_encoding_of_the_object(region, s3, version):
    path = f"/{BUCKET}/encoded"
    for sent, kept in (("gzip, aws-chunked", "gzip"), ("aws-chunked", None), ("gzip", "gzip")):
        assert send(region, "PUT", path, b"body", version=version, Content_Encoding=sent).status == 200
        answer = send(region, "GET", path)
        assert (answer.body, answer.headers["Content-Encoding"]) == (b"body", kept), sent


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_of_every_method(region, s3, version):
    client = region.client("s3", config=Config(signature_version=version))

    def use(operation, method, body=None, headers=None, **params):
        url = client.generate_presigned_url(operation, {"Bucket": BUCKET, **params}, 60)
        address = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        connection.request(method, f"{address.path}?{address.query}", body, headers or {})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    key = "pre signed/+ü"
    told = {"Content-Type": "x/y", "x-amz-meta-colour": "blue"}
    assert use("put_object", "PUT", b"body", told, Key=key, ContentType="x/y", Metadata={"colour": "blue"}).status == 200
    got = use("get_object", "GET", Key=key, ResponseContentDisposition="attachment; filename=x", ResponseCacheControl="no-store")
    assert (got.status, got.body, got.headers["x-amz-meta-colour"]) == (200, b"body", "blue")
    assert (got.headers["Content-Disposition"], got.headers["Cache-Control"]) == ("attachment; filename=x", "no-store")
    assert use("get_object", "GET", headers={"Range": "bytes=1-2"}, Key=key).body == b"od"
    assert use("head_object", "HEAD", Key=key).headers["Content-Length"] == "4"
    assert b"<KeyCount>1</KeyCount>" in use("list_objects_v2", "GET", Prefix="pre signed").body
    assert use("delete_object", "DELETE", Key=key).status == 204
    assert use("get_object", "GET", Key=key).status == 404
    # What was signed must come as it was signed.
    assert use("put_object", "PUT", b"body", {"Content-Type": "z/z"}, Key=key, ContentType="x/y").status == 403


def form(region, fields, file=b"body", filename="photo.jpg", bucket=BUCKET):
    boundary = "a-boundary"
    lines = []
    for name, value in fields.items():
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    body = b"".join([*lines, head.encode(), file, f"\r\n--{boundary}--\r\n".encode()])
    return ask(region, "POST", f"/{bucket}", body=body, Content_Type=f"multipart/form-data; boundary={boundary}")


def signed_form(region, fields, *conditions, expires=3600, document=None):
    """The fields with a policy that allows them, signed as in version 2."""
    keys = region.exports
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=expires)
    allowed = [{"bucket": BUCKET}, *({name: value} for name, value in fields.items() if not name.startswith("x-ignore-"))]
    if conditions:
        allowed = [{"bucket": BUCKET}, *conditions]
    policy = document or {"expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"), "conditions": allowed}
    policy = base64.b64encode(json.dumps(policy).encode()).decode()
    signature = hmac.new(keys["AWS_SECRET_ACCESS_KEY"].encode(), policy.encode(), hashlib.sha1).digest()
    signature = base64.b64encode(signature).decode()
    return {**fields, "AWSAccessKeyId": keys["AWS_ACCESS_KEY_ID"], "policy": policy, "signature": signature}


def test_forms(region, s3):
    post = lambda fields, *conditions, **more: form(region, signed_form(region, fields, *conditions), **more)
    assert post({"key": "form"}).status == 204
    assert s3.get_object(Bucket=BUCKET, Key="form")["Body"].read() == b"body"
    named = post({"key": "in/${filename}", "x-amz-meta-colour": "blue", "Content-Type": "x/y"}, ["starts-with", "$key", "in/"],
                 ["eq", "$x-amz-meta-colour", "blue"], ["starts-with", "$Content-Type", "x/"])
    assert named.status == 204
    head = s3.head_object(Bucket=BUCKET, Key="in/photo.jpg")
    assert (head["Metadata"], head["ContentType"]) == ({"colour": "blue"}, "x/y")
    created = post({"key": "a b", "success_action_status": "201"})
    assert created.status == 201
    told = created.error
    assert (told["Bucket"], told["Key"], told["ETag"]) == (BUCKET, "a b", f'"{hashlib.md5(b"body").hexdigest()}"')
    assert told["Location"].endswith(f"/{BUCKET}/a%20b")
    assert post({"key": "k", "success_action_status": "404"}).status == 204
    moved = post({"key": "k", "success_action_redirect": "http://elsewhere.test/done?x=y"})
    assert moved.status == 303 and moved.headers["Location"].startswith("http://elsewhere.test/done?x=y&bucket=headers&key=k&etag=")
    assert post({"key": "k", "x-ignore-me": "1"}).status == 204
    assert post({"kEy": "k", "aCl": "bucket-owner-full-control"}, ["StArTs-WiTh", "$KEY", "k"], ["starts-with", "$ACL", "bucket-"]).status == 204
    odd = post({"key": "\\$foo.txt"}, ["starts-with", "$key", "\\$foo"])
    assert odd.status == 204 and s3.head_object(Bucket=BUCKET, Key="\\$foo.txt")
    within = ["content-length-range", 2, 10]
    assert post({"key": "k"}, {"key": "k"}, within).status == 204
    assert refused(post({"key": "k"}, {"key": "k"}, within, file=b"x" * 11)) == (400, "EntityTooLarge")
    assert refused(post({"key": "k"}, {"key": "k"}, within, file=b"x")) == (400, "EntityTooSmall")


def test_tags_in_a_form(region, s3):
    document = "<Tagging><TagSet><Tag><Key>a b</Key><Value>1+2=3</Value></Tag></TagSet></Tagging>"
    assert form(region, signed_form(region, {"key": "tagged", "tagging": document})).status == 204
    assert s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"] == [{"Key": "a b", "Value": "1+2=3"}]
    assert refused(form(region, signed_form(region, {"key": "k", "tagging": "<no"}))) == (400, "MalformedXML")


def test_a_checksum_in_a_form(region, s3):
    digest = base64.b64encode(hashlib.sha256(b"body").digest()).decode()
    assert form(region, signed_form(region, {"key": "sum", "x-amz-checksum-sha256": digest})).status == 204
    assert s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")["ChecksumSHA256"] == digest
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert form(region, signed_form(region, {"key": "sum2", "x-amz-checksum-sha256": other})).status == 400


def test_a_form_of_anybody(region, s3):
    everybody = f"anybody-{uuid.uuid4()}"
    s3.create_bucket(Bucket=everybody, ObjectOwnership="BucketOwnerPreferred")
    fields = {"key": "k", "Content-Type": "text/plain", "x-amz-meta-a": "b"}
    assert refused(form(region, fields, bucket=everybody)) == (403, "AccessDenied")
    s3.delete_public_access_block(Bucket=everybody)
    s3.put_bucket_acl(Bucket=everybody, ACL="public-read-write")
    assert form(region, {**fields, "acl": "public-read"}, bucket=everybody).status == 204
    got = ask(region, "GET", f"/{everybody}/k")
    assert (got.status, got.body, got.headers["x-amz-meta-a"]) == (200, b"body", "b")
    overridden = ask(region, "GET", f"/{everybody}/k?response-content-type=x/y")
    assert refused(overridden) == (400, "InvalidRequest")


def test_forms_that_s3_refuses(region, s3):
    good = signed_form(region, {"key": "k"})
    check = lambda fields, status: form(region, fields).status == status or pytest.fail(f"{fields}")
    without = lambda *names: {name: value for name, value in good.items() if name not in names}
    check({**good, "AWSAccessKeyId": "foo"}, 403)
    check({**good, "signature": good["signature"][:-2] + "x="}, 403)
    check(without("signature"), 400)
    check(without("key"), 400)
    check({**good, "x-amz-meta-foo": "bar"}, 403)
    check(signed_form(region, {"key": "k"}, expires=-60), 403)
    check(signed_form(region, {"key": "k"}, ["starts-with", "$key", "other"]), 403)
    check(signed_form(region, {"key": "k"}, {"key": "k"}, ["starts-with", "$x-amz-meta-foo", "bar"]), 403)
    for conditions in (["content-length-range", 0], ["content-length-range", -1, 0], {}):
        check(signed_form(region, {"key": "k"}, {"key": "k"}, conditions), 400)
    later = "2999-01-01T00:00:00Z"
    for document in (
        {"EXPIRATION": later, "conditions": [{"bucket": BUCKET}, {"key": "k"}]},
        {"expiration": later, "CONDITIONS": [{"bucket": BUCKET}, {"key": "k"}]},
        {"expiration": later},
        {"conditions": [{"bucket": BUCKET}, {"key": "k"}]},
        {"expiration": "2999/01/01", "conditions": [{"bucket": BUCKET}, {"key": "k"}]},
    ):
        check(signed_form(region, {"key": "k"}, document=document), 400)
    lacks_bucket = {"expiration": later, "conditions": [{"key": "k"}]}
    check(signed_form(region, {"key": "k"}, document=lacks_bucket), 403)


def test_unknown_subresources_and_odd_queries(region, s3):
    get = lambda path: send(region, "GET", path)
    assert get(f"/{BUCKET}/a?unknown").body == b"a"
    assert get(f"/{BUCKET}/a?Versionid=x").body == b"a", "names in a query have a case"
    assert b"<ListBucketResult" in get(f"/{BUCKET}?whatever").body
    assert b"<ListBucketResult" in get(f"/{BUCKET}/").body
    assert b"<ListBucketResult" in get(f"/{BUCKET}/?Prefix=b&prefix=").body
    assert get("/").status == 200
    for method in ("PATCH", "POST"):
        answer = send(region, method, f"/{BUCKET}/a")
        assert refused(answer) == (405, "MethodNotAllowed"), method
    for method in ("TRACE", "LINK", "PROPFIND"):
        answer = send(region, method, f"/{BUCKET}/a")
        assert refused(answer) == (400, "BadRequest"), method
        assert "Allow" not in answer.headers
    assert ask(region, "GET", f"/{BUCKET}/%ff").status == 400
    assert refused(get("/Not_A_Bucket/a")) == (400, "InvalidBucketName")
    assert refused(get("/not-here/a")) == (404, "NoSuchBucket")
    error = get(f"/{BUCKET}/nothing").error
    assert {"Code", "Message", "Key", "RequestId", "HostId"} <= set(error)
