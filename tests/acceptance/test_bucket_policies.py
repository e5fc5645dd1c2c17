"""Policies of buckets: who gets in by them, whom they keep out, and what blocks public ones."""

import json
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from test_accounts import account, exports, keys

BUCKET = "policies"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def statement(effect, principal, action, resource=f"arn:aws:s3:::{BUCKET}/*", **more):
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource, **more}


PUBLIC = policy(statement("Allow", "*", "s3:GetObject"))


def code(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**arguments)
    error = refused.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(scope="module")
def s3(region):
    s3 = region.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="open/a", Body=b"a")
    s3.put_object(Bucket=BUCKET, Key="closed/b", Body=b"b")
    return s3


@pytest.fixture(scope="module")
def stranger(region):
    """The root of another account: number and S3."""
    found = exports(account(region, "create", "stranger", "--env"))
    number = region.client("sts", **keys(found)).get_caller_identity()["Account"]
    return number, found


def plain(region, key):
    """Without a signature, as a browser asks."""
    try:
        with urllib.request.urlopen(f"{region.exports['AWS_ENDPOINT_URL']}/{BUCKET}/{key}", timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, b""


def test_a_public_policy_lets_everyone_read_once_it_is_not_blocked(region, s3):
    assert plain(region, "open/a")[0] == 403
    assert code(s3.get_bucket_policy, Bucket=BUCKET) == ("NoSuchBucketPolicy", 404)
    assert code(s3.put_bucket_policy, Bucket=BUCKET, Policy=PUBLIC) == ("AccessDenied", 403)
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert all(block.values()) and len(block) == 4
    s3.delete_public_access_block(Bucket=BUCKET)
    only_open = policy(statement("Allow", "*", "s3:GetObject", f"arn:aws:s3:::{BUCKET}/open/*"))
    answer = s3.put_bucket_policy(Bucket=BUCKET, Policy=only_open)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == json.loads(only_open)
    assert s3.get_bucket_policy_status(Bucket=BUCKET)["PolicyStatus"]["IsPublic"] is True
    assert plain(region, "open/a") == (200, b"a")
    assert plain(region, "closed/b")[0] == 403
    # Who may not list does not learn what is not there.
    assert plain(region, "open/none")[0] == 403
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert plain(region, "open/a")[0] == 403
    s3.delete_public_access_block(Bucket=BUCKET)
    s3.delete_bucket_policy(Bucket=BUCKET)
    assert plain(region, "open/a")[0] == 403


def test_another_account_needs_both_sides(region, s3, stranger):
    number, found = stranger
    theirs = region.client("s3", **keys(found))
    assert code(theirs.get_object, Bucket=BUCKET, Key="open/a") == ("AccessDenied", 403)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(statement("Allow", {"AWS": number}, ["s3:GetObject", "s3:PutObject"])))
    assert theirs.get_object(Bucket=BUCKET, Key="open/a")["Body"].read() == b"a"
    theirs.put_object(Bucket=BUCKET, Key="open/theirs", Body=b"t")
    # Whoever puts it, it is the bucket's owner's.
    assert s3.get_object(Bucket=BUCKET, Key="open/theirs")["Body"].read() == b"t"
    assert code(theirs.list_objects_v2, Bucket=BUCKET) == ("AccessDenied", 403)

    iam = region.client("iam", **keys(found))
    iam.create_user(UserName="una")
    key = iam.create_access_key(UserName="una")["AccessKey"]
    una = region.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    assert code(una.get_object, Bucket=BUCKET, Key="open/a") == ("AccessDenied", 403)
    own = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/open/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [own]})
    iam.put_user_policy(UserName="una", PolicyName="read", PolicyDocument=document)
    assert una.get_object(Bucket=BUCKET, Key="open/a")["Body"].read() == b"a"
    assert code(una.get_object, Bucket=BUCKET, Key="closed/b") == ("AccessDenied", 403)
    manage = policy(statement("Allow", {"AWS": number}, "s3:PutBucketPolicy", f"arn:aws:s3:::{BUCKET}"))
    s3.put_bucket_policy(Bucket=BUCKET, Policy=manage)
    assert code(theirs.put_bucket_policy, Bucket=BUCKET, Policy=manage) == ("MethodNotAllowed", 405)
    s3.delete_bucket_policy(Bucket=BUCKET)


def test_a_denial_holds_for_the_owner_too_who_can_always_take_it_back(region, s3):
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(statement("Deny", "*", "s3:*", [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"])))
    assert code(s3.get_object, Bucket=BUCKET, Key="open/a") == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=BUCKET)
    assert s3.get_object(Bucket=BUCKET, Key="open/a")["Body"].read() == b"a"


@pytest.mark.parametrize(
    "text",
    ["null", "[]", policy(statement("Allow", "*", "s3:GetObject", "arn:aws:s3:::another/*")), policy(statement("Allow", "*", "s3:ListBucket"))],
)
def test_what_is_no_policy_for_the_bucket_is_refused(s3, text):
    assert code(s3.put_bucket_policy, Bucket=BUCKET, Policy=text) == ("MalformedPolicy", 400)


def test_only_who_exists_is_named_and_a_successor_is_not_meant(region, s3, stranger):
    number, found = stranger
    named = f"arn:aws:iam::{number}:user/vera"

    def grant(principal):
        return policy(statement("Allow", principal, "s3:GetObject"))

    for nobody in ({"AWS": named}, {"AWS": "111122223333"}, {"CanonicalUser": "0" * 64}):
        assert code(s3.put_bucket_policy, Bucket=BUCKET, Policy=grant(nobody)) == ("MalformedPolicy", 400)

    iam = region.client("iam", **keys(found))

    def make():
        iam.create_user(UserName="vera")
        iam.attach_user_policy(UserName="vera", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
        key = iam.create_access_key(UserName="vera")["AccessKey"]
        return key["AccessKeyId"], region.client(
            "s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )

    key, vera = make()
    s3.put_bucket_policy(Bucket=BUCKET, Policy=grant({"AWS": named}))
    assert vera.get_object(Bucket=BUCKET, Key="open/a")["Body"].read() == b"a"
    iam.delete_access_key(UserName="vera", AccessKeyId=key)
    iam.detach_user_policy(UserName="vera", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    old = iam.get_user(UserName="vera")["User"]["UserId"]
    iam.delete_user(UserName="vera")
    _, successor = make()
    assert code(successor.get_object, Bucket=BUCKET, Key="open/a") == ("AccessDenied", 403)
    # Who is gone is shown by the id, and cannot be named by it.
    assert json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == json.loads(grant({"AWS": old}))
    assert code(s3.put_bucket_policy, Bucket=BUCKET, Policy=grant({"AWS": old})) == ("MalformedPolicy", 400)
    owner = region.client("s3", **keys(found)).list_buckets()["Owner"]["ID"]
    s3.put_bucket_policy(Bucket=BUCKET, Policy=grant({"CanonicalUser": owner}))
    shown = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"][0]["Principal"]
    assert shown == {"AWS": f"arn:aws:iam::{number}:root"}
    assert successor.get_object(Bucket=BUCKET, Key="open/a")["Body"].read() == b"a"
    s3.delete_bucket_policy(Bucket=BUCKET)
