"""Who may do what, by policies, as boto3 and the operator see it."""

import json

import botocore.exceptions
import pytest

from region import welkin
from waiting import until


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resource="*", **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


@pytest.fixture(scope="module")
def iam(region):
    return region.client("iam")


@pytest.fixture
def ann(region, iam):
    """A user without any permission, and what makes clients of hers."""
    iam.create_user(UserName="ann", Path="/staff/")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    yield lambda service: region.client(
        service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    for name in iam.list_user_policies(UserName="ann")["PolicyNames"]:
        iam.delete_user_policy(UserName="ann", PolicyName=name)
    iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="ann")


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["RequestId"]


def explained(region, request_id):
    done = welkin("explain", request_id, "--json", "--data-dir", region.folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_change_holds_from_the_next_call_on(iam, ann):
    ec2 = ann("ec2")
    for source, is_good in [("127.0.0.0/8", True), ("10.0.0.0/8", False)] * 3:
        condition = {"IpAddress": {"aws:SourceIp": source}}
        iam.put_user_policy(
            UserName="ann", PolicyName="P", PolicyDocument=document(allow("ec2:Describe*", Condition=condition))
        )
        if is_good:
            ec2.describe_vpcs()
        else:
            assert refused(ec2.describe_vpcs)[0] == "UnauthorizedOperation"


def test_refusals_read_as_amazons(region, iam, ann):
    who = f"arn:aws:iam::{region.account}:user/staff/ann"
    code, message, _ = refused(ann("ec2").describe_vpcs)
    assert (code, message) == (
        "UnauthorizedOperation",
        f"You are not authorized to perform this operation. User: {who} is not authorized to perform: "
        "ec2:DescribeVpcs because no identity-based policy allows the ec2:DescribeVpcs action",
    )
    code, message, _ = refused(ann("iam").get_user, UserName="ann")
    assert (code, message) == (
        "AccessDenied",
        f"User: {who} is not authorized to perform: iam:GetUser on resource: {who} because no identity-based "
        "policy allows the iam:GetUser action",
    )
    region.client("s3").create_bucket(Bucket="authorisation")
    region.client("s3").put_object(Bucket="authorisation", Key="k", Body=b"hers")
    code, message, _ = refused(ann("s3").get_object, Bucket="authorisation", Key="k")
    assert (code, message) == (
        "AccessDenied",
        f"User: {who} is not authorized to perform: s3:GetObject on resource: "
        '"arn:aws:s3:::authorisation/k" because no identity-based policy allows the s3:GetObject action',
    )
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
    iam.put_user_policy(UserName="ann", PolicyName="P", PolicyDocument=document(allow("*"), deny))
    code, message, _ = refused(ann("s3").get_object, Bucket="authorisation", Key="k")
    assert message.endswith('authorisation/k" with an explicit deny in an identity-based policy'), message


def test_messages_are_decoded_by_whoever_may(region, iam, ann):
    _, message, _ = refused(ann("ec2").delete_key_pair, KeyName="hers")
    text, encoded = message.split(". Encoded authorization failure message: ")
    assert text.endswith("because no identity-based policy allows the ec2:DeleteKeyPair action"), text
    decoded = region.client("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"]
    decoded = json.loads(decoded)
    assert (decoded["allowed"], decoded["explicitDeny"]) == (False, False)
    assert decoded["context"]["action"] == "ec2:DeleteKeyPair"
    assert decoded["context"]["principal"]["arn"].endswith(":user/staff/ann")
    conditions = {item["key"]: item["values"]["items"] for item in decoded["context"]["conditions"]["items"]}
    assert conditions["aws:SourceIp"] == [{"value": "127.0.0.1"}]
    assert refused(ann("sts").decode_authorization_message, EncodedMessage=encoded)[0] == "AccessDenied"
    iam.put_user_policy(
        UserName="ann", PolicyName="P", PolicyDocument=document(allow("sts:DecodeAuthorizationMessage"))
    )
    assert ann("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"]
    code, message, _ = refused(ann("sts").decode_authorization_message, EncodedMessage=encoded[:-4] + "AAAA")
    assert code == "InvalidAuthorizationMessageException"


def test_the_operator_learns_why(region, iam, ann):
    office = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    iam.put_user_policy(
        UserName="ann", PolicyName="Office", PolicyDocument=document(allow("ec2:Describe*", Sid="Look", Condition=office))
    )
    _, _, request_id = refused(ann("ec2").describe_vpcs)
    [decision] = explained(region, request_id)["authorization"]
    assert (decision["action"], decision["allowed"]) == ("ec2:DescribeVpcs", False)
    [policy] = decision["considered"]
    assert (policy["policy"], policy["attachedTo"].split(":")[-1]) == ("Office", "user/staff/ann")
    nearly = "statement 1 (Look): IpAddress of aws:SourceIp wants 10.0.0.0/8 and the request has 127.0.0.1"
    assert policy["nearly"] == [nearly]
    shown = welkin("explain", request_id, "--data-dir", region.folder).stdout
    assert "refused  ec2:DescribeVpcs on *" in shown and f"nearly: {nearly}" in shown, shown

    iam.put_user_policy(UserName="ann", PolicyName="All", PolicyDocument=document(allow("ec2:*", Sid="All")))
    made = ann("ec2").describe_vpcs()["ResponseMetadata"]["RequestId"]
    [decision] = explained(region, made)["authorization"]
    assert decision["allowed"] and [s["sid"] for s in decision["statements"]] == ["All"]
    nothing = explained(region, ann("sts").get_caller_identity()["ResponseMetadata"]["RequestId"])
    assert nothing["authorization"] == []

    unknown = welkin("explain", "no-such-request", "--data-dir", region.folder)
    assert unknown.returncode == 1 and "there is no record of a request with the id 'no-such-request'" in unknown.stderr

    def event():
        events = region.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DescribeVpcs"}]
        )["Events"]
        return next((e["CloudTrailEvent"] for e in events if request_id in e["CloudTrailEvent"]), None)

    until(event, 10, "the account finds its call")
    assert "authorization" not in json.loads(event())["additionalEventData"], "that is the operator's to read"
