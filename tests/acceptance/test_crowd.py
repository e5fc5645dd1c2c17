"""A thousand clients at a time, plain and over TLS, of a region that was started with few files to open."""

import asyncio
import resource
import ssl
import urllib.parse

import pytest

from region import BINARY, Region

COUNT = 1000
REQUEST = b"GET /_welkin/health HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def descriptors():
    """Our own ends of the connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Where the limit is lower, root may raise it; who may not fails here, and learns why.
    hard = max(before[1], COUNT + 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(params=["off", "self-signed"])
def region(request, tmp_path, monkeypatch):
    wrapper = tmp_path / "with-few-files"
    wrapper.write_text(f'#!/bin/sh\nulimit -Sn 256\nexec {BINARY} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr("region.BINARY", wrapper)
    region = Region(tmp_path / "data", "sim", "--tls", request.param).start()
    yield region
    region.dispose()


async def ask(reader, writer):
    writer.write(REQUEST)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    await asyncio.wait_for(reader.readuntil(b"}\n"), 60)
    return head.startswith(b"HTTP/1.1 200 ")


async def crowd(host, port, context):
    opened = await asyncio.gather(*(asyncio.open_connection(host, port, ssl=context) for _ in range(COUNT)))
    # All of them are open now; each is answered, and again.
    for _ in range(2):
        assert all(await asyncio.gather(*(ask(*streams) for streams in opened)))
    for _, writer in opened:
        writer.transport.abort()


def test_a_thousand_connections_are_answered_at_once(region):
    endpoint = urllib.parse.urlparse(region.exports["AWS_ENDPOINT_URL"])
    authority = region.exports.get("AWS_CA_BUNDLE")
    context = ssl.create_default_context(cafile=authority) if endpoint.scheme == "https" else None
    asyncio.run(asyncio.wait_for(crowd(endpoint.hostname, endpoint.port, context), 120))
    assert "cannot accept" not in region.log_file("log").read_text()
    assert region.client("sts", verify=authority).get_caller_identity()["Account"] == region.account
