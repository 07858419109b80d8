/**
 * Loading a sealed model into a confined worker, with its signature and digest verified and without:
 * `node bench/vault/load.ts [--megabytes N] [--rounds N]`.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf, memorySource, systemClock, uuidv7 } from '@merlon/core';
import { elementTypes, node, type OnnxModel, writeOnnx } from '@merlon/graph';
import { signManifest } from '@merlon/vault';
import { type OpenSource, piecesOf } from '../../packages/platform/src/blob/blob.ts';
import { openSigned } from '../../packages/platform/src/keys/signed.ts';
import { type Running, start } from '../../packages/platform/src/main.ts';
import type { VersionFile } from '../../packages/platform/src/model.ts';
import { signatureMeta } from '../../packages/platform/src/store/names.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '5' },
  },
});

const home = mkdtempSync(join(tmpdir(), 'merlon-load-'));
const running = await start({ home, port: 0, onFault: (error) => console.error(error) });
const { services } = running.platform;
const file = await sealedModel(running, Number(values.megabytes) * 1e6);
const ways: Record<string, () => Promise<OpenSource>> = {
  'decrypted alone': () => services.keys.open(file),
  'decrypted and verified': () => openSigned(services, file),
};
const seconds: Record<string, number[]> = {};
for (let round = 0; round <= Number(values.rounds); round++) {
  const turns = Object.entries(ways);
  for (const [name, open] of round % 2 === 0 ? turns : turns.toReversed()) {
    const worker = services.startWorker({ memoryBytesMax: 6e9 });
    await worker.call('probe', { what: 'read' }, { timeoutMs: 60_000 });
    const started = performance.now();
    const source = await open();
    await worker.call('load', { threads: 1 }, { sources: { model: source }, timeoutMs: 120_000 });
    const took = (performance.now() - started) / 1000;
    await source.close();
    await worker.close();
    // The first round warms up.
    if (round > 0) seconds[name] = [...(seconds[name] ?? []), took];
  }
}
const middle = (name: string): number => {
  const all = [...(seconds[name] ?? [])].sort((a, b) => a - b);
  const median = all[Math.floor(all.length / 2)] ?? 0;
  console.log(`${name}: ${median.toFixed(3)} s (${all.map((each) => each.toFixed(2)).join(' ')})`);
  return median;
};
const [alone = '', verified = ''] = Object.keys(ways);
console.log(`ratio: ${(1 / (middle(alone) / middle(verified))).toFixed(3)}`);
await running.close();
rmSync(home, { recursive: true });

/** A model of one large matrix, sealed and signed as the seal step does it. */
async function sealedModel({ platform }: Running, bytes: number): Promise<VersionFile> {
  const { store, keys, blobs } = platform.services;
  const content = largeModel(bytes);
  const id = uuidv7(systemClock);
  const key = await keys.forVersion(platform.workspaceId);
  const blob = uuidv7(systemClock);
  await blobs.put(blob, keys.seal(key, piecesOf(memorySource(content))));
  const digest = digestOf(content);
  const named = { versionId: id, path: 'model.onnx', digest, bytes: content.length };
  const made: VersionFile = { ...named, blob, keyId: key.id, header: null };
  await store.putFile(made);
  const signer = await keys.shared(platform.workspaceId, 'signing');
  const manifest = [{ name: made.path, digest }];
  const privateKeyPem = await keys.secret(signer);
  await store.setMeta(signatureMeta(id), signManifest(manifest, { modelName: id, privateKeyPem }));
  return made;
}

function largeModel(bytes: number): Uint8Array {
  const columns = 1000;
  const rows = Math.floor(bytes / 4 / columns);
  const weights = new Float32Array(rows * columns).map((_, i) => ((i * 7919) % 1000) / 1000);
  const data = new Uint8Array(weights.buffer);
  const elementType = elementTypes.float32;
  const rest = new Uint8Array(0);
  const model: OnnxModel = {
    ...{ irVersion: 8, opsets: [{ domain: '', version: 17 }], producer: '' },
    rest,
    graph: {
      ...{ name: 'large', nodes: [node('MatMul', ['x', 'w'], ['y'])] },
      initializers: [{ name: 'w', elementType, shape: [rows, columns], data, rest }],
      inputs: [{ name: 'x', elementType, shape: [1, rows] }],
      outputs: [{ name: 'y', elementType, shape: [1, columns] }],
      ...{ values: [], rest },
    },
  };
  return writeOnnx(model);
}
