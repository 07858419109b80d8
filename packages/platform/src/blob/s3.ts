/**
 * Objects in any S3 store. The client library is optional and loaded only here. An object appears
 * whole or not at all: large ones come in parts, which count only once the last is named.
 */
import type {
  _Object,
  CompletedPart,
  ListObjectsV2CommandOutput,
  S3Client,
} from '@aws-sdk/client-s3';
import { type Clock, concat, messageOf, systemClock } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import { type BlobStore, checkBlobName, type OpenSource, type Replica } from './blob.ts';

/** Where the objects are. */
export interface S3Place {
  readonly bucket: string;
  /** Before every name, such as `merlon/`. */
  readonly prefix: string;
  /** Other than AWS itself. */
  readonly endpoint?: string;
  readonly region?: string;
}

type Library = typeof import('@aws-sdk/client-s3');

const suffix = '.age';
/** Small enough to be held, large enough for 80 GB in the 10,000 parts that S3 allows. */
const partBytes = 8 * 1024 * 1024;
/** Rounds of the library's own attempts for a part: about two minutes of outage. */
const roundsMax = 12;
/** What is fetched at once when somebody reads on where they left off. */
const aheadBytes = 4 * 1024 * 1024;

/** A place from `s3://BUCKET/PREFIX?endpoint=…&region=…`; throws `bad-request`. */
export function readS3Url(text: string): S3Place {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== 's3:' || url.hostname === '') {
    throw new PlatformError('bad-request', 'expected s3://BUCKET/PREFIX', {
      hint: 'such as s3://models/merlon?region=eu-central-1',
    });
  }
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  const [endpoint, region] = [url.searchParams.get('endpoint'), url.searchParams.get('region')];
  return {
    bucket: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
  };
}

/** Uploads that began before were left by a process that died; younger ones may be at work. */
const abandonedMs = 24 * 3_600_000;

/** Opens a bucket as a blob store and ends uploads that were abandoned long ago. */
export async function openS3Blobs(
  place: S3Place,
  clock: Clock = systemClock,
): Promise<BlobStore & { close(): void }> {
  const bucket = await openBucket(place);
  await abortAbandoned(bucket, clock.nowMs() - abandonedMs);
  return {
    put: (name, chunks) => putObject(bucket, keyOf(place, name), chunks),
    open: (name) => openObject(bucket, keyOf(place, name), name),
    remove: (name) => removeObject(bucket, keyOf(place, name)),
    list: () => listNames(bucket),
    close: () => bucket.client.destroy(),
  };
}

/** A bucket that holds copies of the objects. */
export async function openS3Replica(place: S3Place): Promise<Replica> {
  const bucket = await openBucket(place);
  return { open: (name) => openObject(bucket, keyOf(place, name), name) };
}

async function openBucket(place: S3Place): Promise<Bucket> {
  const library = await import('@aws-sdk/client-s3').catch((cause: unknown) => {
    throw new PlatformError('unavailable', 'the library for S3 is not installed', {
      hint: 'run "npm install @aws-sdk/client-s3"',
      cause,
    });
  });
  const { endpoint, region } = place;
  const client = new library.S3Client({
    maxAttempts: 5,
    // Objects carry tags of their own, and some servers tell the checksum of the whole for a part.
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(region === undefined ? {} : { region }),
  });
  return { library, client, place };
}

interface Bucket {
  readonly library: Library;
  readonly client: S3Client;
  readonly place: S3Place;
}

function keyOf({ prefix }: S3Place, name: string): string {
  return `${prefix}${checkBlobName(name)}${suffix}`;
}

async function putObject(
  bucket: Bucket,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  const { library, client, place } = bucket;
  const at = { Bucket: place.bucket, Key: key };
  // Names are used once: an object that is there already is never replaced. The condition of the
  // write itself holds against others at the same time, but not every server knows conditions.
  if (await isThere(bucket, key)) throw taken();
  const parts = inParts(chunks);
  const first = await parts.next();
  const head = first.done === true ? new Uint8Array(0) : first.value;
  if (head.length < partBytes) {
    const wish = new library.PutObjectCommand({ ...at, Body: head, IfNoneMatch: '*' });
    await client.send(wish).catch(refusedWrite);
    return head.length;
  }
  const made = await client.send(new library.CreateMultipartUploadCommand(at)).catch(refusedWrite);
  const upload = { ...at, UploadId: made.UploadId };
  try {
    let bytes = 0;
    const done: CompletedPart[] = [];
    for (let body: Uint8Array | undefined = head; body !== undefined; ) {
      const PartNumber = done.length + 1;
      const wish = new library.UploadPartCommand({ ...upload, PartNumber, Body: body });
      const { ETag } = await patiently(() => client.send(wish));
      done.push({ PartNumber, ...(ETag === undefined ? {} : { ETag }) });
      bytes += body.length;
      const next: IteratorResult<Uint8Array, void> = await parts.next();
      body = next.done === true ? undefined : next.value;
    }
    const MultipartUpload = { Parts: done };
    const end = { ...upload, MultipartUpload, IfNoneMatch: '*' };
    await client.send(new library.CompleteMultipartUploadCommand(end));
    return bytes;
  } catch (error) {
    await client.send(new library.AbortMultipartUploadCommand(upload));
    return refusedWrite(error);
  }
}

/**
 * An upload goes on with the part at which its connection broke. The library tries each part some
 * times by itself, with growing pauses; an outage of minutes needs more than that.
 */
async function patiently<T>(send: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await send();
    } catch (error) {
      if (round === roundsMax || !isOutage(error)) throw error;
    }
  }
}

/** No answer at all, or one that says that the server is not itself. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const metadata = '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }) : {};
  const status = metadata.httpStatusCode;
  return status === undefined ? error.name !== 'AbortError' : status >= 500;
}

/** The stream in pieces of one part each, the last one shorter. */
async function* inParts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let pending: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    pending.push(chunk);
    bytes += chunk.length;
    if (bytes < partBytes) continue;
    const all = concat(pending);
    const whole = bytes - (bytes % partBytes);
    for (let at = 0; at < whole; at += partBytes) yield all.subarray(at, at + partBytes);
    pending = [all.slice(whole)];
    bytes -= whole;
  }
  if (bytes > 0) yield concat(pending);
}

async function isThere({ library, client, place }: Bucket, key: string): Promise<boolean> {
  const wish = new library.HeadObjectCommand({ Bucket: place.bucket, Key: key });
  return client.send(wish).then(
    () => true,
    (cause: unknown) => (isMissing(cause) ? false : unavailable(cause)),
  );
}

async function openObject(bucket: Bucket, key: string, name: string): Promise<OpenSource> {
  const { library, client, place } = bucket;
  const at = { Bucket: place.bucket, Key: key };
  const found = await client.send(new library.HeadObjectCommand(at)).catch((cause: unknown) => {
    if (!isMissing(cause)) throw unavailable(cause);
    throw new PlatformError('not-found', `object "${name}" is not in the blob store`, { cause });
  });
  const size = found.ContentLength ?? 0;
  const fetchRange = async (from: number, to: number): Promise<Uint8Array> => {
    const wish = new library.GetObjectCommand({ ...at, Range: `bytes=${from}-${to - 1}` });
    const { Body } = await client.send(wish).catch(unavailable);
    return (await Body?.transformToByteArray()) ?? new Uint8Array(0);
  };
  let kept = { from: 0, bytes: new Uint8Array(0) as Uint8Array };
  let nextOffset = 0;
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const end = Math.min(size, offset + length);
    if (end <= offset) return new Uint8Array(0);
    const within = offset - kept.from;
    if (within < 0 || end - kept.from > kept.bytes.length) {
      // Whoever reads on gets more than was asked for; whoever jumps pays for what is read alone.
      const to = offset === nextOffset ? Math.max(end, offset + aheadBytes) : end;
      kept = { from: offset, bytes: await fetchRange(offset, Math.min(size, to)) };
    }
    nextOffset = end;
    return kept.bytes.slice(offset - kept.from, end - kept.from);
  };
  return { size, read, close: async () => undefined };
}

async function removeObject({ library, client, place }: Bucket, key: string): Promise<void> {
  const wish = new library.DeleteObjectCommand({ Bucket: place.bucket, Key: key });
  await client.send(wish).catch(unavailable);
}

async function listNames({ library, client, place }: Bucket): Promise<string[]> {
  const names: string[] = [];
  for (let token: string | undefined; ; ) {
    const wish = new library.ListObjectsV2Command({
      Bucket: place.bucket,
      Prefix: place.prefix,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    const page: ListObjectsV2CommandOutput = await client.send(wish).catch(unavailable);
    const keys = (page.Contents ?? []).map((each: _Object) => each.Key ?? '');
    for (const key of keys.filter((each) => each.endsWith(suffix))) {
      names.push(key.slice(place.prefix.length, -suffix.length));
    }
    if (page.NextContinuationToken === undefined) return names;
    token = page.NextContinuationToken;
  }
}

async function abortAbandoned({ library, client, place }: Bucket, beforeMs: number): Promise<void> {
  const at = { Bucket: place.bucket };
  const wish = new library.ListMultipartUploadsCommand({ ...at, Prefix: place.prefix });
  // Some servers say of a bucket without uploads that there is no such upload.
  const none = (cause: unknown) => (isMissing(cause) ? { Uploads: [] } : unavailable(cause));
  const { Uploads = [] } = await client.send(wish).catch(none);
  for (const { Key, UploadId, Initiated } of Uploads) {
    if (Initiated === undefined || Initiated.getTime() > beforeMs) continue;
    await client.send(new library.AbortMultipartUploadCommand({ ...at, Key, UploadId }));
  }
}

function refusedWrite(cause: unknown): never {
  const name = cause instanceof Error ? cause.name : '';
  if (cause instanceof PlatformError) throw cause;
  if (name === 'PreconditionFailed' || name === 'ConditionalRequestConflict') {
    throw taken(cause);
  }
  // What the stream itself says goes on unchanged: its owner knows what it means.
  if (cause instanceof Error && !('$metadata' in cause) && !('errno' in cause)) throw cause;
  throw unavailable(cause);
}

function taken(cause?: unknown): PlatformError {
  return new PlatformError('conflict', 'an object of that name is there already', { cause });
}

function unavailable(cause: unknown): never {
  throw new PlatformError('unavailable', `the object store does not answer: ${messageOf(cause)}`, {
    hint: 'check the bucket, the endpoint and the credentials in the environment; then try again',
    cause,
  });
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && ['NotFound', 'NoSuchKey', 'NoSuchUpload'].includes(cause.name);
}
