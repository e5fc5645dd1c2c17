"""Roles of instances: passed at launch or later, and what a guest can do with the credentials that it finds."""

import json

import botocore.exceptions
import pytest

import guests
from waiting import until

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


def allow(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **given} for given in statements]})


def make_profile(iam, name):
    """An instance profile with a role of the same name, which may list buckets."""
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(
        RoleName=name, PolicyName="list", PolicyDocument=allow({"Action": "s3:ListAllMyBuckets", "Resource": "*"})
    )
    profile = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return profile


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_role_is_passed_by_who_may_pass_it(region):
    iam, ec2 = region.client("iam"), region.client("ec2")
    profile = make_profile(iam, "passed")
    launch = {"ImageId": guests.image_id(ec2), "InstanceType": "t2.nano", "MinCount": 1, "MaxCount": 1}
    unknown = refused(ec2.run_instances, **launch, IamInstanceProfile={"Name": "nobody"})
    assert unknown[0] == "InvalidParameterValue" and "Invalid IAM Instance Profile name" in unknown[1]

    iam.create_user(UserName="launcher")
    key = iam.create_access_key(UserName="launcher")["AccessKey"]
    only = allow({"Action": ["ec2:RunInstances"], "Resource": "*"})
    iam.put_user_policy(UserName="launcher", PolicyName="launch", PolicyDocument=only)
    theirs = region.client("ec2", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    theirs.run_instances(**launch)
    code, text = refused(theirs.run_instances, **launch, IamInstanceProfile={"Name": "passed"})
    assert code == "UnauthorizedOperation" and "iam:PassRole on resource: arn:aws:iam::" in text and "role/passed" in text
    both = allow(
        {"Action": ["ec2:RunInstances"], "Resource": "*"},
        {
            "Action": "iam:PassRole",
            "Resource": "arn:aws:iam::*:role/passed",
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        },
    )
    iam.put_user_policy(UserName="launcher", PolicyName="launch", PolicyDocument=both)
    made = theirs.run_instances(**launch, IamInstanceProfile={"Arn": profile["Arn"]})["Instances"][0]
    shown = {"Arn": profile["Arn"], "Id": profile["InstanceProfileId"]}
    assert made["IamInstanceProfile"] == shown

    id = made["InstanceId"]
    described = ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]
    assert described["IamInstanceProfile"] == shown
    (association,) = ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [id]}]
    )["IamInstanceProfileAssociations"]
    assert association["State"] == "associated" and association["IamInstanceProfile"] == shown
    again = refused(ec2.associate_iam_instance_profile, InstanceId=id, IamInstanceProfile={"Name": "passed"})
    assert again[0] == "IncorrectState"
    other = make_profile(iam, "other")
    replaced = ec2.replace_iam_instance_profile_association(
        AssociationId=association["AssociationId"], IamInstanceProfile={"Name": "other"}
    )["IamInstanceProfileAssociation"]
    assert replaced["AssociationId"] != association["AssociationId"]
    assert replaced["IamInstanceProfile"]["Arn"] == other["Arn"]
    gone = refused(ec2.disassociate_iam_instance_profile, AssociationId=association["AssociationId"])
    assert gone[0] == "InvalidAssociationID.NotFound"
    ec2.disassociate_iam_instance_profile(AssociationId=replaced["AssociationId"])
    described = ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]
    assert "IamInstanceProfile" not in described


@pytest.mark.guest
def test_a_guest_finds_the_credentials_of_its_role(lab, guest):
    iam, ec2 = lab.client("iam"), lab.client("ec2")
    profile = make_profile(iam, "web")
    guests.allow(lab, 22)
    imds = "sudo imds meta-data/iam"
    association = ec2.associate_iam_instance_profile(InstanceId=guest.id, IamInstanceProfile={"Name": "web"})
    association = association["IamInstanceProfileAssociation"]["AssociationId"]

    def found():
        document = guest.ssh(f"{imds}/security-credentials/web || true")
        return document.startswith("{") and json.loads(document)

    credentials = until(found, 30, "the guest finds its credentials")
    assert credentials["Code"] == "Success" and credentials["Type"] == "AWS-HMAC"
    assert guest.ssh(f"{imds}/security-credentials/") == "web"
    assert json.loads(guest.ssh(f"{imds}/info"))["InstanceProfileArn"] == profile["Arn"]

    keys = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["Token"],
    }
    arn = lab.client("sts", **keys).get_caller_identity()["Arn"]
    assert arn.endswith(f":assumed-role/web/{guest.id}")
    s3 = lab.client("s3", **keys)
    s3.list_buckets()
    code, text = refused(s3.create_bucket, Bucket="not-allowed")
    assert code == "AccessDenied" and "assumed-role/web" in text

    ec2.disassociate_iam_instance_profile(AssociationId=association)
    until(lambda: not found(), 30, "the credentials are gone")
    assert refused(s3.list_buckets)[0] in ("InvalidAccessKeyId", "ExpiredToken", "InvalidToken")
