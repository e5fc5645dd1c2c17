"""Every waiter that botocore has for an operation of ours ends, and as it says. A new operation brings its waiters here: one
without a case below fails."""

import json
import pathlib
import uuid

import boto3
import botocore.exceptions
import pytest
from botocore import xform_name

import guests

OPERATIONS = pathlib.Path(__file__).parents[2] / "crates/api/operations"
BUILT = {file.stem: set(file.read_text().split()) for file in OPERATIONS.glob("*.txt")}


def models():
    """Every service that we have, with botocore's model of its waiters."""
    session = boto3.session.Session()._session
    for service in sorted(BUILT):
        try:
            model = session.get_waiter_model(service)
        except botocore.exceptions.DataNotFoundError:
            continue
        yield service, model


def waiters():
    for service, model in models():
        for name in model.waiter_names:
            if model.get_waiter(name).operation in BUILT[service]:
                yield service, xform_name(name)


class Things:
    """What the waiters wait for, made once for all of them."""

    def __init__(self, region):
        self.ec2, self.s3 = region.client("ec2"), region.client("s3")
        self.iam = region.client("iam")
        self.bucket = f"waiters-{uuid.uuid4()}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_object(Bucket=self.bucket, Key="there", Body=b"")
        self.image = guests.image_id(self.ec2)
        self.instance, self.ended = [self.launch() for _ in range(2)]
        self.ec2.terminate_instances(InstanceIds=[self.ended])
        self.key = self.ec2.create_key_pair(KeyName="waiters")["KeyPairId"]
        self.iam.create_user(UserName="waiters")
        self.iam.create_instance_profile(InstanceProfileName="waiters")
        trusted = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
        self.iam.create_role(RoleName="waiters", AssumeRolePolicyDocument=trust)
        self.vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.subnet = self.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        self.group = self.ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]

    def launch(self):
        launched = self.ec2.run_instances(ImageId=self.image, InstanceType="t3.nano", MinCount=1, MaxCount=1)
        return launched["Instances"][0]["InstanceId"]

    def dispose(self):
        self.ec2.terminate_instances(InstanceIds=[self.instance])
        self.ec2.delete_key_pair(KeyPairId=self.key)
        self.s3.delete_object(Bucket=self.bucket, Key="there")
        self.s3.delete_bucket(Bucket=self.bucket)
        self.iam.delete_user(UserName="waiters")
        self.iam.delete_instance_profile(InstanceProfileName="waiters")
        self.iam.delete_role(RoleName="waiters")


@pytest.fixture(scope="module")
def things(region):
    things = Things(region)
    yield things
    things.dispose()


def instance(things):
    return {"InstanceIds": [things.instance]}


# The parameters under which a waiter succeeds.
SUCCEEDS = {
    "bucket_exists": lambda things: {"Bucket": things.bucket},
    "bucket_not_exists": lambda things: {"Bucket": f"{things.bucket}-not"},
    "image_available": lambda things: {"ImageIds": [things.image]},
    "image_exists": lambda things: {"ImageIds": [things.image]},
    "instance_exists": instance,
    "instance_profile_exists": lambda things: {"InstanceProfileName": "waiters"},
    "instance_running": instance,
    "instance_status_ok": instance,
    "instance_terminated": lambda things: {"InstanceIds": [things.ended]},
    "key_pair_exists": lambda things: {"KeyPairIds": [things.key]},
    "object_exists": lambda things: {"Bucket": things.bucket, "Key": "there"},
    "object_not_exists": lambda things: {"Bucket": things.bucket, "Key": "not there"},
    "policy_exists": lambda things: {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
    "role_exists": lambda things: {"RoleName": "waiters"},
    "security_group_exists": lambda things: {"GroupIds": [things.group]},
    "subnet_available": lambda things: {"SubnetIds": [things.subnet]},
    "system_status_ok": instance,
    "user_exists": lambda things: {"UserName": "waiters"},
    "vpc_available": lambda things: {"VpcIds": [things.vpc]},
    "vpc_exists": lambda things: {"VpcIds": [things.vpc]},
}
# Those that cannot succeed while nothing can bring about what they wait for, but see at once that they wait in vain.
FAILS = {"instance_stopped": lambda things: {"InstanceIds": [things.ended]}}


@pytest.mark.parametrize("service, name", list(waiters()))
def test_a_waiter_ends_as_it_says(region, things, service, name):
    waiter = region.client(service).get_waiter(name)
    patience = {"Delay": 1, "MaxAttempts": 30}
    if name in FAILS:
        # A machine that is being ended is not yet `terminated`, which is what tells the waiter.
        region.client(service).get_waiter("instance_terminated").wait(**FAILS[name](things), WaiterConfig=patience)
        with pytest.raises(botocore.exceptions.WaiterError, match="terminal failure state"):
            waiter.wait(**FAILS[name](things), WaiterConfig=patience)
        return
    assert name in SUCCEEDS, f"{service} has the waiter {name}: say here when it succeeds"
    waiter.wait(**SUCCEEDS[name](things), WaiterConfig=patience)
