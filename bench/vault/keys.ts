/**
 * Rotation of many objects, and the backup of a home: `node bench/vault/keys.ts FOLDER
 * [--objects 10000] [--megabytes 1000]`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf, isoTime, systemClock, uuidv7 } from '@merlon/core';
import { backupHome } from '../../packages/platform/src/backup/backup.ts';
import { writeChunks } from '../../packages/platform/src/cli/files.ts';
import { rotateVersion } from '../../packages/platform/src/keys/lifecycle.ts';
import { makeRecovery } from '../../packages/platform/src/keys/recovery.ts';
import { backupParts, start } from '../../packages/platform/src/main.ts';
import type { Version } from '../../packages/platform/src/model.ts';
import { platformActor } from '../../packages/platform/src/people/people.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    objects: { type: 'string', default: '10000' },
    megabytes: { type: 'string', default: '1000' },
  },
});
const folder = mkdtempSync(join(positionals[0] ?? '/tmp', 'merlon-keys-'));
const home = join(folder, 'home');
const running = await start({ home, port: 0, onFault: console.error });
const { services, workspaceId } = running.platform;
const { store, keys, blobs } = services;
const actor = platformActor(workspaceId);

const objects = Number(values.objects);
const perVersion = 100;
const versions: Version[] = [];
for (let i = 0; i < objects / perVersion; i++) {
  versions.push(
    await version(
      Array.from({ length: perVersion }, () => randomBytes(2000)),
      i,
    ),
  );
}
const started = performance.now();
for (const each of versions) await rotateVersion(services, actor, each);
const seconds = (performance.now() - started) / 1000;
console.log(`rotated ${objects} objects in ${seconds.toFixed(1)} s`);

const large = Number(values.megabytes) / 100;
await version(
  Array.from({ length: large }, () => randomBytes(100e6)),
  versions.length,
);
await makeRecovery(home, {});
const begun = performance.now();
const options = { secrets: {}, onProgress: () => undefined };
const made = await backupHome(home, backupParts, options);
await writeChunks(join(folder, 'backup'), made.chunks);
const took = (performance.now() - begun) / 1000;
console.log(`backup: ${(made.report().bytes / 1e6).toFixed(0)} MB in ${took.toFixed(1)} s`);
await running.close();
rmSync(folder, { recursive: true, force: true });

async function version(contents: readonly Uint8Array[], number: number): Promise<Version> {
  const id = uuidv7(systemClock);
  const key = await keys.forVersion(workspaceId);
  for (const [i, content] of contents.entries()) {
    const blob = uuidv7(systemClock);
    await blobs.put(blob, keys.seal(key, once(content)));
    const digest = digestOf(content);
    const file = {
      versionId: id,
      path: `f${i}`,
      digest,
      bytes: content.length,
      blob,
      keyId: key.id,
      header: null,
    };
    await store.putFile(file);
  }
  const made: Version = {
    id,
    workspaceId,
    artifactId: `bench-${number}`,
    number: 1,
    parentId: null,
    state: 'complete',
    digest: digestOf(randomBytes(8)),
    bytes: 0,
    broughtBy: 'bench',
    createdAt: isoTime(systemClock.nowMs()),
    retainUntil: null,
    destroyedAt: null,
  };
  await store.addVersion(made);
  return made;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
