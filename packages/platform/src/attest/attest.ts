/**
 * Signed statements about Merlon's own work: how a hardened version was made (SLSA provenance) and
 * what an assessment found (test result), by the key that signs the workspace's versions.
 */
import { isJsonObject, type JsonObject, toDigest } from '@merlon/core';
import {
  keySigner,
  provenanceStatement,
  type Subject,
  signAttestation,
  testResultStatement,
} from '@merlon/vault';
import { approvalPolicy } from '../approval.ts';
import type { Version } from '../model.ts';
import type { Services } from '../services.ts';
import { attestationMeta } from '../store/names.ts';

/** Work that ended. */
export interface Finished {
  readonly step: string;
  readonly jobId: string;
  readonly version: Version;
  readonly input: JsonObject;
  readonly result: JsonObject;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** Kinds of statements, as they are asked for. */
export const attestationKinds = ['provenance', 'test-result'] as const;

/** A statement to be kept under a key of `meta`. */
export interface KeptAttestation {
  readonly key: string;
  readonly bundle: string;
}

/** The statement that a finished step deserves; null for steps that make and judge nothing. */
export async function attest(services: Services, done: Finished): Promise<KeptAttestation | null> {
  const made = await statementOf(services, done);
  if (made === null) return null;
  const key = await services.keys.shared(done.version.workspaceId, 'signing');
  const signer = keySigner(await services.keys.secret(key));
  return { key: made.key, bundle: signAttestation(made.statement, signer) };
}

async function statementOf(
  services: Services,
  done: Finished,
): Promise<{ key: string; statement: JsonObject } | null> {
  const { result } = done;
  if (done.step === 'assess' && done.version.digest !== null) {
    const key = attestationMeta(done.version.id, 'test-result');
    return { key, statement: await testResult(services, done) };
  }
  if (done.step !== 'harden' || typeof result.childDigest !== 'string') return null;
  const childId = String(result.childId);
  const key = attestationMeta(childId, 'provenance');
  return { key, statement: await provenance(services, done, childId) };
}

async function provenance(
  { store }: Services,
  done: Finished,
  childId: string,
): Promise<JsonObject> {
  const materials: Subject[] = [subjectOf(done.version)];
  for (const { dataVersionId } of await store.dataLinks(done.version.id)) {
    const data = await store.version(dataVersionId);
    if (data?.digest) materials.push(subjectOf(data));
  }
  return provenanceStatement({
    subject: { name: childId, digest: toDigest(String(done.result.childDigest)) },
    buildType: 'https://merlon.dev/build/harden/v1',
    parameters: { ...done.input, method: done.result.method ?? null },
    materials,
    builderId: 'https://merlon.dev/builder/v1',
    invocationId: done.jobId,
    startedAt: done.startedAt,
    finishedAt: done.finishedAt,
  });
}

/** A version passes when what was measured meets the workspace's policy of approval. */
async function testResult({ store }: Services, done: Finished): Promise<JsonObject> {
  const policy = await approvalPolicy(store, done.version.workspaceId);
  const checks: [string, unknown, number][] = [
    ['clean accuracy', done.result.cleanAccuracy, policy.cleanAccuracyMin],
    ['robust accuracy', done.result.robustAccuracy, policy.robustAccuracyMin ?? 0],
  ];
  const attacks = Array.isArray(done.result.attacks)
    ? done.result.attacks.filter(isJsonObject)
    : [];
  const named = attacks.map(({ name, robustAccuracy }) => `${name}: ${robustAccuracy}`);
  const passes = ([, value, min]: (typeof checks)[number]): boolean =>
    typeof value === 'number' && value >= min;
  const told = ([name, value, min]: (typeof checks)[number]): string =>
    `${name} ${value} (policy: at least ${min})`;
  const configuration: Subject[] = [];
  for (const { dataVersionId, use } of await store.dataLinks(done.version.id)) {
    const data = use === 'test' ? await store.version(dataVersionId) : null;
    if (data?.digest) configuration.push(subjectOf(data));
  }
  return testResultStatement({
    subject: subjectOf(done.version),
    result: checks.every(passes) ? 'PASSED' : 'FAILED',
    configuration,
    passedTests: checks.filter(passes).map(told),
    warnedTests: named,
    failedTests: checks.filter((check) => !passes(check)).map(told),
  });
}

function subjectOf(version: Version): Subject {
  return { name: version.id, digest: toDigest(version.digest ?? '') };
}
