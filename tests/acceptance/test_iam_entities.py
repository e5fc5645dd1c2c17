"""Users, groups, access keys, roles and instance profiles with boto3 as it comes: its waiters, its paginators, its errors."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from waiting import until

TRUST_EC2 = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def trusting(principal):
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture
def iam(region):
    return region.client("iam")


@pytest.fixture
def name():
    return f"t-{uuid.uuid4()}"


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def all_of(client, operation, key, size=2, **arguments):
    """Every entry of a list, page by page."""
    config = {"PageSize": size}
    pages = client.get_paginator(operation).paginate(PaginationConfig=config, **arguments)
    return [entry for page in pages for entry in page[key]]


def test_a_user_from_beginning_to_end(iam, name):
    made = iam.create_user(UserName=name, Path="/staff/", Tags=[{"Key": "Team", "Value": "blue"}])["User"]
    iam.get_waiter("user_exists").wait(UserName=name)
    assert iam.get_user(UserName=name.upper())["User"] == made
    assert made["Arn"].endswith(f":user/staff/{name}") and made["UserId"].startswith("AIDA")

    iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "red"}, {"Key": "Cost", "Value": ""}])
    tags = all_of(iam, "list_user_tags", "Tags", size=1, UserName=name)
    assert tags == [{"Key": "Cost", "Value": ""}, {"Key": "team", "Value": "red"}]
    iam.untag_user(UserName=name, TagKeys=["Cost"])

    group = f"{name}-group"
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(ALLOW_NOTHING))
    new = f"{name}-new"
    iam.update_user(UserName=name, NewUserName=new, NewPath="/")
    assert [user["UserName"] for user in all_of(iam, "get_group", "Users", GroupName=group)] == [new]
    assert [found["GroupName"] for found in all_of(iam, "list_groups_for_user", "Groups", UserName=new)] == [group]
    assert iam.list_user_policies(UserName=new)["PolicyNames"] == ["p"]

    conflict = "DeleteConflict"
    assert refusal(iam.delete_user, UserName=new) == (conflict, "Cannot delete entity, must delete policies first.")
    iam.delete_user_policy(UserName=new, PolicyName="p")
    text = "Cannot delete entity, must remove users from group first."
    assert refusal(iam.delete_user, UserName=new) == (conflict, text)
    assert refusal(iam.delete_group, GroupName=group) == (conflict, text)
    iam.remove_user_from_group(GroupName=group, UserName=new)
    iam.delete_group(GroupName=group)
    iam.delete_user(UserName=new)
    assert refusal(iam.get_user, UserName=new) == ("NoSuchEntity", f"The user with name {new} cannot be found.")


ALLOW_NOTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}


def test_lists_come_in_pages(iam, name):
    path = f"/{name}/"
    for number in range(5):
        iam.create_user(UserName=f"{name}-{number}", Path=path)
        iam.create_group(GroupName=f"{name}-{number}", Path=path)
        iam.create_role(RoleName=f"{name}-{number}", Path=path, AssumeRolePolicyDocument=json.dumps(TRUST_EC2))
        iam.create_instance_profile(InstanceProfileName=f"{name}-{number}", Path=path)
    names = [f"{name}-{number}" for number in range(5)]
    for operation, key, field in [
        ("list_users", "Users", "UserName"),
        ("list_groups", "Groups", "GroupName"),
        ("list_roles", "Roles", "RoleName"),
        ("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    ]:
        assert [found[field] for found in all_of(iam, operation, key, PathPrefix=path)] == names
    assert refusal(iam.list_users, Marker="nonsense") == ("ValidationError", "Invalid Marker.")


def test_the_model_s_limits_are_kept_in_amazons_words(iam, name):
    code, text = refusal(iam.create_user, UserName="a b")
    assert code == "ValidationError"
    assert text == (
        "The specified value for userName is invalid. "
        "It must contain only alphanumeric characters and/or the following: +=,.@_-"
    )
    _, text = refusal(iam.create_user, UserName="x" * 65, Path="/" + "x" * 600 + "/")
    assert text.startswith("2 validation errors detected: ")
    assert "Member must have length less than or equal to 64" in text
    _, text = refusal(iam.list_users, MaxItems=1001)
    assert text.endswith("Value at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000")
    iam.create_user(UserName="x" * 64)
    iam.delete_user(UserName="x" * 64)


def test_keys_work_are_switched_off_and_tell_their_last_use(region, iam, name):
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(ALLOW_OWN))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.create_access_key(UserName=name)
    code, text = refusal(iam.create_access_key, UserName=name)
    assert (code, text) == ("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
    assert len(all_of(iam, "list_access_keys", "AccessKeyMetadata", size=1, UserName=name)) == 2
    number = region.client("sts").get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"]
    assert number == region.account
    unused = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert unused["UserName"] == name and unused["AccessKeyLastUsed"]["ServiceName"] == "N/A"

    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert region.client("iam", **own).get_user()["User"]["UserName"] == name

    def used():
        return iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"].get("LastUsedDate")

    until(used, 20, "the last use of the key")
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("iam", "us-east-1")

    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refusal(region.client("sts", **own).get_caller_identity)[0] == "InvalidClientTokenId"
    for listed in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=listed["AccessKeyId"])


ALLOW_OWN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/${aws:username}"}],
}


def test_a_role_and_its_profile(region, iam, name):
    document = trusting(region.account)
    made = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(document), Tags=[{"Key": "a", "Value": "1"}]
    )["Role"]
    # boto3 decodes what comes percent-encoded.
    assert made["AssumeRolePolicyDocument"] == document
    iam.get_waiter("role_exists").wait(RoleName=name)
    iam.update_role(RoleName=name, Description="text", MaxSessionDuration=7200)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(TRUST_EC2))
    role = iam.get_role(RoleName=name)["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("text", 7200)
    assert role["AssumeRolePolicyDocument"] == TRUST_EC2 and role["RoleLastUsed"] == {}
    assert all_of(iam, "list_role_tags", "Tags", RoleName=name) == [{"Key": "a", "Value": "1"}]
    code, text = refusal(
        iam.update_assume_role_policy,
        RoleName=name,
        PolicyDocument=json.dumps(trusting(f"arn:aws:iam::{region.account}:user/nobody-{name}")),
    )
    assert code == "MalformedPolicyDocument" and text.startswith('Invalid principal in policy: "AWS":"arn:')

    iam.create_instance_profile(InstanceProfileName=name)
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    profiles = all_of(iam, "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name)
    assert [role["RoleName"] for profile in profiles for role in profile["Roles"]] == [name]
    iam.tag_instance_profile(InstanceProfileName=name, Tags=[{"Key": "b", "Value": "2"}])
    assert all_of(iam, "list_instance_profile_tags", "Tags", InstanceProfileName=name) == [{"Key": "b", "Value": "2"}]
    text = "Cannot delete entity, must remove roles from instance profile first."
    assert refusal(iam.delete_role, RoleName=name) == ("DeleteConflict", text)
    assert refusal(iam.delete_instance_profile, InstanceProfileName=name) == ("DeleteConflict", text)
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
    iam.delete_instance_profile(InstanceProfileName=name)
    iam.delete_role(RoleName=name)


def test_a_deleted_user_is_not_trusted_under_the_same_name(region, iam, name):
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    gone = iam.get_user(UserName=name)["User"]["UserId"]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trusting(arn)))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    role = f"arn:aws:iam::{region.account}:role/{name}"
    region.client("sts", **own).assume_role(RoleArn=role, RoleSessionName="session")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)

    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    code, _ = refusal(region.client("sts", **own).assume_role, RoleArn=role, RoleSessionName="session")
    assert code == "AccessDenied"
    shown = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"] == gone


def test_roles_of_services(iam):
    role = iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")["Role"]
    assert (role["RoleName"], role["Path"]) == ("AWSServiceRoleForECS", "/aws-service-role/ecs.amazonaws.com/")
    code, _ = refusal(iam.delete_role, RoleName="AWSServiceRoleForECS")
    assert code == "UnmodifiableEntity"
    task = iam.delete_service_linked_role(RoleName="AWSServiceRoleForECS")["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_the_account(iam, name):
    alias = name.removesuffix("-")[:40].strip("-")
    iam.create_account_alias(AccountAlias=alias)
    assert all_of(iam, "list_account_aliases", "AccountAliases") == [alias]
    assert refusal(iam.create_account_alias, AccountAlias="two--dashes")[0] == "ValidationError"
    iam.delete_account_alias(AccountAlias=alias)
    before = iam.get_account_summary()["SummaryMap"]
    iam.create_user(UserName=name)
    after = iam.get_account_summary()["SummaryMap"]
    assert after["Users"] == before["Users"] + 1 and after["UsersQuota"] == 5000
    root = iam.get_user()["User"]
    assert "UserName" not in root and root["Arn"].endswith(":root")
