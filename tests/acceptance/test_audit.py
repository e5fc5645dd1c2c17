"""Who called what: the audit trail, CloudTrail's LookupEvents, logs, health, metrics and throttling."""

import http.client
import json
import re
import signal
import socket
import struct
import subprocess
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest

from conftest import make_region
from region import BINARY, environment, welkin
from waiting import until

SECRETS = ["hunter2-in-user-data", "c2VjcmV0LW9mLXRoZS1jdXN0b21lcg"]


@pytest.fixture(scope="module")
def audited(tmp_path_factory, images):
    """A region that logs as JSON and records data events too, with a throttle that a test does not meet."""
    folder = tmp_path_factory.mktemp("audited") / "data"
    region = make_region(folder, "sim", images, "--log-format", "json", "--log", "info,edge=debug", "--throttle", "100", "--audit-data-events", "on")
    yield region.start()
    region.dispose()


def get(region, path, **headers):
    """Status, type and body of a page of the region's own."""
    request = urllib.request.Request(region.exports["AWS_ENDPOINT_URL"] + path, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read().decode()


def records(region, *options):
    done = welkin("audit", "--json", "--data-dir", region.folder, *options)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def test_calls_are_recorded_without_their_secrets(audited):
    ec2 = audited.client("ec2")
    key = ec2.create_key_pair(KeyName="audited", KeyType="ed25519")
    with pytest.raises(botocore.exceptions.ClientError):
        ec2.run_instances(ImageId="ami-00000000000000000", MinCount=1, MaxCount=1, UserData=SECRETS[0])
    stranger = audited.client("ec2", aws_access_key_id="AKIASTRANGER", aws_secret_access_key=SECRETS[1])
    with pytest.raises(botocore.exceptions.ClientError):
        stranger.describe_vpcs()
    forged = audited.client("ec2", aws_secret_access_key=SECRETS[1])
    with pytest.raises(botocore.exceptions.ClientError):
        forged.describe_subnets()
    refused = lambda: [r for r in records(audited) if r["eventName"] == "-"]  # noqa: E731
    until(lambda: len(refused()) == 2, 10, "refused calls are recorded too")

    made = [r for r in records(audited, "--event", "CreateKeyPair")][-1]
    assert made["recipientAccountId"] == audited.account and made["readOnly"] is False
    assert made["requestParameters"]["keyName"] == "audited"
    assert made["responseElements"]["keyPairId"] == key["KeyPairId"]
    assert made["responseElements"]["keyMaterial"] == "<sensitiveDataRemoved>"
    assert made["userIdentity"]["accessKeyId"] == audited.exports["AWS_ACCESS_KEY_ID"]
    assert made["sourceIPAddress"] == "127.0.0.1" and "Boto3" in made["userAgent"]
    assert made["requestID"] == key["ResponseMetadata"]["RequestId"]
    [failed] = records(audited, "--event", "RunInstances")
    assert failed["errorCode"] == "Client.InvalidAMIID.NotFound", failed
    assert failed["requestParameters"]["userData"] == "<sensitiveDataRemoved>"
    unproven = [r for r in records(audited) if r["userIdentity"]["type"] == "Unknown"]
    assert {r["userIdentity"]["accessKeyId"] for r in unproven} == {
        "AKIASTRANGER",
        audited.exports["AWS_ACCESS_KEY_ID"],
    }
    assert not any("recipientAccountId" in r for r in unproven), "nobody writes into another's history"

    kept = "".join(path.read_text() for path in (audited.folder / "audit").glob("*.jsonl"))
    logged = audited.log_file("log").read_text()
    material = key["KeyMaterial"].splitlines()[1]
    for secret in [*SECRETS, audited.exports["AWS_SECRET_ACCESS_KEY"], material]:
        assert secret not in kept and secret not in logged
    # One line, with the cause, for each failure; and each is JSON.
    lines = [json.loads(line) for line in logged.splitlines()]
    refused = [line for line in lines if line.get("message") == "refused"]
    assert [line["code"] for line in refused].count("InvalidAMIID.NotFound") == 1, refused
    assert {"timestamp", "level", "target"} <= set(refused[0])


def test_people_read_and_follow_the_trail(audited):
    follower = subprocess.Popen(
        [BINARY, "audit", "--follow", "--since", "1m", "--event", "CreateSecurityGroup", "--data-dir", audited.folder],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        group = audited.client("ec2").create_security_group(GroupName="followed", Description="x")["GroupId"]
        line = follower.stdout.readline()
        assert "ec2:CreateSecurityGroup" in line and group in line and line.rstrip().endswith(" ok"), line
    finally:
        follower.send_signal(signal.SIGINT)
        follower.wait(10)
    done = welkin("audit", "--account", "999999999999", "--data-dir", audited.folder)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_record_of_a_change_outlives_a_kill(audited):
    names = []
    ec2 = audited.client("ec2")
    for number in range(5):
        names.append(f"killed-{number}")
        ec2.create_key_pair(KeyName=names[-1], KeyType="ed25519")
    audited.kill()
    audited.start()
    made = [r["requestParameters"]["keyName"] for r in records(audited, "--event", "CreateKeyPair")]
    assert made[-5:] == names


def test_a_change_whose_client_went_away_is_recorded(audited):
    """The answer goes nowhere, and yet something was asked: a record says so."""
    s3 = audited.client("s3")
    seen = {}
    s3.meta.events.register("before-send.s3.CreateBucket", lambda request, **_: seen.update(request=request))
    s3.create_bucket(Bucket="first-of-two")
    request = seen["request"]
    host = re.match(r"https?://([^/:]+):(\d+)", request.url)
    head = f"{request.method} /first-of-two HTTP/1.1\r\nhost: {host[1]}:{host[2]}\r\n"
    head += "".join(f"{name}: {value.decode() if isinstance(value, bytes) else value}\r\n" for name, value in request.headers.items())
    connection = socket.create_connection((host[1], int(host[2])))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(head.encode() + b"\r\n")
    connection.close()
    until(lambda: len(records(audited, "--event", "CreateBucket")) == 2, 10, "the second call is recorded as well")


def test_lookup_events_by_the_aws_cli(audited):
    """Newest first, by attribute, in pages; and the event is CloudTrail's."""
    name = "looked-up"
    audited.aws("ec2", "create-key-pair", "--key-name", f"{name}-key", "--key-type", "ed25519")
    audited.client("s3").create_bucket(Bucket="looked-up")
    audited.client("s3").put_object(Bucket="looked-up", Key="k", Body=b"x")
    until(lambda: records(audited, "--event", "PutObject"), 10, "data events are recorded where they are asked for")
    [put] = records(audited, "--event", "PutObject")
    assert (put["eventCategory"], put["managementEvent"]) == ("Data", False)
    assert put["requestParameters"]["bucketName"] == "looked-up"
    by_name = f"AttributeKey=ResourceName,AttributeValue={name}-key"
    found = json.loads(audited.aws("cloudtrail", "lookup-events", "--lookup-attributes", by_name))["Events"]
    assert [(e["EventName"], e["ReadOnly"], e["Username"]) for e in found] == [("CreateKeyPair", "false", "root")]
    assert {"ResourceType": "AWS::EC2::KeyPair", "ResourceName": f"{name}-key"} in found[0]["Resources"]
    event = json.loads(found[0]["CloudTrailEvent"])
    assert event["eventID"] == found[0]["EventId"] and event["eventSource"] == "ec2.amazonaws.com"
    assert event["eventType"] == "AwsApiCall" and event["managementEvent"] is True

    cloudtrail = audited.client("cloudtrail")
    pages = cloudtrail.get_paginator("lookup_events").paginate(PaginationConfig={"PageSize": 3})
    events = [event for page in pages for event in page["Events"]]
    assert len(events) > 6 and len({event["EventId"] for event in events}) == len(events)
    times = [event["EventTime"] for event in events]
    assert times == sorted(times, reverse=True)
    assert {e["EventName"] for e in events} >= {"CreateKeyPair", "LookupEvents", "RunInstances"}
    assert not {e["EventName"] for e in events} & {"PutObject", "-"}, "no data events, nobody else's guesses"

    for options, code in [
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"NextToken": "bm9uZQ"}, "InvalidNextTokenException"),
        ({"StartTime": 2e9, "EndTime": 1e9}, "InvalidTimeRangeException"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            cloudtrail.lookup_events(**options)
        assert code_of(refused) == code
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        cloudtrail.describe_trails()
    assert code_of(refused).startswith("UnsupportedOperation")


def test_an_account_sees_nothing_of_another(tmp_path, images):
    region = make_region(tmp_path / "data", "sim", images, "--dev")
    region.start()
    try:
        one, other = (
            lambda service, account=account: region.client(service, aws_access_key_id=account, aws_secret_access_key="x")
            for account in ("111111111111", "222222222222")
        )
        one("ec2").create_key_pair(KeyName="ones", KeyType="ed25519")
        other("ec2").create_key_pair(KeyName="others", KeyType="ed25519")
        for client, own in [(one, "ones"), (other, "others")]:
            found = client("cloudtrail").lookup_events()["Events"]
            made = [json.loads(event["CloudTrailEvent"]) for event in found if event["EventName"] == "CreateKeyPair"]
            assert [event["requestParameters"]["keyName"] for event in made] == [own]
        theirs = [{"AttributeKey": "AccessKeyId", "AttributeValue": "111111111111"}]
        assert other("cloudtrail").lookup_events(LookupAttributes=theirs)["Events"] == []
    finally:
        region.dispose()


def test_health_is_for_all_and_details_for_the_operator(audited):
    status, kind, text = get(audited, "/_welkin/health")
    health = json.loads(text)
    # The disk of whoever runs the tests may be nearly full; then the region must say so.
    found = {check["status"] for check in health["checks"]}
    worst = "unavailable" if "failed" in found else "degraded" if "degraded" in found else "ok"
    answered = 503 if worst == "unavailable" else 200
    assert (status, kind, health["status"]) == (answered, "application/json", worst), text
    assert [check["status"] for check in health["checks"] if check["name"] == "store"] == ["ok"], text
    assert {"store", "disk", "audit"} <= {check["name"] for check in health["checks"]}
    assert any(check["name"].startswith("reconciler/") for check in health["checks"])
    # Through a proxy on this machine nobody sees more than anybody.
    status, _, text = get(audited, "/_welkin/health", **{"X-Forwarded-For": "203.0.113.9"})
    assert status in (200, 503) and "checks" not in json.loads(text)
    assert get(audited, "/_welkin/metrics", **{"X-Forwarded-For": "203.0.113.9"})[0] == 403
    assert get(audited, "/_welkin/health/live")[0] == 200
    assert get(audited, "/_welkin/none")[0] == 404


SAMPLE = re.compile(
    r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (NaN|[+-]?Inf|[-+0-9.e]+)$'
)


def test_metrics_are_prometheus_own(audited):
    audited.client("ec2").describe_vpcs()
    status, kind, text = get(audited, "/_welkin/metrics")
    assert status == 200 and kind.startswith("text/plain; version=0.0.4")
    kinds, samples = {}, {}
    family = None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family not in kinds, "a family comes once"
            kinds[family] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.match(line)
            assert match, line
            name = match[1]
            if kinds[family] == "histogram":
                name = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name == family, f"{line} is not of {family}"
            assert (match[1], match[2]) not in samples, line
            samples[match[1], match[2]] = float(match[3])
    calls = {labels: value for (name, labels), value in samples.items() if name == "welkin_calls_total"}
    assert calls['service="ec2",operation="DescribeVpcs",outcome="ok"'] >= 1
    for name in ["process_resident_memory_bytes", "welkin_store_commits_total", "welkin_connections_open"]:
        assert samples[name, None] > 0, name
    passes = {labels: value for (name, labels), value in samples.items() if name == "welkin_reconciler_passes_total"}
    assert len(passes) >= 2 and all(value >= 1 for value in passes.values()), passes
    buckets = [value for (name, labels), value in samples.items() if name == "welkin_store_commit_duration_seconds_bucket"]
    assert buckets == sorted(buckets) and buckets[-1] == samples["welkin_store_commit_duration_seconds_count", None]
    assert samples["welkin_audit_lost_total", None] == 0


def guess(region):
    """Calls with a key that nobody has, over one connection, until that is too fast; gives how many calls it took."""
    connection = http.client.HTTPConnection(region.exports["AWS_ENDPOINT_URL"].removeprefix("http://"), timeout=20)
    scope = "AKIAGUESSED/20261122/us-east-1/ec2/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
        "X-Amz-Date": "20261122T000000Z",
    }
    for number in range(1, 50_000):
        connection.request("GET", "/?Action=DescribeVpcs&Version=2016-11-15", headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status == 503:
            connection.close()
            assert number > 1000 and "RequestLimitExceeded" in text
            return number
        assert answer.status == 401, text
    raise AssertionError("guesses are never too fast")


def test_who_comes_too_fast_is_told_so_and_clients_try_again(tmp_path, images):
    """AWS's own rates: five changes at once of the kind that takes most, then two a second."""
    region = make_region(tmp_path / "data", "sim", images, "--throttle", "1")
    region.start()
    try:
        ec2 = region.client("ec2")
        patient = boto3.session.Session().client(
            "ec2",
            endpoint_url=region.exports["AWS_ENDPOINT_URL"],
            region_name=region.exports["AWS_DEFAULT_REGION"],
            aws_access_key_id=region.exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=region.exports["AWS_SECRET_ACCESS_KEY"],
            config=botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 8}, proxies={}),
        )
        codes = []
        for _ in range(8):
            with pytest.raises(botocore.exceptions.ClientError) as refused:
                ec2.run_instances(ImageId="ami-00000000000000000", MinCount=1, MaxCount=1)
            codes.append(code_of(refused))
            last = refused.value.response["ResponseMetadata"]
        assert codes[0] == "InvalidAMIID.NotFound" and codes[-1] == "RequestLimitExceeded", codes
        assert last["HTTPStatusCode"] == 503 and int(last["HTTPHeaders"]["x-amz-retry-after"]) > 0
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            patient.run_instances(ImageId="ami-00000000000000000", MinCount=1, MaxCount=1)
        assert code_of(refused) == "InvalidAMIID.NotFound", "the client waited and was let in"
        assert refused.value.response["ResponseMetadata"]["RetryAttempts"] > 0
        cloudtrail = region.client("cloudtrail")
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            for _ in range(20):
                cloudtrail.lookup_events()
        assert code_of(refused) == "ThrottlingException"
        made = guess(region)
        assert region.client("sts").get_caller_identity()["Account"] == region.account, "who proves it is let in"
        text = get(region, "/_welkin/metrics")[2]
        unheard = float(re.search(r"^welkin_calls_unheard_total (.*)$", text, re.M)[1])
        assert unheard > 0, "guesses beyond a thousand at once are only counted"
        lines = [line for line in region.log_file("log").read_text().splitlines() if "AuthFailure" in line]
        assert len(lines) <= made - unheard
        assert float(re.search(r"^welkin_calls_throttled_total (.*)$", text, re.M)[1]) >= 2
    finally:
        region.dispose()
