"""Managed and inline policies, attachments, boundaries, the simulator and the access advisor, as boto3 sees them."""

import json

import pytest
from botocore.exceptions import ClientError

from waiting import until

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def allow(*actions, **more):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def iam(region):
    return region.client("iam")


@pytest.fixture(scope="module")
def ann(region, iam):
    """A user with a managed and an inline policy, and a client of hers."""
    iam.create_user(UserName="ann")
    arn = iam.create_policy(PolicyName="reads", PolicyDocument=allow("s3:Get*", "s3:List*"))["Policy"]["Arn"]
    iam.get_waiter("policy_exists").wait(PolicyArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 3})
    iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=allow("ec2:Describe*"))
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def client(service):
        return region.client(service, **keys)

    return client


def test_a_policy_has_versions_and_its_document_comes_back(iam):
    document = json.loads(allow("s3:*"))
    tags = [{"Key": "Team", "Value": "blue"}]
    made = iam.create_policy(PolicyName="versions", Path="/a/", PolicyDocument=json.dumps(document), Tags=tags)["Policy"]
    arn = made["Arn"]
    assert (made["DefaultVersionId"], made["AttachmentCount"], made["Tags"]) == ("v1", 0, tags)
    # botocore decodes what IAM percent-encodes.
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == document
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("ec2:*"), SetAsDefault=True)["PolicyVersion"]
    assert (second["VersionId"], second["IsDefaultVersion"]) == ("v2", True)
    pages = iam.get_paginator("list_policy_versions").paginate(PolicyArn=arn, PaginationConfig={"PageSize": 1})
    assert [version["VersionId"] for page in pages for version in page["Versions"]] == ["v2", "v1"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    assert refused(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="was not found"):
        iam.get_policy(PolicyArn=arn)
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_policy(PolicyName="broken", PolicyDocument="{}")


def test_aws_policies_are_there_by_name(iam):
    pages = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 50})
    names = {policy["PolicyName"] for page in pages for policy in page["Policies"]}
    assert {"AdministratorAccess", "AmazonEC2RoleforSSM", "PowerUserAccess", "ReadOnlyAccess", "ViewOnlyAccess"} <= names
    found = iam.get_policy(PolicyArn=READ_ONLY)["Policy"]
    document = iam.get_policy_version(PolicyArn=READ_ONLY, VersionId=found["DefaultVersionId"])["PolicyVersion"]["Document"]
    assert document["Version"] == "2012-10-17" and document["Statement"]


def test_attached_and_inline_policies_are_listed(iam, ann):
    iam.create_group(GroupName="devs")
    iam.attach_group_policy(GroupName="devs", PolicyArn=READ_ONLY)
    iam.put_group_policy(GroupName="devs", PolicyName="own", PolicyDocument=allow("sqs:*"))
    listed = [
        ("list_attached_user_policies", {"UserName": "ann"}, "AttachedPolicies", 1),
        ("list_user_policies", {"UserName": "ann"}, "PolicyNames", 1),
        ("list_attached_group_policies", {"GroupName": "devs"}, "AttachedPolicies", 1),
        ("list_group_policies", {"GroupName": "devs"}, "PolicyNames", 1),
        ("list_entities_for_policy", {"PolicyArn": READ_ONLY}, "PolicyGroups", 1),
    ]
    for operation, parameters, key, count in listed:
        pages = iam.get_paginator(operation).paginate(**parameters, PaginationConfig={"PageSize": 1})
        assert sum(len(page[key]) for page in pages) == count, operation
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 1})
    groups = [group for page in pages for group in page["GroupDetailList"]]
    assert groups[0]["AttachedManagedPolicies"] == [{"PolicyName": "ReadOnlyAccess", "PolicyArn": READ_ONLY}]
    assert groups[0]["GroupPolicyList"][0]["PolicyDocument"] == json.loads(allow("sqs:*"))


def test_a_policy_holds_from_the_next_request_on(iam, ann):
    ec2, s3 = ann("ec2"), ann("s3")
    assert ec2.describe_vpcs()["Vpcs"]
    assert refused(s3.create_bucket, Bucket="of-ann") == "AccessDenied"
    iam.put_user_policy(UserName="ann", PolicyName="more", PolicyDocument=allow("s3:CreateBucket"))
    s3.create_bucket(Bucket="of-ann")
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=READ_ONLY)
    assert refused(s3.create_bucket, Bucket="of-ann-too") == "AccessDenied"
    assert ec2.describe_vpcs()["Vpcs"]
    iam.delete_user_permissions_boundary(UserName="ann")
    iam.delete_user_policy(UserName="ann", PolicyName="more")
    assert refused(s3.create_bucket, Bucket="of-ann-three") == "AccessDenied"


def test_the_simulator_says_what_would_happen(iam, ann):
    source = iam.get_user(UserName="ann")["User"]["Arn"]
    actions = ["s3:GetObject", "s3:PutObject", "ec2:DescribeVpcs"]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=source, ActionNames=actions, PaginationConfig={"PageSize": 1}
    )
    results = [result for page in pages for result in page["EvaluationResults"]]
    assert [result["EvalDecision"] for result in results] == ["allowed", "implicitDeny", "allowed"]
    assert results[0]["MatchedStatements"][0]["SourcePolicyId"] == "reads"
    assert results[2]["MatchedStatements"][0]["SourcePolicyId"] == "user_ann_own"
    conditional = allow("s3:*", Condition={"Bool": {"aws:SecureTransport": "true"}})
    custom = iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[conditional], ActionNames=["s3:GetObject"], ResourceArns=["arn:aws:s3:::b/k"]
    )
    [result] = [result for page in custom for result in page["EvaluationResults"]]
    assert result["EvalDecision"] == "implicitDeny"
    assert result["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:SecureTransport"]
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[conditional])["ContextKeyNames"]
    assert keys == ["aws:SecureTransport"]


def test_the_access_advisor_has_seen_what_was_used(iam, ann):
    ann("ec2").describe_vpcs()
    source = iam.get_user(UserName="ann")["User"]["Arn"]

    def seen():
        job = iam.generate_service_last_accessed_details(Arn=source, Granularity="ACTION_LEVEL")["JobId"]
        report = iam.get_service_last_accessed_details(JobId=job)
        assert report["JobStatus"] == "COMPLETED"
        services = {service["ServiceNamespace"]: service for service in report["ServicesLastAccessed"]}
        assert set(services) >= {"ec2", "s3"}
        return services["ec2"] if "LastAuthenticated" in services["ec2"] else None

    used = until(seen, within=20, what="the use of EC2")
    assert used["LastAuthenticatedEntity"] == source
    assert "DescribeVpcs" in [action["ActionName"] for action in used["TrackedActionsLastAccessed"]]
    granting = iam.list_policies_granting_service_access(Arn=source, ServiceNamespaces=["s3"])
    [entry] = granting["PoliciesGrantingServiceAccess"]
    assert [policy["PolicyName"] for policy in entry["Policies"]] == ["reads"]
