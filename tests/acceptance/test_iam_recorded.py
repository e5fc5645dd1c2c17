"""What AWS itself answered to the questions of other people's IAM suites: codes, status and texts, word by word."""

import json

import botocore.exceptions
import pytest

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}]}
)
TAG_KEY = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+"
TAG_KEYS = (
    "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: "
    "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, "
    f"Member must satisfy regular expression pattern: {TAG_KEY}, Member must not be null]"
)


@pytest.fixture(scope="module")
def iam(region):
    iam = region.client("iam")
    iam.create_user(UserName="ann")
    iam.create_group(GroupName="devs")
    iam.create_role(RoleName="ci", AssumeRolePolicyDocument=TRUST)
    iam.create_policy(PolicyName="list", PolicyDocument=POLICY)
    return iam


def error(call, arguments):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def constraint(where, what):
    return f"1 validation error detected: Value at '{where}' failed to satisfy constraint: Member must {what}"


def tags(*pairs):
    return [{"Key": key, "Value": value} for key, value in pairs]


MANY = tags(*((f"k{number}", "v") for number in range(51)))
LIST = "arn:aws:iam::{account}:policy/list"
NONE = "arn:aws:iam::{account}:policy/none"
VERSION = r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?"
ROLE_TAGS = {"RoleName": "new", "AssumeRolePolicyDocument": TRUST}
CASELESS = "Duplicate tag keys found. Please note that Tag keys are case insensitive."

REFUSED = [
    ("get_user", {"UserName": "no"}, "NoSuchEntity", 404, "The user with name no cannot be found."),
    ("create_user", {"UserName": "ann"}, "EntityAlreadyExists", 409, "User with name ann already exists."),
    ("create_group", {"GroupName": "devs"}, "EntityAlreadyExists", 409, "Group with name devs already exists."),
    ("get_group", {"GroupName": "no"}, "NoSuchEntity", 404, "The group with name no cannot be found."),
    ("create_role", {"RoleName": "ci", "AssumeRolePolicyDocument": TRUST}, "EntityAlreadyExists", 409, "Role with name ci already exists."),
    ("update_role", {"RoleName": "no"}, "NoSuchEntity", 404, "The role with name no cannot be found."),
    ("create_policy", {"PolicyName": "list", "PolicyDocument": POLICY}, "EntityAlreadyExists", 409, "A policy called list already exists. Duplicate names are not allowed."),
    ("remove_user_from_group", {"GroupName": "no", "UserName": "nobody"}, "NoSuchEntity", 404, "The user with name nobody cannot be found."),
    ("remove_user_from_group", {"GroupName": "no", "UserName": "ann"}, "NoSuchEntity", 404, "The group with name no cannot be found."),
    ("add_user_to_group", {"GroupName": "devs", "UserName": "nobody"}, "NoSuchEntity", 404, "The user with name nobody cannot be found."),
    ("detach_user_policy", {"UserName": "ann", "PolicyArn": LIST}, "NoSuchEntity", 404, f"Policy {LIST} was not found."),
    ("detach_group_policy", {"GroupName": "devs", "PolicyArn": LIST}, "NoSuchEntity", 404, f"Policy {LIST} was not found."),
    ("detach_role_policy", {"RoleName": "ci", "PolicyArn": LIST}, "NoSuchEntity", 404, f"Policy {LIST} was not found."),
    ("attach_user_policy", {"UserName": "ann", "PolicyArn": NONE}, "NoSuchEntity", 404, f"Policy {NONE} does not exist or is not attachable."),
    ("attach_role_policy", {"RoleName": "ci", "PolicyArn": NONE}, "NoSuchEntity", 404, f"Policy {NONE} does not exist or is not attachable."),
    ("attach_role_policy", {"RoleName": "ci", "PolicyArn": "longpolicynamebutnoarn"}, "ValidationError", 400, "ARN longpolicynamebutnoarn is not valid."),
    ("attach_user_policy", {"UserName": "ann", "PolicyArn": "longpolicynamebutnoarn"}, "ValidationError", 400, "ARN longpolicynamebutnoarn is not valid."),
    ("get_role_policy", {"RoleName": "ci", "PolicyName": "no"}, "NoSuchEntity", 404, "The role policy with name no cannot be found."),
    ("delete_role_policy", {"RoleName": "ci", "PolicyName": "no"}, "NoSuchEntity", 404, "The role policy with name no cannot be found."),
    ("get_group_policy", {"GroupName": "devs", "PolicyName": "no"}, "NoSuchEntity", 404, "The group policy with name no cannot be found."),
    ("get_policy_version", {"PolicyArn": NONE, "VersionId": "v1"}, "NoSuchEntity", 404, f"Policy {NONE} version v1 does not exist or is not attachable."),
    ("get_policy_version", {"PolicyArn": LIST, "VersionId": "v9"}, "NoSuchEntity", 404, f"Policy {LIST} version v9 does not exist or is not attachable."),
    ("get_policy_version", {"PolicyArn": LIST, "VersionId": "one"}, "ValidationError", 400, constraint("versionId", f"satisfy regular expression pattern: {VERSION}")),
    ("delete_policy_version", {"PolicyArn": LIST, "VersionId": "v1"}, "DeleteConflict", 409, "Cannot delete the default version of a policy."),
    ("delete_policy_version", {"PolicyArn": LIST, "VersionId": "v9"}, "NoSuchEntity", 404, f"Policy {LIST} version v9 does not exist or is not attachable."),
    ("set_default_policy_version", {"PolicyArn": LIST, "VersionId": "v4"}, "NoSuchEntity", 404, f"Policy {LIST} version v4 does not exist or is not attachable."),
    ("set_default_policy_version", {"PolicyArn": LIST, "VersionId": "wrong"}, "ValidationError", 400, constraint("versionId", f"satisfy regular expression pattern: {VERSION}")),
    ("tag_policy", {"PolicyArn": LIST, "Tags": MANY}, "ValidationError", 400, constraint("tags", "have length less than or equal to 50")),
    ("tag_policy", {"PolicyArn": LIST, "Tags": tags(("a", "1"), ("a", "2"))}, "InvalidInput", 400, "Duplicate tag keys found."),
    ("tag_policy", {"PolicyArn": LIST, "Tags": tags(("k" * 129, "1"))}, "ValidationError", 400, constraint("tags.1.member.key", "have length less than or equal to 128")),
    ("tag_policy", {"PolicyArn": LIST, "Tags": tags(("k", "v" * 257))}, "ValidationError", 400, constraint("tags.1.member.value", "have length less than or equal to 256")),
    ("tag_policy", {"PolicyArn": LIST, "Tags": tags(("NOWAY!", "v"))}, "ValidationError", 400, constraint("tags.1.member.key", f"satisfy regular expression pattern: {TAG_KEY}")),
    ("tag_policy", {"PolicyArn": NONE, "Tags": tags(("k", "v"))}, "NoSuchEntity", 404, f"Policy {NONE} was not found."),
    ("untag_policy", {"PolicyArn": LIST, "TagKeys": [f"k{n}" for n in range(51)]}, "ValidationError", 400, constraint("tagKeys", "have length less than or equal to 50")),
    ("untag_policy", {"PolicyArn": LIST, "TagKeys": ["k" * 129]}, "ValidationError", 400, TAG_KEYS),
    ("untag_role", {"RoleName": "ci", "TagKeys": ["NOWAY!"]}, "ValidationError", 400, TAG_KEYS),
    ("create_role", {**ROLE_TAGS, "Tags": MANY}, "ValidationError", 400, constraint("tags", "have length less than or equal to 50")),
    ("create_role", {**ROLE_TAGS, "Tags": tags(("a", "1"), ("A", "2"))}, "InvalidInput", 400, CASELESS),
    ("tag_role", {"RoleName": "ci", "Tags": tags(("a", "1"), ("a", "2"))}, "InvalidInput", 400, CASELESS),
    ("tag_role", {"RoleName": "no", "Tags": tags(("a", "1"))}, "NoSuchEntity", 404, "The role with name no cannot be found."),
    ("update_assume_role_policy", {"RoleName": "ci", "PolicyDocument": "{"}, "MalformedPolicyDocument", 400, "This policy contains invalid Json"),
    ("update_assume_role_policy", {"RoleName": "ci", "PolicyDocument": TRUST.replace("sts:AssumeRole", "s3:GetObject")}, "MalformedPolicyDocument", 400, "AssumeRole policy may only specify STS AssumeRole actions."),
    ("update_assume_role_policy", {"RoleName": "ci", "PolicyDocument": TRUST.replace('"Effect"', '"Resource": "*", "Effect"')}, "MalformedPolicyDocument", 400, "Has prohibited field Resource"),
    ("create_login_profile", {"UserName": "nobody", "Password": "LongAndWild7!"}, "NoSuchEntity", 404, "The user with name nobody cannot be found."),
    ("delete_login_profile", {"UserName": "ann"}, "NoSuchEntity", 404, "Login Profile for User ann cannot be found."),
    ("update_access_key", {"UserName": "ann", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Status": "Inactive"}, "NoSuchEntity", 404, "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found."),
    ("delete_virtual_mfa_device", {"SerialNumber": "arn:aws:iam::{account}:mfa/no"}, "NoSuchEntity", 404, "MFA Device with serial number arn:aws:iam::{account}:mfa/no does not exist."),
    ("deactivate_mfa_device", {"UserName": "ann", "SerialNumber": "arn:aws:iam::{account}:mfa/no"}, "NoSuchEntity", 404, "MFA Device with serial number arn:aws:iam::{account}:mfa/no does not exist."),
    ("create_virtual_mfa_device", {"VirtualMFADeviceName": "m", "Path": "test"}, "ValidationError", 400, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."),
    ("create_virtual_mfa_device", {"VirtualMFADeviceName": "m", "Path": "/" + 511 * "a" + "/"}, "ValidationError", 400, constraint("path", "have length less than or equal to 512")),
    ("create_user", {"UserName": "b d"}, "ValidationError", 400, "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"),
    ("create_role", {**ROLE_TAGS, "Path": "x/"}, "ValidationError", 400, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."),
    ("list_virtual_mfa_devices", {"Marker": "100"}, "ValidationError", 400, "Invalid Marker."),
    ("get_account_password_policy", {}, "NoSuchEntity", 404, "The Password Policy with domain name {account} cannot be found."),
    ("delete_account_password_policy", {}, "NoSuchEntity", 404, "The account policy with name PasswordPolicy cannot be found."),
    ("get_open_id_connect_provider", {"OpenIDConnectProviderArn": "arn:aws:iam::{account}:oidc-provider/no.example"}, "NoSuchEntity", 404, "OpenIDConnect Provider not found for arn arn:aws:iam::{account}:oidc-provider/no.example"),
    ("create_open_id_connect_provider", {"Url": "https://idp.example", "ThumbprintList": ["a" * 40] * 6}, "InvalidInput", 400, "Thumbprint list must contain fewer than 5 entries."),
    ("create_open_id_connect_provider", {"Url": "https://idp.example", "ClientIDList": [f"c{n}" for n in range(101)]}, "LimitExceeded", 409, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"),
    ("create_open_id_connect_provider", {"Url": "example.org"}, "ValidationError", 400, "Invalid Open ID Connect Provider URL"),
    ("delete_open_id_connect_provider", {"OpenIDConnectProviderArn": "arn:aws:iam::{account}:oidc-provider/no.example"}, "NoSuchEntity", 404, "OpenId connect Provider arn:aws:iam::{account}:oidc-provider/no.example cannot be found."),
    ("put_role_permissions_boundary", {"RoleName": "ci", "PermissionsBoundary": "arn:aws:iam::{account}:not_a_policy/x"}, "InvalidInput", 400, "ARN arn:aws:iam::{account}:not_a_policy/x is not valid."),
    ("put_role_permissions_boundary", {"RoleName": "ci", "PermissionsBoundary": NONE}, "NoSuchEntity", 404, f"Scope ARN: {NONE} does not exist or is not attachable."),
    ("create_role", {**ROLE_TAGS, "PermissionsBoundary": NONE}, "NoSuchEntity", 404, f"Scope ARN: {NONE} does not exist or is not attachable."),
    ("get_access_key_last_used", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}, "AccessDenied", 403, "User: arn:aws:iam::{account}:root is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE"),
    ("upload_signing_certificate", {"UserName": "ann", "CertificateBody": "no-certificate"}, "MalformedCertificate", 400, "Certificate no-certificate is malformed."),
    ("add_user_to_group", {"GroupName": "no", "UserName": "nobody"}, "NoSuchEntity", 404, "The user with name nobody cannot be found."),
    ("create_policy", {"PolicyName": "new", "PolicyDocument": POLICY.replace('"s3:ListBucket", "Resource": "*"', '"invalid"')}, "MalformedPolicyDocument", 400, "Policy statement must contain resources."),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case[0]}-{case[2]}")
def test_refusals_read_as_amazons(region, iam, case):
    operation, arguments, code, status, text = case
    fill = lambda value: value.replace("{account}", region.account) if isinstance(value, str) else value  # noqa: E731
    arguments = {name: fill(value) for name, value in arguments.items()}
    # The model that comes with boto3 refuses some of it by itself.
    client = region.client("iam", config=botocore.config.Config(parameter_validation=False))
    assert error(getattr(client, operation), arguments) == (code, status, fill(text))


def test_quotas_that_everybody_meets(region, iam):
    arn = f"arn:aws:iam::{region.account}:policy/list"
    for _ in range(2):
        iam.create_access_key(UserName="ann")
    assert error(iam.create_access_key, {"UserName": "ann"}) == (
        "LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)
    assert error(iam.create_policy_version, {"PolicyArn": arn, "PolicyDocument": POLICY}) == (
        "LimitExceeded", 409,
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
    )
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in versions] == ["v5", "v4", "v3", "v2", "v1"]
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v6", False)


def fields(answer):
    return sorted(name for name in answer if name != "ResponseMetadata")


def test_answers_have_the_fields_of_amazons_and_no_others(region, iam):
    made = iam.create_role(RoleName="shown", AssumeRolePolicyDocument=TRUST, Description="d")["Role"]
    assert fields(made) == ["Arn", "AssumeRolePolicyDocument", "CreateDate", "Path", "RoleId", "RoleName"]
    got = iam.get_role(RoleName="shown")["Role"]
    assert fields(got) == sorted([*fields(made), "Description", "MaxSessionDuration", "RoleLastUsed"])
    assert (got["MaxSessionDuration"], got["RoleLastUsed"]) == (3600, {})
    listed = [role for role in iam.list_roles()["Roles"] if role["RoleName"] == "shown"][0]
    assert fields(listed) == sorted([*fields(made), "Description", "MaxSessionDuration"])
    described = iam.update_role_description(RoleName="shown", Description="other")["Role"]
    assert fields(described) == sorted([*fields(made), "Description"])
    # A role that is updated with nothing stays as it is.
    iam.update_role(RoleName="shown", MaxSessionDuration=7200)
    iam.update_role(RoleName="shown")
    got = iam.get_role(RoleName="shown")["Role"]
    assert (got["Description"], got["MaxSessionDuration"]) == ("other", 7200)

    made = iam.create_policy(PolicyName="shown", PolicyDocument=POLICY, Description="d")["Policy"]
    expected = [
        "Arn", "AttachmentCount", "CreateDate", "DefaultVersionId", "IsAttachable", "Path",
        "PermissionsBoundaryUsageCount", "PolicyId", "PolicyName", "UpdateDate",
    ]
    assert fields(made) == expected
    got = iam.get_policy(PolicyArn=made["Arn"])["Policy"]
    assert (fields(got), got["Tags"]) == (sorted([*expected, "Description", "Tags"]), [])
    listed = [policy for policy in iam.list_policies(Scope="Local")["Policies"] if policy["PolicyName"] == "shown"][0]
    assert fields(listed) == expected

    user = iam.create_user(UserName="shown", Tags=tags(("b", "2"), ("a", "1")))["User"]
    assert fields(user) == ["Arn", "CreateDate", "Path", "Tags", "UserId", "UserName"]
    assert user["CreateDate"].microsecond == 0
    assert fields(iam.create_user(UserName="bare")["User"]) == ["Arn", "CreateDate", "Path", "UserId", "UserName"]
    profile = iam.create_login_profile(UserName="shown", Password="LongAndWild7!")["LoginProfile"]
    assert (fields(profile), profile["PasswordResetRequired"]) == (["CreateDate", "PasswordResetRequired", "UserName"], False)
    key = iam.create_access_key(UserName="shown")["AccessKey"]
    unused = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert unused["AccessKeyLastUsed"] == {"Region": "N/A", "ServiceName": "N/A"}

    # Of users' and policies' tags, keys that differ in case are two; of roles', one.
    arn = got["Arn"]
    iam.tag_policy(PolicyArn=arn, Tags=tags(("a", "lower"), ("A", "upper")))
    assert [tag["Key"] for tag in iam.list_policy_tags(PolicyArn=arn)["Tags"]] == ["A", "a"]
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert [tag["Key"] for tag in iam.list_policy_tags(PolicyArn=arn)["Tags"]] == ["A"]

    # That there are no tags is said of one thing, and not in lists; a role is short where it is in a profile.
    made = iam.create_instance_profile(InstanceProfileName="shown")["InstanceProfile"]
    expected = ["Arn", "CreateDate", "InstanceProfileId", "InstanceProfileName", "Path", "Roles"]
    assert fields(made) == expected
    iam.add_role_to_instance_profile(InstanceProfileName="shown", RoleName="shown")
    got = iam.get_instance_profile(InstanceProfileName="shown")["InstanceProfile"]
    assert (fields(got), got["Tags"]) == (sorted([*expected, "Tags"]), [])
    assert fields(got["Roles"][0]) == ["Arn", "AssumeRolePolicyDocument", "CreateDate", "Path", "RoleId", "RoleName"]
    assert fields(iam.list_instance_profiles()["InstanceProfiles"][0]) == expected
    found = error(iam.remove_role_from_instance_profile, {"InstanceProfileName": "shown", "RoleName": "ci"})
    assert found == ("NoSuchEntity", 404, "Role ci in Instance Profile shown cannot be found.")
    provider = iam.create_open_id_connect_provider(Url="https://shown.example")["OpenIDConnectProviderArn"]
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)["Tags"] == []
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=provider, Tags=MANY[:50])
    found = error(iam.tag_open_id_connect_provider, {"OpenIDConnectProviderArn": provider, "Tags": MANY[50:]})
    assert found == ("LimitExceeded", 409, "The number of tags has reached the maximum limit.")


def test_membership_is_asked_for_twice_without_harm(region, iam):
    for _ in range(2):
        iam.add_user_to_group(GroupName="devs", UserName="ann")
    assert len(iam.list_groups_for_user(UserName="ann")["Groups"]) == 1
    for _ in range(2):
        iam.remove_user_from_group(GroupName="devs", UserName="ann")
    assert iam.get_group(GroupName="devs")["Users"] == []


def test_all_that_is_wrong_is_said_at_once(region, iam):
    client = region.client("iam", config=botocore.config.Config(parameter_validation=False))
    asked = {"MinimumPasswordLength": 129, "PasswordReusePrevention": 25, "MaxPasswordAge": 1096}
    code, _, text = error(client.update_account_password_policy, asked)
    found, _, faults = text.partition(" validation errors detected: ")
    assert (code, found) == ("ValidationError", "3")
    assert sorted(faults.split("; ")) == [
        "Value at 'maxPasswordAge' failed to satisfy constraint: Member must have value less than or equal to 1095",
        "Value at 'minimumPasswordLength' failed to satisfy constraint: Member must have value less than or equal to 128",
        "Value at 'passwordReusePrevention' failed to satisfy constraint: Member must have value less than or equal to 24",
    ]


def test_a_password_policy_begins_with_amazons_defaults(region, iam):
    iam.update_account_password_policy()
    assert iam.get_account_password_policy()["PasswordPolicy"] == {
        "AllowUsersToChangePassword": False,
        "ExpirePasswords": False,
        "MinimumPasswordLength": 6,
        "RequireLowercaseCharacters": False,
        "RequireNumbers": False,
        "RequireSymbols": False,
        "RequireUppercaseCharacters": False,
    }
    iam.delete_account_password_policy()


def test_what_hangs_on_a_user_is_under_its_new_name(region, iam):
    user = iam.create_user(UserName="before")["User"]
    key = iam.create_access_key(UserName="before")["AccessKey"]
    iam.create_login_profile(UserName="before", Password="LongAndWild7!")
    credential = iam.create_service_specific_credential(UserName="before", ServiceName="codecommit.amazonaws.com")
    service_name = credential["ServiceSpecificCredential"]["ServiceUserName"]
    assert service_name == f"before-at-{region.account}"
    iam.update_user(UserName="before", NewUserName="after")
    sts = region.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    identity = sts.get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (f"arn:aws:iam::{region.account}:user/after", user["UserId"])
    assert [found["UserName"] for found in iam.list_access_keys(UserName="after")["AccessKeyMetadata"]] == ["after"]
    assert iam.get_login_profile(UserName="after")["LoginProfile"]["UserName"] == "after"
    found = iam.list_service_specific_credentials(UserName="after")["ServiceSpecificCredentials"][0]
    assert (found["UserName"], found["ServiceUserName"]) == ("after", service_name)


STS_REFUSED = [
    ({"RoleArn": "nothing-valid-in-here"}, "nothing-valid-in-here is invalid"),
    ({"RoleArn": "arn::b:::something/test-role"}, "arn::b:::something/test-role is invalid"),
    ({"RoleArn": "arn:a::::something/test-role"}, "arn:a::::something/test-role is invalid"),
    ({"RoleArn": "arn:a:::something/test-role"}, "arn:a:::something/test-role is invalid"),
    ({"RoleArn": "arn:a:a::aaaaaaaaaa:"}, "arn:a:a::aaaaaaaaaa: is invalid"),
    ({"RoleSessionName": "Session1:2"}, "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"),
    ({"RoleSessionName": "s" * 65}, f"1 validation error detected: Value '{'s' * 65}' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"),
]


def test_sts_refuses_as_amazon_does(region, iam):
    iam.create_user(UserName="asks")
    key = iam.create_access_key(UserName="asks")["AccessKey"]
    held = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    iam.attach_user_policy(UserName="asks", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    sts = region.client("sts", config=botocore.config.Config(parameter_validation=False), **held)
    role = f"arn:aws:iam::{region.account}:role/ci"
    for arguments, text in STS_REFUSED:
        found = error(sts.assume_role, {"RoleArn": role, "RoleSessionName": "session", **arguments})
        assert found == ("ValidationError", 400, text)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": region.account}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
        ],
    }
    role = iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="tagged", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    asked = {"RoleArn": role, "RoleSessionName": "session"}
    handed = {**asked, "Tags": tags(("team", "blue")), "TransitiveTagKeys": ["team"]}
    given = sts.assume_role(**handed)["Credentials"]
    held = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    conflict = (
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
        "calling session."
    )
    for client, arguments, text in [
        (sts, {"Tags": tags(("a", "1")), "TransitiveTagKeys": ["b"]}, "The specified transitive tag key must be included in the requested tags."),
        (sts, {"Tags": tags(("a", "1"), ("A", "2"))}, CASELESS),
        (region.client("sts", **held), {"Tags": tags(("TEAM", "red"))}, conflict),
    ]:
        assert error(client.assume_role, {**asked, **arguments}) == ("InvalidParameterValue", 400, text)
    assert sts.get_federation_token(Name="bob")["PackedPolicySize"] == 0
