// Takes a folder of files to a bucket and back with the AWS SDK for JavaScript: `node mover.mjs BUCKET FROM TO`. The endpoint
// and the credentials come from the environment.

import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, readdir, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";

import * as s3 from "@aws-sdk/client-s3";

const PART = 5 << 20;
const [Bucket, source, target] = process.argv.slice(2);
const client = new s3.S3Client({ region: process.env.AWS_DEFAULT_REGION, endpoint: process.env.ENDPOINT });
const send = (Command, input) => client.send(new Command({ Bucket, ...input }));

async function* files(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

async function put(Key, path) {
  const Body = await readFile(path);
  if (Body.length <= PART) return send(s3.PutObjectCommand, { Key, Body });
  const { UploadId } = await send(s3.CreateMultipartUploadCommand, { Key, ChecksumAlgorithm: "CRC32" });
  const Parts = [];
  for (let at = 0; at < Body.length; at += PART) {
    const PartNumber = Parts.length + 1;
    const part = await send(s3.UploadPartCommand, { Key, UploadId, PartNumber, Body: Body.subarray(at, at + PART) });
    Parts.push({ PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
  }
  return send(s3.CompleteMultipartUploadCommand, { Key, UploadId, MultipartUpload: { Parts } });
}

for await (const path of files(source)) await put(relative(source, path), path);
for await (const page of s3.paginateListObjectsV2({ client, pageSize: 4 }, { Bucket })) {
  for (const { Key, Size } of page.Contents) {
    const path = join(target, Key);
    await mkdir(dirname(path), { recursive: true });
    const { Body } = await send(s3.GetObjectCommand, { Key });
    await pipeline(Body, createWriteStream(path));
    assert.equal((await stat(path)).size, Size);
  }
  await send(s3.DeleteObjectsCommand, { Delete: { Objects: page.Contents.map(({ Key }) => ({ Key })) } });
}
await send(s3.DeleteBucketCommand, {});
