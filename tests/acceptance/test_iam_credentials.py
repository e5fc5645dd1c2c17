"""Passwords, MFA devices, certificates and keys of users, as boto3 sees them."""

import struct
import zlib

import pytest

import totp


@pytest.fixture(scope="module")
def iam(region):
    return region.client("iam")


def refusal(call, **arguments):
    with pytest.raises(Exception) as caught:
        call(**arguments)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


def test_login_profiles_and_the_password_policy(region, iam):
    iam.create_user(UserName="pat")
    assert refusal(iam.get_login_profile, UserName="pat")[:2] == ("NoSuchEntity", 404)
    iam.update_account_password_policy(MinimumPasswordLength=12, RequireSymbols=True, AllowUsersToChangePassword=True)
    weak = refusal(iam.create_login_profile, UserName="pat", Password="too-short")
    assert weak == ("PasswordPolicyViolation", 400, "Password should have a minimum length of 12")
    profile = iam.create_login_profile(UserName="pat", Password="long-enough-and-symbols")["LoginProfile"]
    assert profile["UserName"] == "pat"
    assert refusal(iam.create_login_profile, UserName="pat", Password="another-long-one")[:2] == ("EntityAlreadyExists", 409)
    key = iam.create_access_key(UserName="pat")["AccessKey"]
    pat = region.client("iam", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    # No policy of hers says so: that of the account's passwords does.
    pat.change_password(OldPassword="long-enough-and-symbols", NewPassword="changed-by-herself")
    wrong = refusal(pat.change_password, OldPassword="long-enough-and-symbols", NewPassword="changed-once-more")
    assert wrong == ("AccessDenied", 403, "The old password was incorrect.")
    iam.update_account_password_policy(MinimumPasswordLength=12)
    denied = refusal(pat.change_password, OldPassword="changed-by-herself", NewPassword="changed-once-more")
    assert denied[0] == "AccessDenied" and "iam:ChangePassword" in denied[2]
    assert refusal(iam.delete_user, UserName="pat")[0] == "DeleteConflict"
    iam.delete_login_profile(UserName="pat")
    iam.delete_account_password_policy()
    assert refusal(iam.get_account_password_policy)[:2] == ("NoSuchEntity", 404)


def test_virtual_mfa_devices(iam):
    iam.create_user(UserName="moe")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="moe-1", Tags=[{"Key": "k", "Value": "v"}])
    device = device["VirtualMFADevice"]
    png = device["QRCodePNG"]
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[start - 4 : start])
    assert len(zlib.decompress(png[start + 4 : start + 4 + length])) == height * (1 + (width + 7) // 8)
    bad = refusal(
        iam.enable_mfa_device,
        UserName="moe",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1="000000",
        AuthenticationCode2="000000",
    )
    assert bad == ("InvalidAuthenticationCode", 403, "Authentication code for device is not valid.")
    serial, _ = totp.enable(iam, "moe", "moe-2")
    assert [held["SerialNumber"] for held in iam.list_mfa_devices(UserName="moe")["MFADevices"]] == [serial]
    pages = iam.get_paginator("list_virtual_mfa_devices").paginate(AssignmentStatus="Assigned")
    held = [found["User"]["UserName"] for page in pages for found in page["VirtualMFADevices"]]
    assert "moe" in held
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=serial)[0] == "DeleteConflict"
    iam.deactivate_mfa_device(UserName="moe", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert iam.list_mfa_device_tags(SerialNumber=device["SerialNumber"])["Tags"] == [{"Key": "k", "Value": "v"}]
