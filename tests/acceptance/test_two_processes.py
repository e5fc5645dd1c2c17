"""Two processes of one region, on one database of PostgreSQL and one data folder."""

import json
import re
import signal

import botocore.exceptions
import pytest

from postgres import Postgres
from region import Region, welkin
from waiting import until

# A process that is killed is noticed at once, by its lock; one that stands still by the age of its last beat.
TAKEOVER = 15


class Process(Region):
    """One of several `welkin up` on a folder."""

    def __init__(self, label, folder, *arguments):
        super().__init__(folder, "sim", *arguments)
        self.label = label

    def log_file(self, stream):
        return self.folder.with_name(f"{self.folder.name}.{self.label}.{self.starts}.{stream}")

    def read_exports(self):
        # `welkin env` names the first process; the keys are those of the region.
        endpoint = re.search(r"endpoint +(\S+)", self.banner()).group(1)
        return {**super().read_exports(), "AWS_ENDPOINT_URL": endpoint}


class Pair:
    def __init__(self, folder, database):
        folder.mkdir(mode=0o700)
        self.folder = folder
        self.database = database
        self.a = Process("a", folder, "--store", database.url)
        self.b = Process("b", folder, "--store", database.url)

    def holder(self):
        """Which process reconciles, by what the operator is shown."""
        shown = welkin("admin", "reconcilers", "--data-dir", self.folder)
        assert shown.returncode == 0, shown.stderr
        return re.findall(r"(process-\d+) reconciles$", shown.stdout, re.MULTILINE), shown.stdout

    def the_holder(self):
        names, shown = self.holder()
        stand_by = re.findall(r"process-\d+ stands by: (process-\d+) \(pid \d+, [^)]+\) reconciles", shown)
        assert len(names) <= 1 and set(stand_by) <= set(names or stand_by), shown
        return names and names[0]

    def dispose(self):
        for process in (self.a, self.b):
            if process.process is not None:
                process.process.send_signal(signal.SIGCONT)
        try:
            done = welkin("down", "--purge", "--data-dir", self.folder)
            assert done.returncode == 0, done.stderr
            for process in (self.a, self.b):
                if process.process is not None:
                    assert process.ended(40) == 0
        finally:
            for process in (self.a, self.b):
                if process.process is not None:
                    process.kill()
            for log in sorted(self.folder.parent.glob(f"{self.folder.name}.*.log")):
                print(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-60:]))


@pytest.fixture(scope="module")
def database():
    database = Postgres()
    yield database
    database.dispose()


@pytest.fixture
def pair(tmp_path, database):
    database.sql("DROP SCHEMA IF EXISTS welkin CASCADE")
    pair = Pair(tmp_path / "data", database)
    pair.a.start()
    pair.b.start()
    yield pair
    pair.dispose()


def launch(process, count=1):
    ec2 = process.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    launched = ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count)["Instances"]
    return [instance["InstanceId"] for instance in launched]


def states(process):
    reservations = process.client("ec2").describe_instances()["Reservations"]
    return {one["InstanceId"]: one["State"]["Name"] for own in reservations for one in own["Instances"]}


def test_either_answers_and_one_reconciles(pair):
    a, b = pair.a, pair.b
    assert a.account == b.account
    until(lambda: pair.the_holder() == "process-1", 10, "the first process has the lease")

    a.client("s3").create_bucket(Bucket="shared")
    a.client("s3").put_object(Bucket="shared", Key="word", Body=b"by a")
    assert b.client("s3").get_object(Bucket="shared", Key="word")["Body"].read() == b"by a"
    b.client("s3").put_object(Bucket="shared", Key="word", Body=b"by b")
    assert a.client("s3").get_object(Bucket="shared", Key="word")["Body"].read() == b"by b"

    # Whoever is asked, the one that has the machines starts them; and both know.
    launched = launch(a) + launch(b)
    running = {id: "running" for id in launched}
    until(lambda: states(b) == running and states(a) == running, 20, "both run, as both processes say")
    # A console is on the machine's host, whoever is asked for it.
    consoles = [one.client("ec2").get_console_output(InstanceId=launched[0])["Output"] for one in (a, b)]
    assert consoles[0] == consoles[1] and launched[0] in consoles[0]


def test_what_is_changed_in_one_process_holds_in_the_other_from_the_next_request_on(pair):
    iam = pair.a.client("iam")
    iam.create_user(UserName="ann")
    iam.create_group(GroupName="readers")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    held = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    given = pair.a.client("sts", **held).get_session_token()["Credentials"]
    session = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    lists = [pair.b.client("s3", **credentials).list_buckets for credentials in (held, session)]

    def answers():
        found = []
        for call in lists:
            try:
                call()
                found.append("allowed")
            except botocore.exceptions.ClientError as refused:
                found.append(refused.response["Error"]["Code"])
        return found

    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=json.dumps(may))
    bound = iam.create_policy(PolicyName="none", PolicyDocument=json.dumps(may).replace("s3:", "ec2:"))["Policy"]["Arn"]
    assert answers() == ["AccessDenied"] * 2
    for _ in range(3):
        iam.add_user_to_group(GroupName="readers", UserName="ann")
        assert answers() == ["allowed"] * 2
        iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=bound)
        assert answers() == ["AccessDenied"] * 2
        iam.delete_user_permissions_boundary(UserName="ann")
        assert answers() == ["allowed"] * 2
        iam.remove_user_from_group(GroupName="readers", UserName="ann")
        assert answers() == ["AccessDenied"] * 2
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    assert answers() == ["allowed"] * 2
    done = welkin("session", "revoke", given["AccessKeyId"], "--data-dir", pair.folder)
    assert done.returncode == 0, done.stderr
    assert answers() == ["allowed", "InvalidAccessKeyId"]
    iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert answers() == ["InvalidAccessKeyId"] * 2


def test_a_key_that_one_process_has_got_is_known_to_the_other(pair):
    a, b = pair.a, pair.b
    a.client("s3").create_bucket(Bucket="sealed")
    assert welkin("store", "new-object-key", "--data-dir", pair.folder).returncode == 0
    b.stop()
    b.start()
    b.client("s3").put_object(Bucket="sealed", Key="word", Body=b"under the new key")
    assert a.client("s3").get_object(Bucket="sealed", Key="word")["Body"].read() == b"under the new key"


def test_events_are_found_whichever_process_recorded_them(pair):
    a, b = pair.a, pair.b
    for process in (a, b):
        process.client("ec2").create_key_pair(KeyName=f"by-{process.label}")
    for process in (b, a):
        process.client("ec2").delete_key_pair(KeyName=f"by-{process.label}")
    wanted = [("DeleteKeyPair", "by-a"), ("DeleteKeyPair", "by-b"), ("CreateKeyPair", "by-b"), ("CreateKeyPair", "by-a")]
    for process in (a, b):
        pages = process.client("cloudtrail").get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": "ReadOnly", "AttributeValue": "false"}],
            PaginationConfig={"PageSize": 1},
        )
        events = [event for page in pages for event in page["Events"]]
        named = [(event["EventName"], {one["ResourceName"] for one in event["Resources"]}) for event in events]
        found = [(event, name) for event, names in named for name in names if name.startswith("by-")]
        assert found == wanted
    shown = welkin("audit", "--event", "CreateKeyPair", "--data-dir", pair.folder)
    assert shown.returncode == 0 and shown.stdout.count("ec2:CreateKeyPair") == 2, shown.stdout


def test_another_takes_over_from_one_that_is_killed(pair):
    a, b = pair.a, pair.b
    until(lambda: pair.the_holder() == "process-1", 10, "the first process has the lease")
    first = launch(a)
    a.kill()
    # Answers go on meanwhile, and nothing that was acknowledged is lost.
    assert set(states(b)) == set(first)
    second = launch(b)
    until(lambda: pair.the_holder() == "process-2", TAKEOVER, "the second process takes over")
    until(lambda: states(b) == {id: "running" for id in first + second}, 20, "everything runs")

    a.start()
    until(lambda: pair.the_holder() == "process-2", 10, "the lease stays where it is")
    assert states(a) == states(b)
    # In order this time: the lease is given back.
    assert b.stop() == 0
    until(lambda: pair.the_holder() == "process-1", TAKEOVER, "the first process takes over again")
    a.client("ec2").terminate_instances(InstanceIds=first)
    until(lambda: states(a)[first[0]] == "terminated", 20, "the first process has the machines")


def test_one_that_stood_still_does_nothing_more(pair):
    a, b = pair.a, pair.b
    until(lambda: pair.the_holder() == "process-1", 10, "the first process has the lease")
    a.process.send_signal(signal.SIGSTOP)

    def lease():
        row = "SELECT convert_from(value, 'UTF8') FROM welkin.kv WHERE position('t/region/lease'::bytea || '\\x00' in key) = 1"
        return pair.database.sql(row)

    until(lambda: "process-2" in lease(), TAKEOVER, "the second process takes the lease")
    launched = launch(b)
    # The machines of this host stay with the first one as long as it might wake up and touch them.
    a.process.send_signal(signal.SIGCONT)
    until(lambda: pair.the_holder() == "process-2", TAKEOVER, "the first process lets go")
    until(lambda: states(a) == {id: "running" for id in launched}, 20, "the second process has the machines")


def test_a_database_that_is_away_is_waited_for(pair):
    a, b = pair.a, pair.b
    a.client("s3").create_bucket(Bucket="before")
    pair.database.kill()
    for process in (a, b):
        try:
            process.client("s3").list_buckets()
        except Exception as error:  # noqa: BLE001 - looked at below
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503, error
        else:
            raise AssertionError("answered without a database")
    pair.database.start()
    for process in (a, b):
        buckets = until(lambda: process.client("s3").list_buckets()["Buckets"], 20, "the region answers again")
        assert [bucket["Name"] for bucket in buckets] == ["before"]
    until(pair.the_holder, TAKEOVER, "somebody reconciles again")
    launched = launch(b)
    until(lambda: states(a) == {id: "running" for id in launched}, 20, "machines start again")
