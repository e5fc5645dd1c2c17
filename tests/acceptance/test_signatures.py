"""A request that is forged, late or not signed changes nothing; an operation that is not there says so."""

import datetime
import json
import urllib.error
import urllib.parse
import urllib.request

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from conftest import make_region
from region import environment, welkin

VERSIONS = {"ec2": "2016-11-15", "sts": "2011-06-15"}


def send(region, service, action, *, secret=None, key=None, sign=True, age=0, tamper=None, **parameters):
    """One request by hand: status and body."""
    body = f"Action={action}&Version={VERSIONS[service]}"
    body += "".join(f"&{name}={value}" for name, value in parameters.items())
    keys = region.exports
    request = AWSRequest(
        "POST",
        keys["AWS_ENDPOINT_URL"] + "/",
        data=body,
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    if sign:
        credentials = Credentials(key or keys["AWS_ACCESS_KEY_ID"], secret or keys["AWS_SECRET_ACCESS_KEY"])
        signer = SigV4Auth(credentials, service, keys["AWS_DEFAULT_REGION"])
        if age:
            sign_as_of(signer, request, age)
        else:
            signer.add_auth(request)
    data = (tamper or body).encode()
    prepared = urllib.request.Request(keys["AWS_ENDPOINT_URL"] + "/", data, dict(request.headers.items()))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(prepared, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def sign_as_of(signer, request, age):
    """Signs as of `age` seconds ago, with botocore's own steps."""
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
    request.context["timestamp"] = then.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signer._inject_signature_to_request(request, signature)


def test_a_good_signature_is_accepted(region):
    status, body = send(region, "sts", "GetCallerIdentity")
    assert status == 200 and f"<Account>{region.account}</Account>" in body
    # The helper that signs in the past is right about the present.
    assert send(region, "sts", "GetCallerIdentity", age=5)[0] == 200


FORGERIES = [
    ("sts", {"secret": "wrong"}, 403, "SignatureDoesNotMatch"),
    ("sts", {"key": "AKIAIOSFODNN7EXAMPLE"}, 403, "InvalidClientTokenId"),
    ("sts", {"age": 3600}, 403, "SignatureDoesNotMatch"),
    ("sts", {"sign": False}, 403, "MissingAuthenticationToken"),
    ("ec2", {"secret": "wrong"}, 401, "AuthFailure"),
    ("ec2", {"key": "AKIAIOSFODNN7EXAMPLE"}, 401, "AuthFailure"),
    ("ec2", {"age": 3600}, 400, "RequestExpired"),
]


@pytest.mark.parametrize(("service", "how", "status", "code"), FORGERIES)
def test_a_forged_request_is_refused(region, service, how, status, code):
    action = {"sts": "GetCallerIdentity", "ec2": "DescribeRegions"}[service]
    assert send(region, service, action)[0] == 200
    found, body = send(region, service, action, **how)
    assert (found, f"<Code>{code}</Code>" in body) == (status, True), body


def test_a_changed_body_changes_nothing(region):
    names = lambda: [pair["KeyName"] for pair in region.client("ec2").describe_key_pairs()["KeyPairs"]]  # noqa: E731
    before = names()
    tampered = f"Action=CreateKeyPair&Version={VERSIONS['ec2']}&KeyName=theirs"
    status, body = send(region, "ec2", "CreateKeyPair", KeyName="mine", tamper=tampered)
    assert status == 401 and "AuthFailure" in body
    assert send(region, "ec2", "CreateKeyPair", KeyName="mine", secret="wrong")[0] == 401
    assert send(region, "ec2", "CreateKeyPair", KeyName="mine", age=3600)[0] == 400
    assert names() == before


def test_operations_that_are_not_built_differ_from_those_that_do_not_exist(region):
    status, body = send(region, "ec2", "CreateNatGateway")
    assert status == 400 and "<Code>UnsupportedOperation</Code>" in body
    status, body = send(region, "ec2", "MakeCoffee")
    assert status == 400 and "<Code>InvalidAction</Code>" in body
    with pytest.raises(ClientError, match="NotImplemented"):
        region.client("s3").get_bucket_metadata_configuration(Bucket="any-bucket")


def fetch(url, method="GET", data=None, headers=None):
    """Plain HTTP, as somebody who was given a URL: status, body and headers."""
    request = urllib.request.Request(url, data, headers or {}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect())
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments, **options):
        return None


def s3(region, version=None, style="path", **options):
    config = Config(signature_version=version, s3={"addressing_style": style}, retries={"total_max_attempts": 1}, proxies={})
    keys = region.exports
    options.setdefault("aws_access_key_id", keys["AWS_ACCESS_KEY_ID"])
    options.setdefault("aws_secret_access_key", keys["AWS_SECRET_ACCESS_KEY"])
    options.setdefault("endpoint_url", keys["AWS_ENDPOINT_URL"])
    return boto3.session.Session().client("s3", region_name=keys["AWS_DEFAULT_REGION"], config=config, **options)


@pytest.fixture(scope="module")
def bucket(region):
    s3(region).create_bucket(Bucket="signed-bucket")
    s3(region).put_object(Bucket="signed-bucket", Key="folder/an object+ä", Body=b"its bytes")
    return "signed-bucket"


@pytest.mark.parametrize(("version", "mark"), [(None, "AWSAccessKeyId="), ("s3v4", "X-Amz-Signature=")])
def test_a_presigned_url_is_good_for_what_it_is(region, bucket, version, mark):
    client = s3(region, version)
    params = {"Bucket": bucket, "Key": "folder/an object+ä"}
    url = client.generate_presigned_url("get_object", params, ExpiresIn=60)
    assert mark in url, "boto3 signs endpoints of one's own by version 2 unless told otherwise"
    assert fetch(url)[:2] == (200, "its bytes")
    overridden = client.generate_presigned_url("get_object", {**params, "ResponseContentType": "text/html"})
    status, body, headers = fetch(overridden)
    assert (status, body, headers["Content-Type"]) == (200, "its bytes", "text/html")
    status, body, _ = fetch(url, "DELETE")
    assert status == 403 and "<Code>SignatureDoesNotMatch</Code>" in body
    late = client.generate_presigned_url("get_object", params, ExpiresIn=-10)
    status, body, _ = fetch(late)
    assert (status, "<Message>Request has expired</Message>" in body) == (403, True) or "non-negative" in body

    more = {"Bucket": bucket, "Key": f"put-{version}", "ContentType": "text/plain", "Metadata": {"a": "b"}}
    url = client.generate_presigned_url("put_object", more, ExpiresIn=60)
    headers = {"Content-Type": "text/plain"} | ({"x-amz-meta-a": "b"} if version else {})
    status, body, _ = fetch(url, "PUT", b"uploaded", headers)
    assert status == 200, body
    found = s3(region).get_object(Bucket=bucket, Key=f"put-{version}")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"uploaded", "text/plain", {"a": "b"})


@pytest.mark.parametrize("version", [None, "s3v4"])
def test_a_presigned_url_with_the_bucket_in_its_host(region, bucket, version):
    endpoint = region.exports["AWS_ENDPOINT_URL"].replace("127.0.0.1", "localhost")
    client = s3(region, version, "virtual", endpoint_url=endpoint)
    url = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "folder/an object+ä"})
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname == f"{bucket}.localhost"
    # Not every resolver knows names below `localhost`.
    near = url.replace(parts.netloc, urllib.parse.urlsplit(region.exports["AWS_ENDPOINT_URL"]).netloc)
    assert fetch(near, headers={"Host": parts.netloc})[:2] == (200, "its bytes")


def test_signatures_of_version_2_in_the_header(region, bucket):
    client = s3(region, "s3")
    assert client.get_object(Bucket=bucket, Key="folder/an object+ä")["Body"].read() == b"its bytes"
    client.put_object(Bucket=bucket, Key="by-version-2", Body=b"x", Metadata={"a": "b"})
    assert [it["Key"] for it in client.list_objects_v2(Bucket=bucket, Prefix="by-")["Contents"]] == ["by-version-2"]
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3(region, "s3", aws_secret_access_key="wrong").list_buckets()


def test_the_cli_presigns(region, bucket):
    url = region.aws("s3", "presign", f"s3://{bucket}/folder/an object+ä", "--expires-in", "60").strip()
    assert fetch(url)[:2] == (200, "its bytes")


def test_a_presigned_identity(region):
    """As `aws eks get-token` makes its tokens."""
    client = region.client("sts")
    url = client.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    status, body, _ = fetch(url)
    assert status == 200 and f"<Account>{region.account}</Account>" in body
    status, body, _ = fetch(url.replace("GetCallerIdentity", "GetSessionToken"))
    assert status == 403 and "SignatureDoesNotMatch" in body


@pytest.mark.parametrize(("service", "call", "code"), [
    ("sts", "get_caller_identity", "InvalidClientTokenId"),
    ("s3", "list_buckets", "InvalidToken"),
    ("ec2", "describe_regions", "AuthFailure"),
])
def test_a_session_token_that_belongs_to_no_key_is_refused(region, service, call, code):
    with pytest.raises(ClientError, match=code):
        getattr(region.client(service, aws_session_token="dG9rZW4="), call)()


def post(form, file, filename="photo.jpg"):
    """Sends a form as browsers do, its file last."""
    boundary = "an-edge-that-no-file-has"
    part = "--{}\r\nContent-Disposition: form-data; name=\"{}\"{}\r\n\r\n".format
    body = b"".join(part(boundary, name, "").encode() + value.encode() + b"\r\n" for name, value in form["fields"].items())
    body += part(boundary, "file", f'; filename="{filename}"').encode() + file + f"\r\n--{boundary}--\r\n".encode()
    return fetch(form["url"], "POST", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


@pytest.mark.parametrize("version", [None, "s3v4"])
def test_a_presigned_form(region, bucket, version):
    client = s3(region, version)
    form = client.generate_presigned_post(
        bucket,
        "from-a-form/${filename}",
        Fields={"success_action_status": "201", "Content-Type": "image/jpeg"},
        Conditions=[
            {"success_action_status": "201"},
            ["starts-with", "$Content-Type", "image/"],
            ["content-length-range", 1, 1000],
        ],
        ExpiresIn=60,
    )
    assert ("signature" in form["fields"]) == (version is None)
    status, body, headers = post(form, b"the file")
    assert status == 201 and "<Key>from-a-form/photo.jpg</Key>" in body, body
    found = s3(region).get_object(Bucket=bucket, Key="from-a-form/photo.jpg")
    assert (found["Body"].read(), found["ContentType"], found["ETag"]) == (b"the file", "image/jpeg", headers["ETag"])
    for change, code in [
        ({"key": "elsewhere/${filename}"}, "AccessDenied"),
        ({"Content-Type": "text/html"}, "AccessDenied"),
        ({"acl": "private"}, "AccessDenied"),
        ({"policy": "e30="}, "SignatureDoesNotMatch"),
    ]:
        status, body, _ = post({**form, "fields": {**form["fields"], **change}}, b"the file")
        assert status == 403 and f"<Code>{code}</Code>" in body, (change, body)
    assert "<Code>EntityTooLarge</Code>" in post(form, b"x" * 1001)[1]
    assert "<Code>EntityTooSmall</Code>" in post(form, b"")[1]
    late = client.generate_presigned_post(bucket, "late", ExpiresIn=-1)
    assert "Invalid according to Policy: Policy expired." in post(late, b"x")[1]
    keys = [it["Key"] for it in s3(region).list_objects_v2(Bucket=bucket)["Contents"]]
    assert "late" not in keys and not [key for key in keys if key.startswith("elsewhere")]


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    """A region in development mode."""
    region = make_region(tmp_path_factory.mktemp("dev") / "data", "sim", None, "--dev")
    yield region.start()
    region.dispose()


def test_development_mode_takes_any_credentials(dev):
    assert "DEVELOPMENT MODE" in dev.banner() and "development mode" in dev.log_file("log").read_text()
    assert '"dev":true' in fetch(dev.exports["AWS_ENDPOINT_URL"] + "/_welkin/health")[1]
    account = lambda key: dev.client("sts", aws_access_key_id=key, aws_secret_access_key="x").get_caller_identity()["Account"]  # noqa: E731
    assert [account(key) for key in ("test", "111122223333", "AKIAIOSFODNN7EXAMPLE")] == [
        "000000000000",
        "111122223333",
        "000000000000",
    ]
    # What `welkin env` prints leads to the account that the banner names.
    assert dev.client("sts").get_caller_identity()["Account"] == dev.account == "000000000000"
    assert '"Account": "000000000000"' in dev.aws("sts", "get-caller-identity")
    unsigned = dev.client("sts", config=Config(signature_version=UNSIGNED))
    assert unsigned.get_caller_identity()["Account"] == "000000000000"
    client = s3(dev, "s3v4", aws_access_key_id="test", aws_secret_access_key="test")
    client.create_bucket(Bucket="dev-bucket")
    client.put_object(Bucket="dev-bucket", Key="k", Body=b"its bytes")
    url = client.generate_presigned_url("get_object", {"Bucket": "dev-bucket", "Key": "k"})
    assert fetch(url)[1] == fetch(url.split("?")[0])[1] == "its bytes"
    form = client.generate_presigned_post("dev-bucket", "form")
    assert post(form, b"x")[0] == 204
    with pytest.raises(ClientError, match="AccessDenied"):
        s3(dev, aws_access_key_id="111122223333").get_object(Bucket="dev-bucket", Key="k")
    # A page of another origin is not believed.
    status, body, _ = fetch(url.split("?")[0], headers={"Origin": "https://example.net"})
    assert status == 403 and "AccessDenied" in body


def test_development_mode_enforces_what_iam_gave(dev):
    anybody = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    iam, buckets = dev.client("iam", **anybody), s3(dev, **anybody)
    buckets.create_bucket(Bucket="dev-enforced")
    buckets.put_object(Bucket="dev-enforced", Key="k", Body=b"x")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    held = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert dev.client("sts", **held).get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/ann"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3(dev, **held).get_object(Bucket="dev-enforced", Key="k")
    iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert s3(dev, **held).get_object(Bucket="dev-enforced", Key="k")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3(dev, **{**held, "aws_secret_access_key": "guess"}).get_object(Bucket="dev-enforced", Key="k")

    trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    role = iam.create_role(RoleName="bare", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    given = dev.client("sts", **anybody)
    with pytest.raises(ClientError, match="AccessDenied"):
        given.assume_role(RoleArn=role, RoleSessionName="session")  # As AWS has it: the root user assumes no role.
    iam.put_user_policy(UserName="ann", PolicyName="assume", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}}
    ))
    session = dev.client("sts", **held).assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    as_role = s3(
        dev,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role.get_object(Bucket="dev-enforced", Key="k")
    # What was given and is gone is nobody's, and not everybody's.
    iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        s3(dev, **held).get_object(Bucket="dev-enforced", Key="k")


def test_development_mode_is_not_left_behind(tmp_path):
    region = make_region(tmp_path / "data", "sim", None, "--dev")
    try:
        region.start()
        account = region.account
        region.stop()
        region.arguments = ()
        region.start()
        assert "DEVELOPMENT MODE" not in region.banner()
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            region.client("sts", aws_access_key_id="test", aws_secret_access_key="test").get_caller_identity()
        assert region.client("sts").get_caller_identity()["Account"] == account
    finally:
        region.dispose()


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:4566"])
def test_development_mode_never_listens_beyond_loopback(tmp_path, listen):
    for how in (["--dev"], []):
        env = environment(WELKIN_DEV="" if how else "true")
        if how:
            del env["WELKIN_DEV"]
        done = welkin("up", "--host", "sim", "--data-dir", tmp_path / "data", "--listen", listen, *how, env=env)
        assert done.returncode != 0 and "loopback" in done.stderr, done
    assert not (tmp_path / "data").exists()
