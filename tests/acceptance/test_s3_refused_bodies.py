"""What a client that is still sending sees of a refusal, and queries as other signers spell them."""

import http.client
import ssl
import urllib.parse
import uuid

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def address(region):
    parts = urllib.parse.urlsplit(region.exports["AWS_ENDPOINT_URL"])
    return parts.hostname, parts.port


def connect(region):
    host, port = address(region)
    authority = region.exports.get("AWS_CA_BUNDLE")
    if authority is None:
        return http.client.HTTPConnection(host, port, timeout=30)
    return http.client.HTTPSConnection(host, port, timeout=30, context=ssl.create_default_context(cafile=authority))


@pytest.fixture(scope="module")
def bucket(region):
    name = f"refused-{uuid.uuid4().hex[:8]}"
    region.client("s3").create_bucket(Bucket=name)
    return name


@pytest.mark.parametrize("pieces", [[], [b"x" * 70_000] * 20])
@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_refusal_leaves_a_connection_to_who_is_still_sending(region, bucket, framing, pieces):
    connection = connect(region)
    length = sum(map(len, pieces)) + len(b"the end")
    connection.putrequest("PUT", f"/{bucket}/nobody-may", skip_accept_encoding=True)
    if framing == "chunked":
        connection.putheader("transfer-encoding", "chunked")
        connection.putheader("content-encoding", "aws-chunked")
        connection.putheader("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        connection.putheader("x-amz-decoded-content-length", str(length))
    else:
        connection.putheader("content-length", str(length))
    connection.endheaders()
    port = connection.sock.getsockname()
    # Nothing of the body is there yet: so the refusal is on its way before it.
    answer = http.client.HTTPResponse(connection.sock, method="PUT")
    answer.begin()
    assert (answer.status, b"<Code>AccessDenied</Code>" in answer.read()) == (403, True)
    for piece in [*pieces, b"the end"]:
        connection.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if framing == "chunked" else piece)
    if framing == "chunked":
        connection.sock.sendall(b"0\r\n\r\n")
    connection.sock.sendall(b"HEAD /no-such-bucket-of-anybody HTTP/1.1\r\nhost: localhost\r\n\r\n")
    answer = http.client.HTTPResponse(connection.sock, method="HEAD")
    answer.begin()
    assert answer.status in (403, 404) and connection.sock.getsockname() == port
    connection.close()


def test_a_plus_in_a_query_is_signed_as_the_space_that_it_is(region, bucket):
    region.client("s3").put_object(Bucket=bucket, Key="foo bar/a+b", Body=b"x")
    exports = region.exports
    keys = Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])

    def listed(signed, sent):
        request = AWSRequest("GET", f"{exports['AWS_ENDPOINT_URL']}/{bucket}?{signed}")
        S3SigV4Auth(keys, "s3", exports["AWS_DEFAULT_REGION"]).add_auth(request)
        connection = connect(region)
        connection.request("GET", f"/{bucket}?{sent}", headers=dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, b"<Key>foo bar/a+b</Key>" in answer.read()

    assert listed("list-type=2&prefix=foo%20bar%2F", "list-type=2&prefix=foo+bar%2F") == (200, True)
    assert listed("list-type=2&prefix=foo%20bar%2Fa%2B", "list-type=2&prefix=foo+bar%2Fa%2B") == (200, True)
    assert listed("list-type=2&prefix=foo%2Bbar%2F", "list-type=2&prefix=foo+bar%2F") == (403, False)
