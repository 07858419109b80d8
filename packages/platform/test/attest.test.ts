/**
 * Statements of a running platform about its own work, over data that is a folder of pictures; read
 * and verified by the libraries of in-toto and of the Python Cryptographic Authority.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '@merlon/core';
import { readDataset } from '@merlon/graph';
import { type Attestation, openAttestation } from '@merlon/vault';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Version } from '../src/model.ts';
import { startTest, type TestPerson, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';
import { stepDone } from './support/steps.ts';

const python = join(process.env.MERLON_ORACLES ?? 'none', 'bin/python');
const hasPython =
  existsSync(python) &&
  spawnSync(python, ['-c', 'import in_toto_attestation, cryptography']).status === 0;
if (!hasPython) console.warn('skipped: no Python with in-toto-attestation (MERLON_ORACLES)');
const verify = `
import base64, json, sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
kinds = {
    "https://slsa.dev/provenance/v1": provenance_pb2.Provenance,
    "https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
}
envelope = json.load(open(sys.argv[1]))["dsseEnvelope"]
payload = base64.b64decode(envelope["payload"])
kind = envelope["payloadType"].encode()
signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
key = serialization.load_pem_public_key(open(sys.argv[2], "rb").read())
key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed, ec.ECDSA(hashes.SHA256()))
empty = Statement([], "x", {}).pb
statement = Statement.copy_from_pb(json_format.ParseDict(json.loads(payload), empty))
statement.validate()
predicate = json_format.MessageToDict(statement.pb.predicate)
json_format.ParseDict(predicate, kinds[statement.pb.predicate_type]())
print(statement.pb.predicate_type, *[s.digest["sha256"] for s in statement.pb.subject])
`;

const root = new URL('../../../', import.meta.url);
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, root)));
const folder = mkdtempSync(join(tmpdir(), 'merlon-attest-'));
let platform: TestPlatform;
let owner: TestPerson;
let model: Version;
let child: Version;
let data: Record<'train' | 'test', Version>;

/** Digits as PNG files, a folder for each class. */
function pictures(path: string, count: number): Record<string, Uint8Array> {
  const { x, labels } = readDataset(file(path), { name: path });
  const side = 28;
  const named = Array.from({ length: count }, (_, i) => {
    const pixels = x.subarray(i * side * side, (i + 1) * side * side);
    const bytes = Uint8Array.from(pixels, (value) => Math.round(value * 255));
    const png = encode({ width: side, height: side, data: bytes, channels: 1 });
    return [`digits/${labels[i]}/${i}.png`, new Uint8Array(png)] as const;
  });
  return Object.fromEntries(named);
}

beforeAll(async () => {
  platform = await startTest();
  owner = await platform.person('owner');
  const { client } = owner;
  const schema = { 'digits-cnn.schema.json': file('models/digits-cnn.schema.json') };
  const bring = (name: string, kind: 'models' | 'data', files: Record<string, Uint8Array>) =>
    sealedVersion(platform, client, { name, kind, files });
  model = await bring('digits', 'models', { 'm.onnx': file('models/digits-cnn.onnx'), ...schema });
  data = {
    train: await bring('train', 'data', pictures('data/mnist-train.npz', 60)),
    test: await bring('test', 'data', pictures('data/mnist-test.npz', 40)),
  };
  for (const use of ['train', 'test'] as const) {
    const link = { dataVersionId: data[use].id, use };
    await client.ask('POST', `/api/v1/versions/${model.id}/data`, link);
  }
  const assess = { attacks: ['fgsm'], epsilon: 0.1, samples: 40, seed: 1 };
  await client.ask('POST', `/api/v1/versions/${model.id}/assess`, assess);
  await stepDone(platform, model.id, 'assess');
  const harden = { method: 'pgd-at', epsilon: 0.1, epochs: 1, seed: 1 };
  await client.ask('POST', `/api/v1/versions/${model.id}/harden`, harden);
  const { result } = await stepDone(platform, model.id, 'harden');
  const made = await platform.running.platform.services.store.version(String(result.childId));
  if (made === null) throw new Error('the hardened version is gone');
  child = made;
}, 120_000);
afterAll(async () => {
  await platform.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The statement as anybody gets it, and the key that it is verified by. */
async function attestation(version: Version, kind: string): Promise<[string, string]> {
  const { keys } = (await owner.client.ask('GET', '/api/v1/object-keys')) as unknown as {
    keys: { purpose: string; publicKey: string }[];
  };
  const publicKey = keys.find(({ purpose }) => purpose === 'signing')?.publicKey ?? '';
  const bundle = await owner.client.ask(
    'GET',
    `/api/v1/versions/${version.id}/attestations/${kind}`,
  );
  return [JSON.stringify(bundle), publicKey];
}

function opened(bundle: string, publicKeyPem: string): Attestation {
  const found = openAttestation(bundle, { publicKeyPem });
  if ('predicate' in found) return found;
  throw new Error(found.message);
}

describe('statements about own work', () => {
  it('say how a hardened version was made, and from which data', async () => {
    const [bundle, publicKeyPem] = await attestation(child, 'provenance');
    const { subjects, predicate } = opened(bundle, publicKeyPem);
    expect(subjects).toEqual([{ name: child.id, digest: child.digest }]);
    expect(predicate).toMatchObject({
      buildDefinition: {
        externalParameters: { method: 'pgd-at', epsilon: 0.1, epochs: 1, seed: 1 },
        resolvedDependencies: [model, data.test, data.train].map(({ id, digest }) => ({
          name: id,
          digest: { sha256: digest?.slice(7) },
        })),
      },
    });
  });

  it('follow an assessment that also tells how far members are known', async () => {
    const { store } = platform.running.platform.services;
    const step = await store.step(model.id, 'assess');
    const { auc, aucInterval, tprAtFpr001 } = (step?.result.membership ?? {}) as JsonObject;
    expect([typeof auc, typeof tprAtFpr001]).toEqual(['number', 'number']);
    const [low, high] = (aucInterval ?? []) as [number, number];
    expect(low <= Number(auc) && Number(auc) <= high && low >= 0 && high <= 1).toBe(true);
  });

  it('say what an assessment found', async () => {
    const [bundle, publicKeyPem] = await attestation(model, 'test-result');
    const { subjects, predicate } = opened(bundle, publicKeyPem);
    expect(subjects).toEqual([{ name: model.id, digest: model.digest }]);
    expect(isJsonObject(predicate) && predicate.configuration).toEqual([
      { name: data.test.id, digest: { sha256: data.test.digest?.slice(7) } },
    ]);
    expect(JSON.stringify(predicate)).toMatch(/"(PASSED|FAILED)"/);
  });

  it.skipIf(!hasPython)('hold before in-toto and cryptography, and not when changed', async () => {
    const asked = [
      [child, 'provenance', 'https://slsa.dev/provenance/v1'],
      [model, 'test-result', 'https://in-toto.io/attestation/test-result/v0.1'],
    ] as const;
    for (const [version, kind, type] of asked) {
      const [bundle, publicKey] = await attestation(version, kind);
      const [path, key] = [join(folder, `${kind}.json`), join(folder, 'key.pem')];
      writeFileSync(key, publicKey);
      const run = (text: string) => {
        writeFileSync(path, text);
        return spawnSync(python, ['-c', verify, path, key], { encoding: 'utf8' });
      };
      const { stdout, stderr } = run(bundle);
      expect([stdout.trim(), stderr]).toEqual([`${type} ${version.digest?.slice(7)}`, '']);
      const { payload } = JSON.parse(bundle).dsseEnvelope as { payload: string };
      const text = Buffer.from(payload, 'base64').toString();
      const other = Buffer.from(text.replace(version.id, version.id.replace(/^./, 'f')));
      const changed = run(bundle.replace(payload, other.toString('base64')));
      expect([changed.status, changed.stderr]).toEqual([1, expect.stringMatching(/InvalidSig/)]);
    }
  });
});
