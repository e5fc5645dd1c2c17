"""Trying to get further than one may, with credentials of one's own: through sessions, tags, boundaries, roles that are
passed, services that act for others, and names that look alike."""

import json

import botocore.exceptions
import pytest

from region import welkin
from test_accounts import exports, keys
from test_sts import allow, as_keys, document, refused, trust


def deny(actions, resource="*", **more):
    return {"Effect": "Deny", "Action": actions, "Resource": resource, **more}


@pytest.fixture(scope="module")
def iam(region):
    return region.client("iam")


@pytest.fixture(scope="module")
def other(region):
    """The keys of the root user of another account."""
    done = welkin("account", "create", "neighbour", "--env", "--data-dir", region.folder)
    assert done.returncode == 0, done.stderr
    return keys(exports(done.stdout))


@pytest.fixture
def person(region, iam, request):
    """What makes a user with a policy, and gives what makes clients of theirs."""
    made = []

    def make(*statements):
        name = f"{request.node.name[5:40]}-{len(made)}"
        iam.create_user(UserName=name)
        made.append(name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        held = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        return name, lambda service: region.client(service, **held)

    return make


def role(iam, name, trusted, *statements, **more):
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(trusted), **more)["Role"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
    return made["Arn"]


def assume(region, client, arn, **more):
    given = client("sts").assume_role(RoleArn=arn, RoleSessionName="one", **more)["Credentials"]
    return lambda service: region.client(service, **as_keys(given))


def test_session_policies_only_take_away(region, iam, person):
    _, ann = person(allow("sts:AssumeRole"))
    arn = role(iam, "narrow", {"AWS": region.account}, allow(["s3:ListAllMyBuckets", "iam:ListUsers"]))
    wide = assume(region, ann, arn, Policy=document(allow("*")))
    wide("s3").list_buckets()
    with refused("AccessDenied", "no identity-based policy"):
        wide("iam").list_roles()
    without_s3 = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
    other_than_s3 = assume(region, ann, arn, Policy=document(without_s3))
    other_than_s3("iam").list_users()
    with refused("AccessDenied", "no session policy"):
        other_than_s3("s3").list_buckets()
    with refused("AccessDenied", "no identity-based policy"):
        other_than_s3("iam").list_roles()
    nowhere = {"Effect": "Allow", "Action": "*", "NotResource": "*"}
    with refused("AccessDenied", "no session policy"):
        assume(region, ann, arn, Policy=document(nowhere))("s3").list_buckets()
    for bad in [{**allow("*"), "Principal": "*"}, {**allow("*"), "NotPrincipal": {"AWS": "*"}}]:
        with refused("MalformedPolicyDocument"):
            assume(region, ann, arn, Policy=document(bad))


def test_a_session_is_bounded_by_a_managed_policy_that_is_gone(region, iam, person, other):
    _, ann = person(allow("sts:AssumeRole"))
    arn = role(iam, "bounded-by-name", {"AWS": region.account}, allow("*"))
    limit = iam.create_policy(PolicyName="limit", PolicyDocument=document(allow("s3:ListAllMyBuckets")))["Policy"]["Arn"]
    held = assume(region, ann, arn, PolicyArns=[{"arn": limit}])
    held("s3").list_buckets()
    iam.delete_policy(PolicyArn=limit)
    with refused("AccessDenied"):
        held("s3").list_buckets()
    # A wider one of the same name is another policy.
    iam.create_policy(PolicyName="limit", PolicyDocument=document(allow("*")))
    with refused("AccessDenied"):
        held("iam").list_users()
    theirs = region.client("iam", **other).create_policy(PolicyName="theirs", PolicyDocument=document(allow("*")))
    for missing in [limit + "x", "arn:aws:iam::aws:policy/NotThere", theirs["Policy"]["Arn"]]:
        with pytest.raises(botocore.exceptions.ClientError) as error:
            assume(region, ann, arn, PolicyArns=[{"arn": missing}])
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400, missing


def test_whom_a_denial_spares_is_named_with_their_session(region, iam, person):
    _, ann = person(allow("sts:AssumeRole"))
    arn = role(iam, "spared", {"AWS": region.account}, allow("s3:*"))
    s3 = region.client("s3")
    s3.create_bucket(Bucket="spares-one")
    root = f"arn:aws:iam::{region.account}:root"
    session = f"arn:aws:sts::{region.account}:assumed-role/spared/one"

    def spare(*names):
        statement = {"Effect": "Deny", "NotPrincipal": {"AWS": list(names)}, "Action": "s3:ListBucket"}
        policy = document({**statement, "Resource": "arn:aws:s3:::spares-one"})
        s3.put_bucket_policy(Bucket="spares-one", Policy=policy)

    def lists(name):
        given = ann("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        try:
            region.client("s3", **as_keys(given)).list_objects_v2(Bucket="spares-one")
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied"
            return False
        return True

    for names, one, two in [([root, arn, session], True, False), ([root, arn], False, False), ([root], False, False)]:
        spare(*names)
        assert (lists("one"), lists("two")) == (one, two), names


def test_roles_are_passed_by_their_whole_name_and_to_whom_is_said(region, iam, person):
    account = region.account
    ec2_may = {"Service": "ec2.amazonaws.com"}
    for name, path in [("app-one", "/"), ("admin", "/app-/"), ("app-two", "/x/"), ("APP-three", "/")]:
        role(iam, name, ec2_may, Path=path)
    _, ann = person(
        allow("iam:*InstanceProfile"),
        allow("iam:PassRole", f"arn:aws:iam::{account}:role/app-*"),
    )
    _, bob = person(
        allow("iam:*InstanceProfile"),
        allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
    )
    iam.create_instance_profile(InstanceProfileName="held")
    for client, name, may in [
        (ann, "app-one", True),
        # A star takes slashes too.
        (ann, "admin", True),
        (ann, "app-two", False),
        (ann, "APP-three", False),
        (ann, "app-*", False),
        (bob, "app-one", False),
    ]:
        arguments = {"InstanceProfileName": "held", "RoleName": name}
        if may:
            client("iam").add_role_to_instance_profile(**arguments)
            iam.remove_role_from_instance_profile(**arguments)
        else:
            with pytest.raises(botocore.exceptions.ClientError) as error:
                client("iam").add_role_to_instance_profile(**arguments)
            assert error.value.response["Error"]["Code"] in {"AccessDenied", "NoSuchEntity", "ValidationError"}, name
    linked = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")["Role"]["RoleName"]
    with refused("UnmodifiableEntity"):
        iam.add_role_to_instance_profile(InstanceProfileName="held", RoleName=linked)


def test_a_boundary_is_not_lifted_by_whom_it_binds(region, iam, person):
    account = region.account
    bound = iam.create_policy(
        PolicyName="bound",
        PolicyDocument=document(
            allow(["iam:*", "s3:*", "sts:*"]),
            deny(["iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary"]),
            deny(["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy*"], f"arn:aws:iam::{account}:policy/bound"),
            deny(
                ["iam:CreateUser", "iam:CreateRole", "iam:PutUserPermissionsBoundary", "iam:PutRolePermissionsBoundary"],
                Condition={"StringNotEquals": {"iam:PermissionsBoundary": f"arn:aws:iam::{account}:policy/bound"}},
            ),
        ),
    )["Policy"]["Arn"]
    free = iam.create_policy(PolicyName="free", PolicyDocument=document(allow("*")))["Policy"]["Arn"]
    name, ann = person(allow("*"))
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=bound)
    own = ann("iam")
    for call, arguments in [
        (own.delete_user_permissions_boundary, {"UserName": name}),
        (own.put_user_permissions_boundary, {"UserName": name, "PermissionsBoundary": free}),
        (own.put_user_permissions_boundary, {"UserName": name.upper(), "PermissionsBoundary": free}),
        (own.create_user, {"UserName": "unbound"}),
        (own.create_user, {"UserName": "unbound", "PermissionsBoundary": free}),
        (own.create_role, {"RoleName": "unbound", "AssumeRolePolicyDocument": trust({"AWS": account})}),
        (own.create_policy_version, {"PolicyArn": bound, "PolicyDocument": document(allow("*")), "SetAsDefault": True}),
        (own.delete_policy, {"PolicyArn": bound}),
    ]:
        with refused("AccessDenied", "explicit deny in a permissions boundary"):
            call(**arguments)
    own.create_user(UserName="bound-too", PermissionsBoundary=bound)
    key = own.create_access_key(UserName="bound-too")["AccessKey"]
    own.attach_user_policy(UserName="bound-too", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    child = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    with refused("UnauthorizedOperation", "no permissions boundary"):
        region.client("ec2", **child).describe_instances()
    # A session of the bound user is bound as well.
    session = as_keys(ann("sts").get_session_token()["Credentials"])
    with refused("UnauthorizedOperation", "no permissions boundary"):
        region.client("ec2", **session).describe_instances()
    with refused("UnauthorizedOperation"):
        federated = ann("sts").get_federation_token(Name="fed", Policy=document(allow("*")))["Credentials"]
        region.client("ec2", **as_keys(federated)).describe_instances()


def test_tags_that_open_are_not_one_s_own_to_set(region, iam, person):
    account = region.account
    opens = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    own_tags = [allow(["iam:TagUser", "iam:UntagUser"]), deny("iam:TagUser", Condition={"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": "team"}})]
    name, ann = person(allow("s3:ListAllMyBuckets", Condition=opens), allow("sts:AssumeRole"), *own_tags)
    with refused("AccessDenied"):
        ann("s3").list_buckets()
    for key in ["team", "Team", "TEAM"]:
        with refused("AccessDenied", "explicit deny"):
            ann("iam").tag_user(UserName=name, Tags=[{"Key": "harmless", "Value": "1"}, {"Key": key, "Value": "blue"}])
    ann("iam").tag_user(UserName=name, Tags=[{"Key": "harmless", "Value": "blue"}])
    with refused("AccessDenied"):
        ann("s3").list_buckets()
    arn = role(iam, "tagged", {"AWS": account}, allow("s3:ListAllMyBuckets", Condition=opens))
    # The trust policy allows no tags.
    for more in [{"Tags": [{"Key": "team", "Value": "blue"}]}, {"Tags": [{"Key": "t", "Value": "b"}], "TransitiveTagKeys": ["t"]}]:
        with refused("AccessDenied", "sts:TagSession"):
            assume(region, ann, arn, **more)
    with refused("AccessDenied"):
        assume(region, ann, arn)("s3").list_buckets()
    with refused("AccessDenied", "sts:SetSourceIdentity"):
        assume(region, ann, arn, SourceIdentity="root")
    iam.tag_user(UserName=name, Tags=[{"Key": "TEAM", "Value": "blue"}])
    ann("s3").list_buckets()
    # A tag of a role is not its session's to change either.
    iam.update_assume_role_policy(RoleName="tagged", PolicyDocument=trust({"AWS": account}, ["sts:AssumeRole", "sts:TagSession"]))
    iam.tag_role(RoleName="tagged", Tags=[{"Key": "team", "Value": "red"}])
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow(["sts:AssumeRole", "sts:TagSession"])))
    assume(region, ann, arn, Tags=[{"Key": "Team", "Value": "blue"}])("s3").list_buckets()
    with refused("AccessDenied"):
        assume(region, ann, arn)("s3").list_buckets()


def test_arns_of_other_accounts_reach_nothing(region, iam, person, other):
    theirs = region.client("iam", **other)
    number = region.client("sts", **other).get_caller_identity()["Account"]
    theirs.create_user(UserName="eve")
    policy = theirs.create_policy(PolicyName="open", PolicyDocument=document(allow("*")))["Policy"]["Arn"]
    name, ann = person(allow("*"))
    own = ann("iam")
    for call, arguments in [
        (own.get_policy, {"PolicyArn": policy}),
        (own.get_policy_version, {"PolicyArn": policy, "VersionId": "v1"}),
        (own.list_entities_for_policy, {"PolicyArn": policy}),
        (own.create_policy_version, {"PolicyArn": policy, "PolicyDocument": document(allow("*"))}),
        (own.delete_policy, {"PolicyArn": policy}),
        (own.attach_user_policy, {"UserName": name, "PolicyArn": policy}),
        (own.put_user_permissions_boundary, {"UserName": name, "PermissionsBoundary": policy}),
        (own.tag_policy, {"PolicyArn": policy, "Tags": [{"Key": "a", "Value": "b"}]}),
        (own.generate_service_last_accessed_details, {"Arn": f"arn:aws:iam::{number}:user/eve"}),
        (own.simulate_principal_policy, {"PolicySourceArn": f"arn:aws:iam::{number}:user/eve", "ActionNames": ["s3:GetObject"]}),
        (own.get_context_keys_for_principal_policy, {"PolicySourceArn": f"arn:aws:iam::{number}:user/eve"}),
        (own.get_saml_provider, {"SAMLProviderArn": f"arn:aws:iam::{number}:saml-provider/x"}),
        (own.delete_open_id_connect_provider, {"OpenIDConnectProviderArn": f"arn:aws:iam::{number}:oidc-provider/x.example"}),
        (own.delete_virtual_mfa_device, {"SerialNumber": f"arn:aws:iam::{number}:mfa/x"}),
        (ann("sts").assume_role, {"RoleArn": f"arn:aws:iam::{number}:role/eve", "RoleSessionName": "one"}),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as error:
            call(**arguments)
        found = error.value.response
        assert found["Error"]["Code"] in {"AccessDenied", "NoSuchEntity", "InvalidInput", "ValidationError"}, arguments
        assert found["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert theirs.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == 0


def test_the_case_of_condition_keys_opens_nothing(region, iam, person):
    name, ann = person()
    for key in ["aws:SourceIp", "AWS:SOURCEIP", "aws:sourceip"]:
        for source, may in [("10.0.0.0/8", False), ("127.0.0.0/8", True)]:
            condition = {"IpAddress": {key: source}}
            iam.put_user_policy(
                UserName=name, PolicyName="p",
                PolicyDocument=document(allow("s3:ListAllMyBuckets"), deny("*", Condition={"NotIpAddress": {key: source}})),
            )
            if may:
                ann("s3").list_buckets()
            else:
                with refused("AccessDenied", "explicit deny"):
                    ann("s3").list_buckets()
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow("s3:ListAllMyBuckets", Condition=condition)))
            if may:
                ann("s3").list_buckets()
            else:
                with refused("AccessDenied"):
                    ann("s3").list_buckets()


def test_nobody_is_called_what_looks_like_another(region, iam, person):
    account = region.account
    _, ann = person(allow("*"))
    for name in ["аdmin", "admin\u200b", "ａdmin", "admin ", "admin/x", "admin:x", "ad*in", "ad?in", "${aws:username}", "admin\n"]:
        with pytest.raises(botocore.exceptions.ClientError) as error:
            iam.create_user(UserName=name)
        assert error.value.response["Error"]["Code"] == "ValidationError", repr(name)
        with pytest.raises(botocore.exceptions.ClientError) as error:
            ann("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/any", RoleSessionName=name)
        assert error.value.response["Error"]["Code"] == "ValidationError", repr(name)
        with pytest.raises(botocore.exceptions.ClientError) as error:
            ann("sts").get_federation_token(Name=name)
        assert error.value.response["Error"]["Code"] == "ValidationError", repr(name)
    iam.create_user(UserName="Twin")
    with refused("EntityAlreadyExists"):
        iam.create_user(UserName="tWIN")
    with refused("EntityAlreadyExists"):
        iam.create_user(UserName="twin", Path="/other/")


def test_who_is_gone_or_switched_off_reaches_nothing_more(region, iam, person, other):
    account = region.account
    name, ann = person(allow(["sts:AssumeRole", "s3:ListAllMyBuckets"]))
    arn = role(iam, "passing", {"AWS": account}, allow("s3:ListAllMyBuckets"))
    session = assume(region, ann, arn)
    session("s3").list_buckets()
    iam.delete_role_policy(RoleName="passing", PolicyName="p")
    iam.delete_role(RoleName="passing")
    again = role(iam, "passing", {"AWS": account}, allow("*"))
    assert again == arn
    with refused("InvalidAccessKeyId"):
        session("s3").list_buckets()
    # A key that is switched off takes nothing from the sessions made with it, as in AWS; a user that is gone does.
    own = region.client("s3", **as_keys(ann("sts").get_session_token()["Credentials"]))
    [key] = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with refused("InvalidAccessKeyId"):
        ann("s3").list_buckets()
    own.list_buckets()
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="p")
    with refused("AccessDenied"):
        own.list_buckets()
    iam.delete_user(UserName=name)
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(allow("*")))
    with refused("InvalidAccessKeyId"):
        own.list_buckets()
    # Sessions in an account that is closed.
    done = welkin("account", "create", "closing", "--env", "--data-dir", region.folder)
    closing = keys(exports(done.stdout))
    number = region.client("sts", **closing).get_caller_identity()["Account"]
    arn = role(region.client("iam", **closing), "left", {"AWS": account}, allow("*"))
    name, bob = person(allow("sts:AssumeRole"))
    left = assume(region, bob, arn)
    left("s3").list_buckets()
    assert welkin("account", "close", number, "--data-dir", region.folder).returncode == 0
    with refused("InvalidAccessKeyId"):
        left("s3").list_buckets()
    with refused("AccessDenied"):
        assume(region, bob, arn)


def test_roles_of_services_are_beyond_their_account_and_so_nobody_makes_one_by_hand(region, iam):
    account = region.account
    for path in ["/aws-service-role/", "/aws-service-role/ec2.amazonaws.com/"]:
        with pytest.raises(botocore.exceptions.ClientError) as error:
            role(iam, "AWSServiceRoleForMe", {"AWS": account}, Path=path)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    made = iam.create_service_linked_role(AWSServiceName="elasticloadbalancing.amazonaws.com")["Role"]
    name = made["RoleName"]
    for call, arguments in [
        (iam.update_assume_role_policy, {"RoleName": name, "PolicyDocument": trust({"AWS": account})}),
        (iam.put_role_policy, {"RoleName": name, "PolicyName": "p", "PolicyDocument": document(allow("*"))}),
        (iam.attach_role_policy, {"RoleName": name, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        (iam.put_role_permissions_boundary, {"RoleName": name, "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        (iam.delete_role, {"RoleName": name}),
    ]:
        with refused("UnmodifiableEntity"):
            call(**arguments)
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] in {"IN_PROGRESS", "NOT_STARTED", "SUCCEEDED"}
    ordinary = role(iam, "ordinary", {"AWS": account}).split("/")[-1]
    with pytest.raises(botocore.exceptions.ClientError):
        iam.delete_service_linked_role(RoleName=ordinary)
    assert iam.get_role(RoleName=ordinary)["Role"]["RoleName"] == "ordinary"


def test_resources_with_colons_and_stars_are_what_they_are(region, iam, person):
    s3 = region.client("s3")
    s3.create_bucket(Bucket="colons")
    for key in ["own:a:b", "own/${aws:username}", "own/*", "other:own:a"]:
        s3.put_object(Bucket="colons", Key=key, Body=b"x")
    name, ann = person()
    reads = ann("s3").get_object

    def may(resource):
        policy = document(allow("s3:GetObject", resource))
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        found = set()
        for key in ["own:a:b", "own/${aws:username}", "own/*", "other:own:a"]:
            try:
                reads(Bucket="colons", Key=key)
                found.add(key)
            except botocore.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "AccessDenied"
        return found

    assert may("arn:aws:s3:::colons/own:*") == {"own:a:b"}
    assert may("arn:aws:s3:::colons/own:?:?") == {"own:a:b"}
    assert may("arn:aws:s3:::*:?") == {"own:a:b", "other:own:a"}
    assert may("arn:aws:s3:::colons/own/${aws:username}") == set()
    assert may("arn:aws:s3:::colons/own/${*}") == {"own/*"}
    assert may("arn:aws:s3:::colons/own/${$}{aws:username}") == {"own/${aws:username}"}
    assert may("arn:aws:s3:*:*:colons/own*") == {"own:a:b", "own/${aws:username}", "own/*"}


def test_logs_are_written_for_nobody_else(region, iam, person, other):
    """A service with a permission of its own is no way to another's bucket."""
    s3, theirs = region.client("s3"), region.client("s3", **other)
    s3.create_bucket(Bucket="log-source")
    theirs.create_bucket(Bucket="log-foreign")
    open_to_logs = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject"}
    theirs.put_bucket_policy(Bucket="log-foreign", Policy=document({**open_to_logs, "Resource": "arn:aws:s3:::log-foreign/*"}))
    enabled = {"LoggingEnabled": {"TargetBucket": "log-foreign", "TargetPrefix": ""}}
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.put_bucket_logging(Bucket="log-source", BucketLoggingStatus=enabled)
    assert error.value.response["Error"]["Code"] in {"InvalidTargetBucketForLogging", "AccessDenied"}
    # A copy reads as whoever asks for it.
    s3.put_object(Bucket="log-source", Key="secret", Body=b"secret")
    _, ann = person(allow("s3:PutObject"), allow("s3:ListBucket"))
    for source in ["log-source/secret", "/log-source/secret", "log-source/x/../secret", "log-source/secret?versionId=null"]:
        with pytest.raises(botocore.exceptions.ClientError) as error:
            ann("s3").copy_object(Bucket="log-source", Key="copied", CopySource=source)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 404}, source
    with pytest.raises(botocore.exceptions.ClientError):
        theirs.copy_object(Bucket="log-foreign", Key="copied", CopySource="log-source/secret")
