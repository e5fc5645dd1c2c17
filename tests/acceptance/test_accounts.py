"""Accounts: made by the operator and by Organizations, kept apart, bound by service control policies, closed."""

import json

import boto3
import botocore.exceptions
import pytest

from region import welkin
from waiting import until

DENY_S3 = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}


def account(region, *arguments):
    done = welkin("account", *arguments, "--data-dir", region.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def exports(text):
    pairs = (line[len("export ") :].split("=", 1) for line in text.splitlines() if line.startswith("export "))
    return {name: value.strip("'") for name, value in pairs}


def keys(found):
    return {
        "aws_access_key_id": found["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": found["AWS_SECRET_ACCESS_KEY"],
    }


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def test_an_operator_makes_lists_and_closes_accounts(region):
    lab = exports(account(region, "create", "lab", "--env"))
    assert lab["AWS_ENDPOINT_URL"] == region.exports["AWS_ENDPOINT_URL"]
    sts = region.client("sts", **keys(lab))
    number = sts.get_caller_identity()["Account"]
    assert number != region.client("sts").get_caller_identity()["Account"]
    lines = json.loads(account(region, "list", "--json"))
    assert [line["is_active"] for line in lines if line["account"] == number] == [True]
    # It has a network of its own, and sees nothing of the other account's.
    own, other = (ec2.describe_vpcs()["Vpcs"] for ec2 in (region.client("ec2", **keys(lab)), region.client("ec2")))
    assert len(own) == 1 and own[0]["VpcId"] not in [vpc["VpcId"] for vpc in other]

    account(region, "close", number)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        sts.get_caller_identity()
    assert code_of(refused) == "InvalidClientTokenId"
    assert f"{number}  closed" in account(region, "list")


def test_what_cannot_be_done_with_accounts_is_said(region, tmp_path):
    first = region.client("sts").get_caller_identity()["Account"]
    for arguments, text in [
        (("close", first), "first one"),
        (("close", "000000000009"), "no account"),
        (("close", "12"), "twelve decimal digits"),
        (("create", "x" * 51), "1 to 50 characters"),
    ]:
        done = welkin("account", *arguments, "--data-dir", region.folder)
        assert done.returncode == 1 and text in done.stderr, done.stderr
    done = welkin("account", "list", "--data-dir", tmp_path)
    assert done.returncode == 1 and "no region runs" in done.stderr


def test_an_organization_makes_accounts_and_binds_them(region):
    organizations = region.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    asked = organizations.create_account(Email="lab@example.net", AccountName="lab")["CreateAccountStatus"]

    def made():
        status = organizations.describe_create_account_status(CreateAccountRequestId=asked["Id"])
        return status["CreateAccountStatus"].get("AccountId")

    number = until(made, 20, "an account of the organization")
    listed = [page["Accounts"] for page in organizations.get_paginator("list_accounts").paginate()]
    assert number in [one["Id"] for page in listed for one in page]

    # The managing account's users come in by the role that was made with the account; its root can't, as with AWS.
    iam = region.client("iam")
    iam.create_user(UserName="boss")
    iam.attach_user_policy(UserName="boss", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="boss")["AccessKey"]
    sts = region.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    role = f"arn:aws:iam::{number}:role/OrganizationAccountAccessRole"
    given = sts.assume_role(RoleArn=role, RoleSessionName="boss")["Credentials"]
    inside = boto3.session.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "us-east-1")
    s3 = inside.client("s3", endpoint_url=region.exports["AWS_ENDPOINT_URL"])
    s3.create_bucket(Bucket="bound-by-nothing")

    unit = organizations.create_organizational_unit(ParentId=root, Name="no-s3")["OrganizationalUnit"]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    policy = organizations.create_policy(
        Content=json.dumps(DENY_S3), Description="", Name="no-s3", Type="SERVICE_CONTROL_POLICY"
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=unit)
    s3.list_buckets()
    organizations.move_account(AccountId=number, SourceParentId=root, DestinationParentId=unit)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        s3.list_buckets()
    assert code_of(refused) == "AccessDenied"
    assert "with an explicit deny in a service control policy" in str(refused.value)
    organizations.detach_policy(PolicyId=policy, TargetId=unit)
    s3.list_buckets()

    organizations.close_account(AccountId=number)
    with pytest.raises(botocore.exceptions.ClientError):
        s3.list_buckets()
    described = organizations.describe_account(AccountId=number)["Account"]
    assert described["Status"] == "SUSPENDED"
