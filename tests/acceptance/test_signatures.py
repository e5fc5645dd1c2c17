"""A request that is forged, late or not signed changes nothing; an operation that is not there says so."""

import datetime
import urllib.error
import urllib.request

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

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
        region.client("s3").get_bucket_cors(Bucket="any-bucket")
