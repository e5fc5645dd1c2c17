"""EC2's API with simulated machines: what unmodified clients do with it."""

import pytest
from botocore.exceptions import ClientError

import guests


@pytest.fixture(scope="module")
def ec2(region):
    return region.client("ec2")


def run(ec2, count=1, **options):
    answer = ec2.run_instances(
        ImageId=guests.image_id(ec2), InstanceType="t3.micro", MinCount=count, MaxCount=count, **options
    )
    return [instance["InstanceId"] for instance in answer["Instances"]]


def test_the_life_of_an_instance(ec2):
    (id,) = run(ec2)
    ec2.get_waiter("instance_running").wait(InstanceIds=[id], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (instance,) = ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"]
    assert instance["PrivateIpAddress"].startswith("172.31.") and instance["PublicIpAddress"]
    assert "Tags" not in instance, "AWS says nothing where there are none"
    ec2.terminate_instances(InstanceIds=[id])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[id], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    # It stays visible for a while, without its addresses.
    (instance,) = ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"]
    assert instance["State"] == {"Code": 48, "Name": "terminated"} and "PublicIpAddress" not in instance


def test_pages_hold_everything_once(ec2):
    tag = {"Key": "test", "Value": "pages"}
    ids = []
    for _ in range(3):
        ids += run(ec2, 3, TagSpecifications=[{"ResourceType": "instance", "Tags": [tag]}])
    try:
        pages = ec2.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "tag:test", "Values": ["pages"]}], PaginationConfig={"PageSize": 5}
        )
        pages = [[i["InstanceId"] for r in page["Reservations"] for i in r["Instances"]] for page in pages]
        assert len(pages) > 1 and sorted(sum(pages, [])) == sorted(ids)
    finally:
        ec2.terminate_instances(InstanceIds=ids)


def test_a_client_token_launches_once(ec2):
    first = run(ec2, ClientToken="once")
    assert run(ec2, ClientToken="once") == first
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        run(ec2, 2, ClientToken="once")
    ec2.terminate_instances(InstanceIds=first)


def test_keys_are_made_and_taken(ec2, region):
    made = ec2.create_key_pair(KeyName="made", KeyType="rsa")
    assert made["KeyMaterial"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    with pytest.raises(ClientError, match="InvalidKeyPair.Duplicate"):
        ec2.create_key_pair(KeyName="made")
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIPNx2cBlkjDmtOVGLz4oc4XjEyUBM45Hg8VXbkfhOPN someone"
    ec2.import_key_pair(KeyName="taken", PublicKeyMaterial=public.encode())
    assert {pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]} >= {"made", "taken"}
    for name in ("made", "taken", "never-was"):
        ec2.delete_key_pair(KeyName=name)
    with pytest.raises(ClientError, match="InvalidKeyPair.NotFound"):
        ec2.describe_key_pairs(KeyNames=["made"])


def test_security_groups_are_checked(ec2):
    (vpc,) = ec2.describe_vpcs()["Vpcs"]
    assert vpc["IsDefault"] and vpc["CidrBlock"] == "172.31.0.0/16"
    id = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc["VpcId"])["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=[rule])
    with pytest.raises(ClientError, match="InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=[rule])
    (instance,) = run(ec2, SecurityGroupIds=[id])
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=id)
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    ec2.delete_security_group(GroupId=id)
    with pytest.raises(ClientError, match="InvalidGroup.NotFound"):
        ec2.describe_security_groups(GroupIds=[id])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t3.cathedral"}, "InvalidInstanceType|InvalidParameterValue"),
        ({"KeyName": "no-such-key"}, "InvalidKeyPair.NotFound"),
        ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
        ({"MinCount": 2, "MaxCount": 1}, "InvalidParameterCombination|InvalidParameterValue"),
    ],
)
def test_a_launch_that_cannot_be_is_refused(ec2, options, code):
    before = len(ec2.describe_instances()["Reservations"])
    usual = {"ImageId": guests.image_id(ec2), "InstanceType": "t3.nano", "MinCount": 1, "MaxCount": 1}
    with pytest.raises(ClientError, match=code):
        ec2.run_instances(**{**usual, **options})
    assert len(ec2.describe_instances()["Reservations"]) == before


def test_images_that_are_missing_are_named_together(ec2):
    missing = ["ami-00000000000000000", "ami-00000000000000001"]
    with pytest.raises(ClientError) as refused:
        ec2.describe_images(ImageIds=missing)
    error = refused.value.response["Error"]
    assert error == {"Code": "InvalidAMIID.NotFound", "Message": f"The image ids '[{', '.join(missing)}]' do not exist"}


def test_everything_acknowledged_outlives_a_kill(region, ec2):
    """Kills the region that this module's tests share, and starts it again on another port."""
    ids = run(ec2, 2)
    ec2.create_tags(Resources=ids, Tags=[{"Key": "kept", "Value": "yes"}])
    region.kill()
    region.start()
    found = region.client("ec2").describe_instances(Filters=[{"Name": "tag:kept", "Values": ["yes"]}])
    assert sorted(i["InstanceId"] for r in found["Reservations"] for i in r["Instances"]) == sorted(ids)
    region.client("ec2").terminate_instances(InstanceIds=ids)
