"""Takes a folder of files to a bucket and back with a library of the region's choosing: `mover.py LIBRARY BUCKET FROM TO`.
The endpoint and the credentials come from the environment."""

import os
import pathlib
import sys

ENDPOINT = os.environ["ENDPOINT"]
KEY, SECRET = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
REGION = os.environ["AWS_DEFAULT_REGION"]
PART = 5 << 20


def with_boto3(bucket, source, target):
    import boto3
    from boto3.s3.transfer import TransferConfig

    parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    files = boto3.resource("s3", endpoint_url=ENDPOINT).Bucket(bucket)
    for name in names(source):
        files.upload_file(str(source / name), name, Config=parts)
    for entry in files.objects.all():
        files.download_file(entry.key, str(place(target, entry.key)), Config=parts)
    files.delete_objects(Delete={"Objects": [{"Key": entry.key} for entry in files.objects.all()]})
    assert list(files.objects.all()) == []
    files.delete()


def with_minio(bucket, source, target):
    from minio import Minio
    from minio.commonconfig import CopySource
    from minio.deleteobjects import DeleteObject

    host = ENDPOINT.split("://")[1]
    client = Minio(endpoint=host, access_key=KEY, secret_key=SECRET, region=REGION, secure=False)
    assert client.bucket_exists(bucket_name=bucket)
    for name in names(source):
        client.fput_object(bucket_name=bucket, object_name=name, file_path=str(source / name), part_size=PART)
    for entry in client.list_objects(bucket_name=bucket, recursive=True):
        path = str(place(target, entry.object_name))
        client.fget_object(bucket_name=bucket, object_name=entry.object_name, file_path=path)
    copy = client.copy_object(bucket_name=bucket, object_name="copy", source=CopySource(bucket_name=bucket, object_name="empty"))
    assert client.stat_object(bucket_name=bucket, object_name="copy").etag == copy.etag
    listed = client.list_objects(bucket_name=bucket, recursive=True)
    gone = [DeleteObject(entry.object_name) for entry in listed]
    assert list(client.remove_objects(bucket_name=bucket, delete_object_list=gone)) == []
    client.remove_bucket(bucket_name=bucket)


def with_django(bucket, source, target):
    import django.conf
    from django.core.files import File

    options = {
        "access_key": KEY,
        "secret_key": SECRET,
        "bucket_name": bucket,
        "endpoint_url": ENDPOINT,
        "region_name": REGION,
        "file_overwrite": True,
    }
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    django.conf.settings.configure(STORAGES={"default": backend})
    from django.core.files.storage import default_storage as storage

    for name in names(source):
        with (source / name).open("rb") as file:
            assert storage.save(name, File(file)) == name
    for name in walk(storage, ""):
        with storage.open(name) as file:
            place(target, name).write_bytes(file.read())
        assert storage.exists(name) and storage.size(name) == (source / name).stat().st_size
    assert storage.url("plain.txt").startswith(ENDPOINT)
    for name in names(source):
        storage.delete(name)
    assert not storage.exists("plain.txt")


def walk(storage, folder):
    folders, files = storage.listdir(folder)
    yield from (os.path.join(folder, name) for name in files)
    for name in folders:
        yield from walk(storage, os.path.join(folder, name))


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def place(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


if __name__ == "__main__":
    library, bucket, source, target = sys.argv[1:]
    globals()[f"with_{library}"](bucket, pathlib.Path(source), pathlib.Path(target))
