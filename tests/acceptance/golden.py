"""Makes tests/golden/region.v<n>.backup: a small region of this version, for later versions to bring back. One that is
there is never made again. Run it with a folder that is not there and the file to make."""

import pathlib
import sys

from region import Region, welkin


def make(folder, file):
    folder.mkdir(mode=0o700)
    region = Region(folder, "sim").start()
    try:
        ec2, s3 = region.client("ec2"), region.client("s3")
        image = ec2.describe_images()["Images"][0]["ImageId"]
        launched = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")["Instances"][0]
        ec2.create_tags(Resources=[launched["InstanceId"]], Tags=[{"Key": "Name", "Value": "golden"}])
        ec2.create_key_pair(KeyName="golden", KeyType="ed25519")
        s3.create_bucket(Bucket="golden")
        s3.put_object(Bucket="golden", Key="a/b", Body=b"0123456789" * 100, Metadata={"colour": "blue"})
        s3.put_object(Bucket="golden", Key="empty", Body=b"")
        done = welkin("backup", file, "--data-dir", region.folder)
        assert done.returncode == 0, done.stderr
    finally:
        region.dispose()


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).absolute())
