"""Codes of virtual MFA devices, as an authenticator shows them (RFC 6238)."""

import base64
import hashlib
import hmac
import struct
import time


def code(seed, steps=0, now=None):
    """The code `steps` steps of 30 seconds from now."""
    key = base64.b32decode(seed)
    counter = struct.pack(">q", int(time.time() if now is None else now) // 30 + steps)
    digest = hmac.new(key, counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def enable(iam, user, name):
    """Gives the user a new device; its serial number and its seed. Both codes are of the past: the present one is good."""
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    seed, now = device["Base32StringSeed"].decode(), time.time()
    iam.enable_mfa_device(
        UserName=user,
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1=code(seed, -3, now),
        AuthenticationCode2=code(seed, -2, now),
    )
    return device["SerialNumber"], seed
