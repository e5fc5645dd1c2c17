"""Unmodified clients over https: with the certificate that a region makes itself, and with one that is given."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest

from region import Region, environment, welkin
from waiting import until


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    region = Region(tmp_path_factory.mktemp("tls") / "data", "sim", "--tls", "self-signed").start()
    yield region
    region.dispose()


def health(url, authority):
    context = ssl.create_default_context(cafile=authority)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{url}/_welkin/health", timeout=20) as answer:
        return answer.status


def certificate(folder, name, kind):
    """A certificate for localhost by itself, its key in one of the forms there are."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    make = {
        "pkcs8": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{key}.new"],
        "pkcs1": ["genrsa", "-traditional", "-out", f"{key}.new", "2048"],
        "sec1": ["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", f"{key}.new"],
    }[kind]
    openssl = shutil.which("openssl")
    # Put in place whole, as tools that renew certificates do.
    subprocess.run([openssl, *make], check=True, capture_output=True)
    request = ["req", "-x509", "-key", f"{key}.new", "-subj", f"/CN={name}", "-days", "2", "-out", f"{chain}.new"]
    names = ["-addext", "subjectAltName=DNS:localhost,DNS:*.s3.localhost,IP:127.0.0.1"]
    subprocess.run([openssl, *request, *names], check=True, capture_output=True)
    os.replace(f"{key}.new", key)
    os.replace(f"{chain}.new", chain)
    return chain, key


def test_env_leads_the_aws_cli_to_https(secure):
    assert secure.exports["AWS_ENDPOINT_URL"].startswith("https://127.0.0.1:")
    assert pathlib.Path(secure.exports["AWS_CA_BUNDLE"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert secure.account in secure.aws("sts", "get-caller-identity")
    # Who does not trust the authority does not come through.
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        health(secure.exports["AWS_ENDPOINT_URL"], None)


def test_objects_go_both_ways(secure, tmp_path):
    """Over https the clients leave the body unsigned, with a checksum in a trailer."""
    file = tmp_path / "file"
    file.write_bytes(os.urandom(7 << 20))
    secure.aws("s3", "mb", "s3://secure-bucket")
    secure.aws("s3", "cp", file, "s3://secure-bucket/large")
    secure.aws("s3", "cp", "s3://secure-bucket/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    s3 = secure.client("s3", verify=secure.exports["AWS_CA_BUNDLE"])
    sent = {}
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.update(request.headers))
    s3.put_object(Bucket="secure-bucket", Key="small", Body=b"some bytes")
    assert sent["X-Amz-Content-SHA256"] == b"STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    assert s3.get_object(Bucket="secure-bucket", Key="small")["Body"].read() == b"some bytes"


def test_buckets_have_names_of_their_own_in_the_certificate(secure):
    port = secure.exports["AWS_ENDPOINT_URL"].rsplit(":", 1)[1]
    context = ssl.create_default_context(cafile=secure.exports["AWS_CA_BUNDLE"])
    for name in ("localhost", "some-bucket.s3.localhost", "some-bucket.s3.us-east-1.localhost", "123456789012.s3-control.localhost"):
        with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname=name) as connection:
                assert connection.version() == "TLSv1.3"


def test_plain_http_is_told_to_use_https(secure):
    port = secure.exports["AWS_ENDPOINT_URL"].rsplit(":", 1)[1]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(f"http://127.0.0.1:{port}/_welkin/health", timeout=20)
    assert refused.value.code == 400 and b"https" in refused.value.read()
    plain = dict(secure.exports, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
    done = subprocess.run(
        ["aws", "sts", "get-caller-identity"], text=True, capture_output=True, timeout=60, env=environment(**plain)
    )
    assert done.returncode != 0 and "This endpoint is reached by https only." in done.stderr, done.stderr


def test_both_are_answered_if_that_is_wanted(tmp_path):
    region = Region(tmp_path / "data", "sim", "--tls", "self-signed", "--allow-plain").start()
    try:
        assert region.account in region.aws("sts", "get-caller-identity")
        region.exports["AWS_ENDPOINT_URL"] = region.exports["AWS_ENDPOINT_URL"].replace("https", "http")
        assert region.account in region.aws("sts", "get-caller-identity")
    finally:
        region.dispose()


@pytest.mark.parametrize("kind", ["pkcs8", "pkcs1", "sec1"])
def test_a_certificate_of_ones_own_is_read_again_when_it_changes(tmp_path, kind):
    chain, key = certificate(tmp_path, "own", kind)
    region = Region(tmp_path / "data", "sim", "--tls-cert", str(chain), "--tls-key", str(key)).start()
    try:
        url = region.exports["AWS_ENDPOINT_URL"]
        assert url.startswith("https://localhost:") and "AWS_CA_BUNDLE" not in region.exports
        assert health(url, chain) == 200
        region.exports["AWS_CA_BUNDLE"] = str(chain)
        assert region.account in region.aws("sts", "get-caller-identity")
        certificate(tmp_path, "own", kind)
        region.process.send_signal(signal.SIGHUP)
        until(lambda: health(url, chain) == 200, 20, "the new certificate is shown")
    finally:
        region.dispose()


def test_a_certificate_that_cannot_be_used_is_named(tmp_path):
    chain, key = certificate(tmp_path, "own", "pkcs8")
    other = certificate(tmp_path, "other", "pkcs8")[1]
    for arguments, word in [
        (("--tls-cert", chain, "--tls-key", tmp_path / "missing"), "missing"),
        (("--tls-cert", chain, "--tls-key", other), "other.key"),
        (("--tls-cert", key, "--tls-key", key), "no certificate"),
        (("--tls-cert", chain), "tls_key"),
        (("--tls", "self-signed", "--tls-cert", chain, "--tls-key", key), "tls:"),
    ]:
        done = welkin("up", "--host", "sim", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data", *arguments)
        assert done.returncode in (1, 2) and word in done.stderr, done
