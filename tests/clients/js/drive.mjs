// Drives a region with the AWS SDK for JavaScript, one scenario a run: `node drive.mjs SCENARIO`. The endpoint and the
// credentials come from the environment. What does not hold ends it with an error.

import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { Readable } from "node:stream";

import * as ec2 from "@aws-sdk/client-ec2";
import * as s3 from "@aws-sdk/client-s3";
import * as sts from "@aws-sdk/client-sts";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const region = process.env.AWS_DEFAULT_REGION;
const wait = (client) => ({ client, minDelay: 1, maxDelay: 1, maxWaitTime: 60 });

async function refused(promise, name, status) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.name, name);
    assert.equal(error.$metadata.httpStatusCode, status);
    return true;
  });
}

async function identity() {
  const answer = await new sts.STSClient({ region }).send(new sts.GetCallerIdentityCommand({}));
  assert.ok(answer.Arn.includes(answer.Account));
}

async function instances() {
  const client = new ec2.EC2Client({ region });
  const images = await client.send(new ec2.DescribeImagesCommand({}));
  const launched = await client.send(
    new ec2.RunInstancesCommand({
      ImageId: images.Images[0].ImageId,
      InstanceType: "t3.micro",
      MinCount: 1,
      MaxCount: 1,
      TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "client", Value: "js" }] }],
    }),
  );
  const InstanceIds = launched.Instances.map((instance) => instance.InstanceId);
  await ec2.waitUntilInstanceRunning(wait(client), { InstanceIds });
  const found = await client.send(new ec2.DescribeInstancesCommand({ InstanceIds }));
  const [instance] = found.Reservations[0].Instances;
  assert.equal(instance.State.Name, "running");
  assert.ok(instance.LaunchTime instanceof Date);
  assert.deepEqual(instance.Tags, [{ Key: "client", Value: "js" }]);
  await client.send(new ec2.TerminateInstancesCommand({ InstanceIds }));
  await ec2.waitUntilInstanceTerminated(wait(client), { InstanceIds });
}

async function pages() {
  const client = new ec2.EC2Client({ region });
  const types = [];
  for await (const page of ec2.paginateDescribeInstanceTypes({ client, pageSize: 5 }, {})) {
    types.push(...page.InstanceTypes.map((kind) => kind.InstanceType));
  }
  assert.ok(types.length > 5);
  assert.equal(new Set(types).size, types.length);
}

async function errors() {
  const compute = new ec2.EC2Client({ region });
  const InstanceIds = ["i-00000000000000000"];
  await refused(compute.send(new ec2.DescribeInstancesCommand({ InstanceIds })), "InvalidInstanceID.NotFound", 400);
  const storage = new s3.S3Client({ region, forcePathStyle: true });
  const Bucket = `errors-${randomUUID()}`;
  await refused(storage.send(new s3.ListObjectsV2Command({ Bucket })), "NoSuchBucket", 404);
  await refused(storage.send(new s3.HeadBucketCommand({ Bucket })), "NotFound", 404);
  await storage.send(new s3.CreateBucketCommand({ Bucket }));
  await refused(storage.send(new s3.GetObjectCommand({ Bucket, Key: "k" })), "NoSuchKey", 404);
  const credentials = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: "forged" };
  const forged = new s3.S3Client({ region, forcePathStyle: true, credentials });
  await refused(forged.send(new s3.ListObjectsV2Command({ Bucket })), "SignatureDoesNotMatch", 403);
  await storage.send(new s3.DeleteBucketCommand({ Bucket }));
}

async function objects() {
  // Without forcePathStyle the bucket stands in front of the host name.
  const client = new s3.S3Client({ region, forcePathStyle: true });
  const Bucket = `objects-${randomUUID()}`;
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  await s3.waitUntilBucketExists(wait(client), { Bucket });
  const body = randomBytes(200_000);
  await client.send(new s3.PutObjectCommand({ Bucket, Key: "whole", Body: body, Metadata: { colour: "blue" } }));
  // A stream of known length goes in signed or unsigned chunks with a trailer.
  const stream = Readable.from([body.subarray(0, 70_000), body.subarray(70_000)]);
  const Key = "folder/a b+cü";
  await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: stream, ContentLength: body.length }));
  await s3.waitUntilObjectExists(wait(client), { Bucket, Key });
  for (const key of ["whole", Key]) {
    const got = await client.send(new s3.GetObjectCommand({ Bucket, Key: key }));
    assert.ok(body.equals(Buffer.from(await got.Body.transformToByteArray())));
  }
  const listed = [];
  for await (const page of s3.paginateListObjectsV2({ client, pageSize: 1 }, { Bucket })) {
    listed.push(...page.Contents.map((entry) => entry.Key));
  }
  assert.deepEqual(listed, [Key, "whole"]);
  await client.send(
    new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: listed.map((key) => ({ Key: key })) } }),
  );
  await s3.waitUntilObjectNotExists(wait(client), { Bucket, Key });
  await client.send(new s3.DeleteBucketCommand({ Bucket }));
  await s3.waitUntilBucketNotExists(wait(client), { Bucket });
}

async function presigned() {
  const client = new s3.S3Client({ region, forcePathStyle: true });
  const Bucket = `presigned-${randomUUID()}`;
  await client.send(new s3.CreateBucketCommand({ Bucket }));
  const target = { Bucket, Key: "k" };
  const put = await fetch(await getSignedUrl(client, new s3.PutObjectCommand(target)), { method: "PUT", body: "hello" });
  assert.equal(put.status, 200, await put.text());
  const got = await fetch(await getSignedUrl(client, new s3.GetObjectCommand(target)));
  assert.equal(await got.text(), "hello");
  await client.send(new s3.DeleteObjectCommand(target));
  await client.send(new s3.DeleteBucketCommand({ Bucket }));
}

const scenarios = { identity, instances, pages, errors, objects, presigned };
await scenarios[process.argv[2]]();
