"""S3 for browsers: pages of other origins, websites, addresses of every form, and errors as S3 has them."""

import http.client
import re
import socket
import urllib.parse
import xml.etree.ElementTree as tree

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from test_bucket_policies import code, policy

BUCKET = "web"


class Answer:
    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    @property
    def error(self):
        return {element.tag: element.text for element in tree.fromstring(self.body)}


def ask(region, method, path, host=None, body=None, **headers):
    """A request without a signature, with nothing added or made nicer."""
    address = urllib.parse.urlsplit(region.exports["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", f"{host or 'localhost'}:{address.port}")
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


@pytest.fixture(scope="module")
def s3(region):
    """With a bucket that anybody reads."""
    s3 = region.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.delete_public_access_block(Bucket=BUCKET)
    everything = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"]}
    everything["Resource"] = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(everything))
    for key in ("index.html", "docs/index.html", "docs/new page", "error.html", "a"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=f"<{key}>".encode(), ContentType="text/html")
    return s3


RULE = {
    "ID": "one",
    "AllowedOrigins": ["https://*.example"],
    "AllowedMethods": ["GET", "PUT"],
    "AllowedHeaders": ["X-*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 60,
}


def test_pages_of_other_origins(region, s3):
    assert code(s3.get_bucket_cors, Bucket=BUCKET) == ("NoSuchCORSConfiguration", 404)
    question = {"Origin": "https://a.example", "Access_Control_Request_Method": "PUT"}
    refused = ask(region, "OPTIONS", f"/{BUCKET}/a", **question)
    assert (refused.status, refused.error["Code"]) == (403, "AccessForbidden")
    assert refused.error["Message"] == "CORSResponse: CORS is not enabled for this bucket."
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [RULE]})
    assert s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"] == [RULE]
    for path, host in ((f"/{BUCKET}/a", None), ("/a", f"{BUCKET}.s3.localhost"), ("/a", f"{BUCKET}.localhost")):
        told = ask(region, "OPTIONS", path, host, **question, Access_Control_Request_Headers="X-Amz-Date, x-b")
        assert told.status == 200 and told.body == b"", path
        assert told.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert told.headers["Access-Control-Allow-Methods"] == "GET, PUT"
        assert told.headers["Access-Control-Allow-Headers"] == "x-amz-date, x-b"
        assert told.headers["Access-Control-Max-Age"] == "60"
        assert "Origin" in told.headers["Vary"]
    refused = ask(region, "OPTIONS", f"/{BUCKET}/a", Origin="https://b.test", Access_Control_Request_Method="GET")
    assert refused.status == 403 and refused.error["ResourceType"] == "OBJECT"
    assert ask(region, "OPTIONS", f"/{BUCKET}/a").status == 400
    got = ask(region, "GET", f"/{BUCKET}/a", Origin="https://a.example")
    assert got.status == 200 and got.headers["Access-Control-Expose-Headers"] == "ETag"
    missing = ask(region, "GET", f"/{BUCKET}/nothing", Origin="https://a.example")
    assert missing.status == 404 and missing.headers["Access-Control-Allow-Origin"] == "https://a.example"
    # A request may say itself which method it is about.
    put = ask(region, "GET", f"/{BUCKET}/a", Origin="https://a.example", Access_Control_Request_Method="DELETE")
    assert put.status == 200 and "Access-Control-Allow-Origin" not in put.headers
    other = ask(region, "GET", f"/{BUCKET}/a", Origin="https://b.test")
    assert other.status == 200 and "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Origin" not in ask(region, "GET", f"/{BUCKET}/a").headers
    s3.delete_bucket_cors(Bucket=BUCKET)
    assert code(s3.get_bucket_cors, Bucket=BUCKET) == ("NoSuchCORSConfiguration", 404)


@pytest.mark.parametrize(
    "change, text",
    [
        ({"AllowedMethods": ["PATCH"]}, "Unsupported method is PATCH"),
        ({"AllowedOrigins": ["http://*.*"]}, "can not have more than one wildcard"),
        ({"ExposeHeaders": ["x-*"]}, "contains wildcard"),
    ],
)
def test_rules_that_s3_refuses(s3, change, text):
    with pytest.raises(ClientError, match=text) as refused:
        s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [{**RULE, **change}]})
    assert refused.value.response["Error"]["Code"] == "InvalidRequest"


WEBSITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "error.html"},
    "RoutingRules": [
        {
            "Condition": {"KeyPrefixEquals": "old/"},
            "Redirect": {"ReplaceKeyPrefixWith": "docs/", "HttpRedirectCode": "302"},
        },
        {
            "Condition": {"KeyPrefixEquals": "gone/", "HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"HostName": "elsewhere.test", "Protocol": "https", "ReplaceKeyWith": "lost.html"},
        },
    ],
}


@pytest.mark.parametrize("host", [f"{BUCKET}.s3-website-us-east-1.localhost", f"{BUCKET}.s3-website.us-east-1.localhost"])
def test_a_bucket_is_a_website(region, s3, host):
    def visit(path, method="GET", **headers):
        return ask(region, method, path, host, **headers)

    s3.delete_bucket_website(Bucket=BUCKET)
    none = visit("/")
    assert none.status == 404 and b"<li>Code: NoSuchWebsiteConfiguration</li>" in none.body
    s3.put_bucket_website(Bucket=BUCKET, WebsiteConfiguration=WEBSITE)
    stored = s3.get_bucket_website(Bucket=BUCKET)
    assert {name: stored[name] for name in WEBSITE} == WEBSITE
    for path, body in (("/", b"<index.html>"), ("/docs/", b"<docs/index.html>"), ("/docs/new%20page", b"<docs/new page>")):
        page = visit(path)
        assert (page.status, page.body, page.headers["Content-Type"]) == (200, body, "text/html"), path
    head = visit("/", "HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "12")
    part = visit("/", Range="bytes=1-5")
    assert (part.status, part.body) == (206, b"index")
    assert visit("/", If_None_Match=head.headers["ETag"]).status == 304
    folder = visit("/docs")
    assert (folder.status, folder.headers["Location"]) == (302, "/docs/")
    missing = visit("/nothing")
    assert (missing.status, missing.body) == (404, b"<error.html>")
    moved = visit("/old/new%20page")
    assert moved.status == 302 and re.fullmatch(rf"http://{host}:\d+/docs/new%20page", moved.headers["Location"])
    lost = visit("/gone/x")
    assert (lost.status, lost.headers["Location"]) == (301, "https://elsewhere.test/lost.html")
    assert visit("/", "POST", body=b"").status == 405
    s3.put_object(Bucket=BUCKET, Key="led", Body=b"", WebsiteRedirectLocation="/docs/")
    led = visit("/led")
    assert (led.status, led.headers["Location"], led.body) == (301, "/docs/", b"")
    s3.put_bucket_website(Bucket=BUCKET, WebsiteConfiguration={"IndexDocument": {"Suffix": "x"}})
    bare = visit("/nothing")
    assert bare.status == 404 and b"<h1>404 Not Found</h1>" in bare.body and b"<li>Key: nothing</li>" in bare.body
    assert bare.headers["x-amz-error-code"] == "NoSuchKey" and bare.headers["Content-Type"].startswith("text/html")
    all_of_it = {"RedirectAllRequestsTo": {"HostName": "elsewhere.test", "Protocol": "https"}}
    s3.put_bucket_website(Bucket=BUCKET, WebsiteConfiguration=all_of_it)
    assert visit("/a/b").headers["Location"] == "https://elsewhere.test/a/b"


def test_a_website_shows_nobody_what_nobody_may_read(region):
    s3 = region.client("s3")
    s3.create_bucket(Bucket="closed")
    s3.put_object(Bucket="closed", Key="index.html", Body=b"secret")
    s3.put_bucket_website(Bucket="closed", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    refused = ask(region, "GET", "/", "closed.s3-website-us-east-1.localhost")
    assert refused.status == 403 and b"<li>Code: AccessDenied</li>" in refused.body and b"secret" not in refused.body
    gone = ask(region, "GET", "/", "nowhere.s3-website-us-east-1.localhost")
    assert gone.status == 404 and b"<li>Code: NoSuchBucket</li>" in gone.body


KEYS = ["a//b", "a/./b", "a/../b", "a%2Fb", "a/b/", "ü/漢", "a b+c", "/a", "a?b#c", "a&b=c;d:e@f,g!h'(i)*~", "\\x", "a%20"]


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_odd_keys_in_both_styles(region, monkeypatch, style):
    resolve_localhost(monkeypatch)
    s3 = region.client("s3", config=Config(s3={"addressing_style": style}), endpoint_url=named(region))
    bucket = f"my.odd.{style}"
    s3.create_bucket(Bucket=bucket)
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=str.encode)
    for key in KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
        s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=bucket)


def named(region):
    """The endpoint by a name, in front of which a bucket can stand."""
    return region.exports["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")


def resolve_localhost(monkeypatch):
    """Names below `localhost` are this machine's (RFC 6761), which not every resolver knows."""
    resolve = socket.getaddrinfo
    known = lambda host, *rest, **more: resolve("127.0.0.1" if str(host).endswith("localhost") else host, *rest, **more)
    monkeypatch.setattr(socket, "getaddrinfo", known)


@pytest.mark.parametrize("host", ["web.s3.localhost", "web.s3.us-east-1.localhost", "web.localhost", "WEB.s3-us-east-1.localhost"])
def test_a_bucket_in_a_host_name(region, s3, host):
    assert ask(region, "GET", "/a", host).body == b"<a>"
    missing = ask(region, "GET", "/nothing/", host)
    assert missing.status == 404 and missing.error["Key"] == "nothing/"


def test_errors_are_documents_with_two_ids(region, s3):
    missing = ask(region, "GET", f"/{BUCKET}/nothing")
    error = missing.error
    assert missing.status == 404 and missing.headers["Content-Type"] == "application/xml"
    assert (error["Code"], error["Key"]) == ("NoSuchKey", "nothing")
    assert error["RequestId"] == missing.headers["x-amz-request-id"] and error["HostId"] == missing.headers["x-amz-id-2"]
    assert missing.headers["Server"] == "AmazonS3" and missing.headers["Date"].endswith(" GMT")
    head = ask(region, "HEAD", f"/{BUCKET}/nothing")
    assert (head.status, head.body) == (404, b"")
    got = ask(region, "GET", f"/{BUCKET}/a")
    assert re.fullmatch(r'"[0-9a-f]{32}"', got.headers["ETag"]) and got.headers["Last-Modified"].endswith(" GMT")
    assert ask(region, "PATCH", f"/{BUCKET}/a").error["Code"] == "MethodNotAllowed"
    assert ask(region, "GET", f"/{BUCKET}/a?unknown&x=y").status == 200
    assert ask(region, "PUT", f"/{BUCKET}/a").status in (403, 411)


def test_another_region_is_named(region, s3):
    elsewhere = region.client("s3", region_name="eu-west-3")
    with pytest.raises(ClientError) as refused:
        elsewhere.list_buckets()
    error = refused.value.response
    assert (error["Error"]["Code"], error["Error"]["Region"]) == ("AuthorizationHeaderMalformed", "us-east-1")
    # Where a client asks about a bucket, it takes the hint and asks again.
    assert elsewhere.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"<a>"
    assert elsewhere.head_object(Bucket=BUCKET, Key="a")["ContentLength"] == 3
    assert ask(region, "HEAD", "/nowhere").status == 404
    assert ask(region, "HEAD", f"/{BUCKET}").headers["x-amz-bucket-region"] == "us-east-1"
