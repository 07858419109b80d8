/** One suite over files and S3, and the care for objects: garbage, damage, repair. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock, utf8, uuidv7 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inPieces, sampleBytes } from '../../../vault/test/support.ts';
import { collectGarbage, scrub } from '../../src/blob/care.ts';
import { openFileBlobs } from '../../src/blob/file.ts';
import { openS3Blobs, openS3Replica, readS3Url } from '../../src/blob/s3.ts';
import { brokenLine } from '../support/broken-line.ts';
import { startTest, type TestPlatform } from '../support/platform.ts';
import { startMotoS3, startRcloneS3 } from '../support/providers.ts';
import { sealedVersion } from '../support/sealed.ts';
import { blobSuite, manyBytes } from './suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-blobs-'));
const s3 = await startMotoS3();
const rclone = await startRcloneS3();
afterAll(() => {
  s3?.stop();
  rclone?.stop();
  rmSync(folder, { recursive: true, force: true });
});

blobSuite('files', () => openFileBlobs(join(folder, 'files')));
describe.skipIf(rclone === null)('S3 by rclone', () => {
  blobSuite('rclone', () => openS3Blobs(readS3Url(rclone?.uri ?? '')));

  it('is a replica that is read, and says what it does not have', async () => {
    const place = readS3Url(rclone?.uri ?? '');
    const blobs = await openS3Blobs(place);
    const name = uuidv7(manualClock(7));
    await blobs.put(name, inPieces(manyBytes(9_000_000), 1_000_000));
    const replica = await openS3Replica(place);
    const source = await replica.open(name);
    expect(source.size).toBe(9_000_000);
    expect(await source.read(8_999_990, 100)).toEqual(manyBytes(9_000_000).slice(-10));
    await source.close();
    const none = replica.open(uuidv7(manualClock(8)));
    await expect(none).rejects.toMatchObject({ code: 'not-found' });
    await blobs.remove(name);
    blobs.close();
  });

  it('leaves an upload of another process alone until it is surely abandoned', async () => {
    const { S3Client, CreateMultipartUploadCommand, ListMultipartUploadsCommand } = await import(
      '@aws-sdk/client-s3'
    );
    const place = readS3Url(rclone?.uri ?? '');
    const { endpoint = '', region = '', bucket: Bucket, prefix } = place;
    const client = new S3Client({ endpoint, region, forcePathStyle: true });
    const uploads = async () =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? [];
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: `${prefix}other.age` }));
    (await openS3Blobs(place)).close();
    expect(await uploads()).toHaveLength(1);
    (await openS3Blobs(place, manualClock(Date.now() + 25 * 3_600_000))).close();
    expect(await uploads()).toEqual([]);
    client.destroy();
  });
});
describe.skipIf(s3 === null)('S3', () => {
  blobSuite('S3', () => openS3Blobs(readS3Url(s3?.uri ?? '')));

  it('fetches little for a small range of a large object', async () => {
    const blobs = await openS3Blobs(readS3Url(s3?.uri ?? ''));
    const name = uuidv7(manualClock(5));
    await blobs.put(name, inPieces(manyBytes(12_000_000), 1_000_000));
    const source = await blobs.open(name);
    const got = await source.read(6_000_000, 1000);
    expect(Buffer.compare(got, manyBytes(12_000_000).slice(6_000_000, 6_001_000))).toBe(0);
    await blobs.remove(name);
    blobs.close();
  });

  it('goes on with the part at which the connection broke', { timeout: 60_000 }, async () => {
    const line = await brokenLine(readS3Url(s3?.uri ?? '').endpoint ?? '');
    const blobs = await openS3Blobs({ ...readS3Url(s3?.uri ?? ''), endpoint: line.uri });
    const name = uuidv7(manualClock(6));
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield manyBytes(9_000_000);
      // More than the library tries by itself, so that another round is needed.
      line.breakNext(7);
      yield manyBytes(9_000_000);
    }
    expect(await blobs.put(name, chunks())).toBe(18_000_000);
    expect(line.broken()).toBe(7);
    const source = await blobs.open(name);
    expect(Buffer.compare(await source.read(9_000_000, 1000), manyBytes(1000))).toBe(0);
    await blobs.remove(name);
    blobs.close();
    line.stop();
  });

  it('says in one sentence what is wrong', async () => {
    const uri = s3?.uri ?? '';
    const none = openS3Blobs(readS3Url(uri.replace('s3://models', 's3://no-such-bucket')));
    await expect(none).rejects.toMatchObject({ code: 'unavailable', hint: /bucket/ });
    expect(() => readS3Url('https://x')).toThrow('expected s3://BUCKET/PREFIX');
  });
});

describe('care', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startTest();
  }, 60_000);
  afterAll(() => platform.close());

  it('collects what nobody names, once it is old enough', async () => {
    const { store } = platform.running.platform.services;
    const blobs = await openFileBlobs(join(folder, 'garbage'));
    const clock = manualClock(Date.UTC(2050, 0, 1));
    const old = uuidv7(clock);
    await blobs.put(old, inPieces(sampleBytes(10)));
    clock.advance(3_600_000);
    const young = uuidv7(clock);
    await blobs.put(young, inPieces(sampleBytes(10)));
    clock.advance(60_000);
    expect(await collectGarbage({ store, blobs, clock }, 1_800_000)).toBe(1);
    expect(await blobs.list()).toEqual([young]);
  });

  it('finds damage, and repairs it from a replica that is whole', async () => {
    const { services } = platform.running.platform;
    const { client } = await platform.person('owner');
    const files = { 'a.txt': utf8('first words'), 'b.txt': utf8('second words') };
    const version = await sealedVersion(platform, client, { name: 'scrubbed', files });
    const [a, b] = await services.store.files(version.id);
    if (a === undefined || b === undefined) throw new Error('files are missing');
    expect(await scrub(services)).toEqual({ objects: 2, damaged: [], repaired: [] });
    const path = join(platform.home, 'blobs', `${a.blob}.age`);
    const whole = readFileSync(path);
    const replica = await openFileBlobs(join(folder, 'replica'));
    await replica.put(a.blob, inPieces(new Uint8Array(whole)));
    const broken = Buffer.from(whole);
    broken[broken.length - 20] = (broken[broken.length - 20] ?? 0) ^ 1;
    writeFileSync(path, broken);
    rmSync(join(platform.home, 'blobs', `${b.blob}.age`));
    const both = [a.blob, b.blob].sort();
    const report = await scrub(services);
    expect([[...report.damaged].sort(), report.repaired]).toEqual([both, []]);
    const mended = await scrub(services, { replica });
    expect([[...mended.damaged].sort(), mended.repaired]).toEqual([both, [a.blob]]);
    expect(readFileSync(path).equals(whole)).toBe(true);
  });
});
