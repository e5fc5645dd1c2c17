"""Host names that are buckets because the operator says so: below a domain of S3's own, and names of websites."""

import http.client
import json
import urllib.parse
import uuid

import pytest
from botocore.config import Config

from conftest import make_region


@pytest.fixture(scope="module")
def named(tmp_path_factory, images):
    """A region with a domain of buckets and names of websites."""
    arguments = ("--s3-domains", "objects.example.net", "--s3-websites", "www.example.net,*.pages.example.net")
    region = make_region(tmp_path_factory.mktemp("named") / "data", "sim", images, *arguments)
    yield region.start()
    region.dispose()


def ask(region, host, path="/", method="GET", **headers):
    address = urllib.parse.urlsplit(region.exports["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request(method, path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    return answer.status, answer.read()


def public(region, bucket):
    s3 = region.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="index.html", Body=bucket.encode())
    return s3


def test_names_below_a_domain_are_buckets(named):
    bucket = f"names.{uuid.uuid4()}"
    public(named, bucket)
    for host in (f"{bucket}.objects.example.net", f"{bucket}.OBJECTS.example.net:4566", f"{bucket}.s3.objects.example.net"):
        assert ask(named, host, "/index.html") == (200, bucket.encode()), host
    assert ask(named, "objects.example.net", f"/{bucket}/index.html") == (200, bucket.encode()), "path style"
    for version in ("s3v4", "s3"):
        config = Config(s3={"addressing_style": "virtual"}, signature_version=version)
        s3 = named.client("s3", endpoint_url="http://objects.example.net", config=config)
        url = urllib.parse.urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "index.html"}))
        assert url.netloc == f"{bucket}.objects.example.net"
        assert ask(named, url.netloc, f"{url.path}?{url.query}") == (200, bucket.encode()), version
        assert ask(named, url.netloc, f"{url.path}x?{url.query}")[0] == 403, "of another key"


def test_a_name_leads_to_the_website_of_the_bucket_of_this_name(named):
    for bucket in ("www.example.net", "a.b.pages.example.net"):
        s3 = public(named, bucket)
        status, body = ask(named, bucket)
        assert status == 404 and b"NoSuchWebsiteConfiguration" in body, "its index is no website yet"
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
        assert ask(named, bucket) == (200, bucket.encode())
        assert ask(named, f"{bucket}:80", "/nothing")[0] == 403
    status, body = ask(named, "nobody.pages.example.net")
    assert status == 404 and b"NoSuchBucket" in body
    assert ask(named, "other.example.net")[0] == 403, "any other name leads to the services"
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIANOBODY/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"}
    status, body = ask(named, "www.example.net", **signed)
    assert status in (400, 403) and b"<html>" not in body, "who signs speaks to a service"
