"""What new buckets are like: as AWS makes them today, or as before April 2023, where a setting says so."""

import uuid

import pytest

from conftest import make_region
from region import welkin
from test_bucket_policies import code, policy
from test_s3_web import ask

EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


@pytest.fixture(scope="module", params=["aws", "classic"])
def regions(request, tmp_path_factory, images):
    kind = request.param
    region = make_region(tmp_path_factory.mktemp(kind) / "data", "sim", images, "--s3-new-buckets", kind)
    yield region.start(), kind
    region.dispose()


def made(s3, **arguments):
    name = f"new-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, **arguments)
    return name


def for_everybody(bucket):
    return policy(EVERYBODY | {"Resource": f"arn:aws:s3:::{bucket}/policy/*"})


def test_a_bucket_of_which_nothing_is_said(regions):
    region, kind = regions
    s3 = region.client("s3")
    bucket = made(s3)
    put = lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b"x", ACL="public-read")
    if kind == "aws":
        assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
        rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert code(put, key="k")[0] == "AccessControlListNotSupported"
        assert code(s3.put_bucket_policy, Bucket=bucket, Policy=for_everybody(bucket))[0] == "AccessDenied"
        return
    assert code(s3.get_public_access_block, Bucket=bucket)[0] == "NoSuchPublicAccessBlockConfiguration"
    assert code(s3.get_bucket_ownership_controls, Bucket=bucket)[0] == "OwnershipControlsNotFoundError"
    s3.put_object(Bucket=bucket, Key="closed", Body=b"x")
    s3.put_object(Bucket=bucket, Key="policy/k", Body=b"y")
    put("open")
    assert ask(region, "GET", f"/{bucket}/open").body == b"x"
    assert ask(region, "GET", f"/{bucket}/closed").status == 403
    assert ask(region, "GET", f"/{bucket}/policy/k").status == 403
    s3.put_bucket_policy(Bucket=bucket, Policy=for_everybody(bucket))
    assert ask(region, "GET", f"/{bucket}/policy/k").body == b"y"
    assert ask(region, "GET", f"/{bucket}/closed").status == 403


def test_who_says_what_they_want_gets_it(regions):
    region, _ = regions
    s3 = region.client("s3")
    closed = made(s3, ObjectOwnership="BucketOwnerEnforced")
    assert code(s3.put_object, Bucket=closed, Key="k", ACL="public-read")[0] == "AccessControlListNotSupported"
    preferred = made(s3, ObjectOwnership="BucketOwnerPreferred")
    rules = s3.get_bucket_ownership_controls(Bucket=preferred)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerPreferred"}]


def test_no_other_kind(tmp_path):
    refused = welkin("up", "--check", "--data-dir", tmp_path / "data", "--host", "sim", "--s3-new-buckets", "open")
    assert refused.returncode == 2
    assert "s3_new_buckets: 'open' is neither aws nor classic" in refused.stderr
