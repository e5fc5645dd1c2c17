"""Conditions on how a request was made are true to it: by which signature, over TLS or not, from which page."""

import json
import ssl
import urllib.error
import urllib.request

import pytest
from botocore.config import Config

from region import Region

BUCKET = "manners"

# What each key is denied under.
CONDITIONS = {
    "header": {"StringEquals": {"s3:authType": "REST-HEADER"}},
    "query": {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}},
    "form": {"StringEquals": {"s3:authType": "POST"}},
    "nobody": {"Null": {"s3:authType": "true"}},
    "v4": {"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}},
    "v2": {"StringEquals": {"s3:signatureversion": "AWS"}},
    "aged": {"Null": {"s3:signatureAge": "false"}},
    # More than an hour old: nothing here is.
    "old": {"NumericGreaterThan": {"s3:signatureAge": "3600000"}},
    "tls": {"NumericGreaterThanEquals": {"s3:TlsVersion": "1.2"}},
    "tls-3": {"NumericEquals": {"s3:TlsVersion": "1.3"}},
    "plain": {"Bool": {"aws:SecureTransport": "false"}},
    "hashed": {"StringLike": {"s3:x-amz-content-sha256": "*"}},
    "unsigned": {"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}},
    "referred": {"StringLike": {"aws:Referer": "https://shop.example/*"}},
    "agent": {"StringLike": {"aws:UserAgent": "*Botocore/*"}},
}

OPEN = ssl._create_unverified_context()


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manners") / "data"
    region = Region(folder, "sim", "--tls", "self-signed", "--allow-plain").start()
    yield region
    region.dispose()


def client(region, signature="s3v4", is_plain=False, **options):
    # The TLS port answers plain requests too.
    url = region.exports["AWS_ENDPOINT_URL"]
    exports = region.exports
    if is_plain:
        region.exports = {**exports, "AWS_ENDPOINT_URL": url.replace("https://", "http://")}
    try:
        config = Config(signature_version=signature, s3={"addressing_style": "path", **options})
        verify = {} if is_plain else {"verify": exports["AWS_CA_BUNDLE"]}
        return region.client("s3", config=config, **verify)
    finally:
        region.exports = exports


@pytest.fixture(scope="module")
def bucket(region):
    s3 = client(region)
    s3.create_bucket(Bucket=BUCKET)
    s3.delete_public_access_block(Bucket=BUCKET)
    for name in CONDITIONS:
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    everything = {"Principal": "*", "Action": ["s3:GetObject", "s3:PutObject"]}
    allow = {"Effect": "Allow", **everything, "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    deny = [
        {"Effect": "Deny", **everything, "Resource": f"arn:aws:s3:::{BUCKET}/{name}", "Condition": condition}
        for name, condition in CONDITIONS.items()
    ]
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow, *deny]}))
    return s3


def ask(url, data=None, **headers):
    request = urllib.request.Request(url, data, headers)
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=OPEN)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def denied(get):
    """Which of the conditions hold for a way to ask."""
    held = set()
    for name in CONDITIONS:
        status = get(name)
        assert status in (200, 204, 403), (name, status)
        if status == 403:
            held.add(name)
    return held


def by_client(s3):
    def get(name):
        try:
            return s3.get_object(Bucket=BUCKET, Key=name)["ResponseMetadata"]["HTTPStatusCode"]
        except s3.exceptions.ClientError as refused:
            return refused.response["ResponseMetadata"]["HTTPStatusCode"]

    return get


def by_url(s3, **headers):
    return lambda name: ask(
        s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": name}), **headers
    )


def by_form(s3):
    def post(name):
        form = s3.generate_presigned_post(BUCKET, name)
        fields = [*form["fields"].items(), ("file", "x")]
        parts = (f'--frontier\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields)
        body = "".join(parts) + "--frontier--\r\n"
        return ask(form["url"], body.encode(), **{"Content-Type": "multipart/form-data; boundary=frontier"})

    return post


SECURE = {"tls", "tls-3"}


def test_signed_headers(region, bucket):
    # SDKs send the hash of what they send; of a request without a body, that of nothing.
    assert denied(by_client(bucket)) == {"header", "v4", "hashed", "agent", *SECURE}
    assert denied(by_client(client(region, is_plain=True))) == {"header", "v4", "hashed", "agent", "plain"}
    assert denied(by_client(client(region, "s3"))) == {"header", "v2", "agent", *SECURE}


def test_presigned_urls(region, bucket):
    assert denied(by_url(bucket)) == {"query", "v4", "aged", *SECURE}
    assert denied(by_url(client(region, "s3"))) == {"query", "v2", "aged", *SECURE}
    assert denied(by_url(client(region, is_plain=True))) == {"query", "v4", "aged", "plain"}


def test_forms(region, bucket):
    assert denied(by_form(bucket)) == {"form", "v4", "aged", *SECURE}
    assert denied(by_form(client(region, "s3", is_plain=True))) == {"form", "v2", "aged", "plain"}


def test_nobody_and_what_headers_say(region, bucket):
    url = f"{region.exports['AWS_ENDPOINT_URL']}/{BUCKET}/"
    assert denied(lambda name: ask(url + name)) == {"nobody", *SECURE}
    referer = {"Referer": "https://shop.example/cart", "User-Agent": "x Botocore/1"}
    assert denied(lambda name: ask(url + name, **referer)) == {"nobody", "referred", "agent", *SECURE}
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    assert denied(lambda name: ask(url + name, **unsigned)) == {"nobody", "hashed", "unsigned", *SECURE}
