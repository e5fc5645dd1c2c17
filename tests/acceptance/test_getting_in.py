"""Trying to get in: what is said, added, exchanged or cut by somebody who has seen a signed request, or has another's key."""

import hashlib
import hmac
import http.client
import json
import time
import urllib.parse

import botocore.exceptions
import pytest

BUCKET = "walled"
EMPTY = hashlib.sha256(b"").hexdigest()


class Signer:
    """Signs as version 4 says, and leaves out, adds and exchanges what it is told to."""

    def __init__(self, region):
        self.host = urllib.parse.urlsplit(region.exports["AWS_ENDPOINT_URL"]).netloc
        self.access_key = region.exports["AWS_ACCESS_KEY_ID"]
        self.secret = region.exports["AWS_SECRET_ACCESS_KEY"]

    def begin(self, service="s3", late=0):
        self.moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - late))
        self.scope = f"{self.moment[:8]}/us-east-1/{service}/aws4_request"
        self.key = ("AWS4" + self.secret).encode()
        for part in self.scope.split("/"):
            self.key = hmac.new(self.key, part.encode(), hashlib.sha256).digest()

    def sign(self, *lines):
        return hmac.new(self.key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()

    def of_request(self, method, path, query, headers, payload):
        names = ";".join(sorted(headers))
        canonical = [method, path, query, *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names, payload]
        digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
        return names, self.sign("AWS4-HMAC-SHA256", self.moment, self.scope, digest)

    def headers(self, method, path, payload, more=(), signed=None, query="", **begin):
        """The headers of a request; of them `signed` are signed, else all."""
        self.begin(**begin)
        headers = {"host": self.host, "x-amz-date": self.moment, "x-amz-content-sha256": payload, **dict(more)}
        chosen = {name: headers[name] for name in signed or headers}
        names, signature = self.of_request(method, path, query, chosen, payload)
        self.signature = signature
        claim = f"Credential={self.access_key}/{self.scope}, SignedHeaders={names}, Signature={signature}"
        return [*headers.items(), ("authorization", f"AWS4-HMAC-SHA256 {claim}")]

    def link(self, method, path):
        self.begin()
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self.access_key}/{self.scope}",
            "X-Amz-Date": self.moment,
            "X-Amz-Expires": "60",
            "X-Amz-SignedHeaders": "host",
        }
        query = urllib.parse.urlencode(sorted(query.items()), quote_via=urllib.parse.quote, safe="-_.~")
        _, signature = self.of_request(method, path, query, {"host": self.host}, "UNSIGNED-PAYLOAD")
        return f"{path}?{query}&X-Amz-Signature={signature}"

    def send(self, method, target, headers=(), body=b""):
        connection = http.client.HTTPConnection(self.host, timeout=30)
        has_host = any(name == "host" for name, _ in headers)
        connection.putrequest(method, target, skip_host=has_host, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture(scope="module")
def signer(region):
    s3 = region.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="kept/secret", Body=b"secret")
    return Signer(region)


SECRET = f"/{BUCKET}/kept/secret"


def test_what_is_not_signed_is_not_believed(signer):
    assert signer.send("GET", SECRET, signer.headers("GET", SECRET, EMPTY)) == (200, b"secret")
    plain = ["x-amz-content-sha256", "x-amz-date"]
    other = hashlib.sha256(b"other").hexdigest()
    for what, headers, statuses in [
        ("the host", signer.headers("GET", SECRET, EMPTY, signed=plain), {403}),
        ("an added header", [*signer.headers("GET", SECRET, EMPTY), ("x-amz-acl", "public-read")], {403}),
        ("an added token", [*signer.headers("GET", SECRET, EMPTY), ("x-amz-security-token", "x")], {400, 403}),
        ("a second date", [*signer.headers("GET", SECRET, EMPTY), ("x-amz-date", "20000101T000000Z")], {400, 403}),
        ("a second host", [*signer.headers("GET", SECRET, EMPTY), ("host", "elsewhere")], {400}),
        ("a second claim", [*signer.headers("GET", SECRET, EMPTY), ("authorization", "AWS4-HMAC-SHA256 x")], {400}),
        ("another service", signer.headers("GET", SECRET, EMPTY, service="iam"), {400}),
        ("a quarter of an hour ago", signer.headers("GET", SECRET, EMPTY, late=901), {403}),
        ("of another method", signer.headers("HEAD", SECRET, EMPTY), {403}),
        ("of another path", signer.headers("GET", f"/{BUCKET}/kept", EMPTY), {403}),
        ("of another body", signer.headers("GET", SECRET, other), {400}),
    ]:
        status, text = signer.send("GET", SECRET, headers)
        assert status in statuses and b"secret" != text, (what, status, text)
    both = f"{SECRET}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={'0' * 64}"
    assert signer.send("GET", both, signer.headers("GET", SECRET, EMPTY))[0] == 400
    # S3's keys are what they are: no path is shortened on the way to one.
    around = f"/{BUCKET}/x/../kept/secret"
    assert signer.send("GET", around, signer.headers("GET", SECRET, EMPTY))[0] == 403
    assert signer.send("GET", around, signer.headers("GET", around, EMPTY))[0] == 404


def test_a_link_is_good_for_what_it_was_made_for(signer):
    link = signer.link("GET", SECRET)
    assert signer.send("GET", link) == (200, b"secret")
    for what, method, target, headers in [
        ("another method", "HEAD", link, []),
        ("another method", "DELETE", link, []),
        ("another method", "PUT", link, []),
        ("another part of it", "GET", link + "&acl", []),
        ("another version", "GET", link + "&versionId=null", []),
        ("another type", "GET", link + "&response-content-type=text%2Fhtml", []),
        ("a longer life", "GET", link.replace("Expires=60", "Expires=600"), []),
        ("a second life", "GET", link + "&X-Amz-Expires=600", []),
        ("a second signature", "GET", link + "&X-Amz-Signature=0", []),
        ("a token", "GET", link + "&X-Amz-Security-Token=x", []),
        ("a token", "GET", link, [("x-amz-security-token", "x")]),
        ("a header", "GET", link, [("x-amz-meta-a", "b")]),
    ]:
        status, text = signer.send(method, target, headers)
        assert status in {400, 403}, (what, status, text)
    link = signer.link("PUT", f"/{BUCKET}/given")
    for header in [("x-amz-copy-source", SECRET), ("x-amz-acl", "public-read"), ("x-amz-tagging", "a=b")]:
        assert signer.send("PUT", link, [header], b"mine")[0] == 403, header
    assert signer.send("PUT", link, [], b"mine")[0] == 200


def chunks(signer):
    """The signed chunks of an upload, of which each is signed with the one before it."""
    before, made = signer.signature, []
    for data in [b"A" * 8192, b"B" * 100, b""]:
        digest = hashlib.sha256(data).hexdigest()
        before = signer.sign("AWS4-HMAC-SHA256-PAYLOAD", signer.moment, signer.scope, before, EMPTY, digest)
        made.append(f"{len(data):x};chunk-signature={before}\r\n".encode() + data + b"\r\n")
    return made


def test_chunks_are_a_chain(signer):
    path, marker = f"/{BUCKET}/chained", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    more = [("content-encoding", "aws-chunked")]

    def upload(change, length="8292"):
        headers = signer.headers("PUT", path, marker, [*more, ("x-amz-decoded-content-length", length)])
        return signer.send("PUT", path, headers, b"".join(change(*chunks(signer))))[0]

    def is_there():
        return signer.send("GET", path, signer.headers("GET", path, EMPTY))[0] == 200

    for what, change in {
        "exchanged": lambda first, second, last: [second, first, last],
        "changed": lambda first, second, last: [first, second.replace(b"B", b"C"), last],
        "left out": lambda first, second, last: [first, last],
        "repeated": lambda first, second, last: [first, first, second, last],
        "unsigned": lambda first, second, last: [first, b"64\r\n" + b"B" * 100 + b"\r\n", last],
        "without an end": lambda first, second, last: [first, second],
        "with more after the end": lambda first, second, last: [first, second, last, b"more"],
    }.items():
        assert upload(change) in {400, 403} and not is_there(), what
    for length in ["100", "9000"]:
        assert upload(lambda *all_of_them: all_of_them, length) in {400, 403} and not is_there(), length
    assert upload(lambda *all_of_them: all_of_them) == 200 and is_there()


def test_nobody_says_where_a_call_comes_from(region):
    iam = region.client("iam")
    iam.create_user(UserName="away")
    key = iam.create_access_key(UserName="away")["AccessKey"]
    held = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def allow(condition):
        statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*", "Condition": condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="away", PolicyName="from", PolicyDocument=document)

    def listed(**headers):
        s3 = region.client("s3", **held)
        s3.meta.events.register("before-send.s3.*", lambda request, **_: request.headers.update(headers))
        try:
            s3.list_buckets()
        except botocore.exceptions.ClientError as refused:
            assert refused.response["Error"]["Code"] == "AccessDenied"
            return False
        return True

    allow({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    for name in ["X-Forwarded-For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"]:
        assert not listed(**{name: "203.0.113.9"}), name
    assert not listed(Forwarded="for=203.0.113.9")
    allow({"Bool": {"aws:SecureTransport": "true"}})
    assert not listed(**{"X-Forwarded-Proto": "https", "Forwarded": "proto=https"})
    allow({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})
    assert listed(**{"X-Forwarded-For": "203.0.113.9"})


def test_a_token_is_good_with_its_own_key_and_to_its_end(region):
    sts, iam = region.client("sts"), region.client("iam")
    given = []
    for name in ["one", "two"]:
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        held = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        given.append(region.client("sts", **held).get_session_token()["Credentials"])
    one, two = given

    def who(key, secret, token):
        held = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}
        try:
            return region.client("sts", **held).get_caller_identity()["Arn"].split("/")[-1]
        except botocore.exceptions.ClientError as refused:
            return refused.response["Error"]["Code"]

    assert who(one["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"]) == "one"
    for key, secret, token in [
        (one["AccessKeyId"], one["SecretAccessKey"], two["SessionToken"]),
        (one["AccessKeyId"], two["SecretAccessKey"], one["SessionToken"]),
        (two["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"]),
        (one["AccessKeyId"], one["SecretAccessKey"], None),
        (one["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"][:-4]),
        (one["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"].swapcase()),
    ]:
        assert who(key, secret, token) in {"InvalidClientTokenId", "SignatureDoesNotMatch"}
    for key in iam.list_access_keys(UserName="one")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="one", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="one")
    assert who(one["AccessKeyId"], one["SecretAccessKey"], one["SessionToken"]) == "InvalidClientTokenId"
    assert sts.get_caller_identity()["Arn"].endswith(":root")
