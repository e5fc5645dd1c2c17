"""People sign in with `welkin login`, and unmodified AWS tools go on with what came of it."""

import json
import os
import pty
import select
import stat
import subprocess
import time

import pytest

import totp
from region import BINARY, environment, welkin
from waiting import until

PASSWORD = "Correct-Horse-7"


@pytest.fixture
def person(tmp_path):
    """The environment of a person with a home of its own."""
    return environment(HOME=str(tmp_path))


def make_user(region, name, password=PASSWORD, **more):
    iam = region.client("iam")
    iam.create_user(UserName=name)
    iam.create_login_profile(UserName=name, Password=password, **more)
    return iam


def login(region, person, user, *lines, profile="p", arguments=()):
    """Signs in; `lines` are typed: the password, the code."""
    target = ["--endpoint", region.exports["AWS_ENDPOINT_URL"], "--account", region.account, "--user", user]
    typed = "".join(f"{line}\n" for line in lines)
    return welkin("login", *target, "--profile", profile, *arguments, env=person, input=typed)


def aws(person, *arguments):
    return subprocess.run(
        ["aws", "--profile", "p", *arguments], text=True, capture_output=True, timeout=120, env=person, check=False
    )


def test_a_password_gives_the_aws_cli_credentials_that_end(region, person, tmp_path):
    make_user(region, "ann")
    done = login(region, person, "ann", PASSWORD, arguments=["--duration", "1h"])
    assert done.returncode == 0, done.stderr
    assert f"Signed in as arn:aws:iam::{region.account}:user/ann, until" in done.stderr and done.stdout == ""
    identity = aws(person, "sts", "get-caller-identity")
    assert identity.returncode == 0, identity.stderr
    assert json.loads(identity.stdout)["Arn"] == f"arn:aws:iam::{region.account}:user/ann"

    kept = tmp_path / ".config/welkin/logins/p.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    printed = json.loads(welkin("credentials", "--profile", "p", env=person).stdout)
    assert set(printed) == {"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    assert printed["Version"] == 1 and printed["AccessKeyId"].startswith("ASIA")
    used = region.client("iam").get_user(UserName="ann")["User"]["PasswordLastUsed"]
    assert abs(used.timestamp() - time.time()) < 300

    # The user's own name, account and endpoint are remembered.
    again = welkin("login", "--profile", "p", env=person, input=f"{PASSWORD}\n")
    assert again.returncode == 0, again.stderr
    fresh = json.loads(welkin("credentials", "--profile", "p", env=person).stdout)
    assert fresh["AccessKeyId"] != printed["AccessKeyId"]

    out = welkin("logout", "--profile", "p", env=person)
    assert out.returncode == 0, out.stderr
    assert not kept.exists()
    ended = {
        "aws_access_key_id": fresh["AccessKeyId"],
        "aws_secret_access_key": fresh["SecretAccessKey"],
        "aws_session_token": fresh["SessionToken"],
    }
    with pytest.raises(region.client("sts").exceptions.ClientError, match="InvalidClientTokenId"):
        region.client("sts", **ended).get_caller_identity()
    gone = welkin("credentials", "--profile", "p", env=person)
    assert gone.returncode == 1 and "nobody has signed in as profile p" in gone.stderr


def test_a_user_with_a_device_shows_its_code(region, person):
    iam = make_user(region, "mia")
    _, seed = totp.enable(iam, "mia", "mia-phone")
    wrong = "welkin: The account, the user, the password or the code is wrong.\n"
    assert login(region, person, "mia", PASSWORD).stderr == wrong
    assert login(region, person, "mia", PASSWORD, "000000").stderr == wrong
    code = totp.code(seed)
    done = login(region, person, "mia", PASSWORD, code)
    assert done.returncode == 0 and ", with MFA, until" in done.stderr, done.stderr
    assert login(region, person, "mia", PASSWORD, code).stderr == wrong, "a code is good once"
    # With MFA such a session reaches IAM: it lacks a permission, and not the right to ask.
    refused = aws(person, "iam", "list-users")
    assert "is not authorized to perform: iam:ListUsers" in refused.stderr, refused.stderr


def test_whatever_is_wrong_the_answer_is_the_same(region, person):
    make_user(region, "eva")
    region.client("iam").create_user(UserName="no-password")
    wrong = "welkin: The account, the user, the password or the code is wrong.\n"
    for user, password in [("eva", "wrong"), ("nobody", PASSWORD), ("no-password", PASSWORD)]:
        done = login(region, person, user, password)
        assert (done.returncode, done.stderr) == (1, wrong), user
    assert not any((region.folder / name).exists() for name in ["logins"])
    for _ in range(10):
        done = login(region, person, "eva", "wrong")
    assert "Too many tries; try again in" in done.stderr
    assert "Too many tries" in login(region, person, "eva", PASSWORD).stderr, "right, and not looked at"


def test_a_password_that_must_be_changed_is_changed_on_the_spot(region, person):
    iam = make_user(region, "new", "First-One-1", PasswordResetRequired=True)
    done = login(region, person, "new", "First-One-1", "short", "Second-One-2")
    assert done.returncode == 0, done.stderr
    assert "The password must be changed now." in done.stderr
    assert "Password should have a minimum length of 8" in done.stderr
    assert iam.get_login_profile(UserName="new")["LoginProfile"]["PasswordResetRequired"] is False
    assert login(region, person, "new", "First-One-1").returncode == 1
    assert login(region, person, "new", "Second-One-2").returncode == 0


def test_a_login_that_has_ended_is_not_handed_out(region, person, tmp_path):
    make_user(region, "old")
    assert login(region, person, "old", PASSWORD).returncode == 0
    kept = tmp_path / ".config/welkin/logins/p.json"
    saved = json.loads(kept.read_text())
    kept.write_text(json.dumps({**saved, "expires": "2020-01-01T00:00:00Z"}))
    done = welkin("credentials", "--profile", "p", env=person)
    assert done.returncode == 1 and done.stdout == ""
    assert "the login of profile p ended at 2020-01-01T00:00:00Z: run `welkin login --profile p`" in done.stderr


def test_a_terminal_does_not_show_the_password(region, person):
    make_user(region, "tty")
    target = ["--endpoint", region.exports["AWS_ENDPOINT_URL"], "--account", region.account, "--user", "tty"]
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [BINARY, "login", *target], stdin=secondary, stdout=secondary, stderr=secondary, env=person, close_fds=True
    )
    os.close(secondary)
    seen = bytearray()

    def has_seen(text):
        if select.select([primary], [], [], 0.05)[0]:
            try:
                seen.extend(os.read(primary, 4096))
            except OSError:
                pass
        return text in seen

    until(lambda: has_seen(b"Password of tty in"), 20, "the question")
    os.write(primary, PASSWORD.replace("7", "8").encode() + b"\x7f7\r")
    until(lambda: has_seen(b"Signed in as"), 20, "the end of it")
    assert process.wait(20) == 0
    os.close(primary)
    assert PASSWORD[:4].encode() not in seen


def test_passwords_go_over_https_or_stay_on_the_machine(person):
    done = welkin("login", "--endpoint", "http://192.0.2.1", "--account", "1", "--user", "u", env=person, input="x\n")
    assert done.returncode == 2 and "a password goes over https only" in done.stderr


def test_a_login_is_in_the_audit_trail(region, person):
    make_user(region, "seen")
    assert login(region, person, "seen", PASSWORD).returncode == 0
    assert login(region, person, "seen", "wrong").returncode == 1

    def records():
        audit = welkin("audit", "--data-dir", region.folder, "--since", "1h", "--json", "--event", "ConsoleLogin")
        return [json.loads(line) for line in audit.stdout.splitlines()]

    mine = [record for record in records() if record["userIdentity"].get("userName") == "seen"]
    assert [record.get("errorCode") for record in mine] == [None]
    assert mine[0]["eventSource"] == "signin.amazonaws.com"
    failed = [record for record in records() if record.get("errorCode") == "SigninFailure"]
    assert failed and "recipientAccountId" not in failed[-1]
    assert PASSWORD not in json.dumps(records())
