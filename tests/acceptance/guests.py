"""Guests of a region under test: launch one, wait for its boot, log in, knock at its ports."""

import pathlib
import socket
import subprocess

from waiting import until

# The tiny image boots in 3 s on a quiet machine without hardware virtualisation.
BOOT_LIMIT = 90


class Guest:
    """One instance with its key."""

    def __init__(self, region, id, key_file):
        self.region = region
        self.id = id
        self.key_file = key_file

    def describe(self):
        answer = self.region.client("ec2").describe_instances(InstanceIds=[self.id])
        return answer["Reservations"][0]["Instances"][0]

    def state(self):
        return self.describe()["State"]["Name"]

    def wait_for_state(self, name, within=60):
        until(lambda: self.state() == name, within, f"{self.id} is {name}")

    @property
    def address(self):
        return self.describe()["PublicIpAddress"]

    def console(self):
        return self.region.client("ec2").get_console_output(InstanceId=self.id).get("Output", "")

    def wait_for_console(self, text, within=BOOT_LIMIT):
        return until(lambda: text in self.console() and self.console(), within, f"the console of {self.id} says {text!r}")

    def ssh(self, command, address=None, within=BOOT_LIMIT):
        """Runs a command in the guest and gives what it printed; tries until the guest lets us in."""
        address = address or self.address

        def attempt():
            done = self.ssh_once(command, address)
            # 255 is ssh's own failure; everything else is the command's.
            if done.returncode == 255:
                raise ConnectionError(done.stderr)
            return (done,)

        (done,) = until(attempt, within, f"ssh to {self.id} at {address}")
        assert done.returncode == 0, f"{command}: {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def ssh_once(self, command, address):
        return subprocess.run([*self.ssh_command(address), command], text=True, capture_output=True, timeout=60)

    def ssh_command(self, address):
        options = ("BatchMode=yes", "ConnectTimeout=3", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null")
        flags = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", "-i", str(self.key_file), *flags, f"ec2-user@{address}"]

    def boot_id(self):
        return self.ssh("cat /proc/sys/kernel/random/boot_id")


def image_id(ec2):
    images = ec2.describe_images(Filters=[{"Name": "name", "Values": ["welkin-tiny"]}])["Images"]
    assert len(images) == 1, images
    return images[0]["ImageId"]


def make_key(region, name="acceptance"):
    """A key pair of the region, and the file that holds its private half."""
    pair = region.client("ec2").create_key_pair(KeyName=name, KeyType="ed25519")
    path = pathlib.Path(f"{region.folder}.{name}.pem")
    path.write_text(pair["KeyMaterial"])
    path.chmod(0o600)
    return path


def launch(region, key_file, **options):
    """Starts one instance, of the smallest type, with the key that is in `key_file`."""
    ec2 = region.client("ec2")
    answer = ec2.run_instances(
        ImageId=image_id(ec2),
        InstanceType="t2.nano",
        KeyName=key_file.name.split(".")[-2],
        MinCount=1,
        MaxCount=1,
        **options,
    )
    return Guest(region, answer["Instances"][0]["InstanceId"], key_file)


def allow(region, port, group="default"):
    region.client("ec2").authorize_security_group_ingress(
        GroupName=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0"
    )


def revoke(region, port, group="default"):
    region.client("ec2").revoke_security_group_ingress(
        GroupName=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0"
    )


def connects(address, port, within=2):
    """Whether a new connection is answered."""
    try:
        with socket.create_connection((address, port), timeout=within):
            return True
    except OSError:
        return False
