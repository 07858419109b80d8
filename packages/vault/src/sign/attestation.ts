/**
 * What Merlon says of its own work, in in-toto statements by the same signer: how a version was
 * made (SLSA provenance v1) and what an assessment found (test result v0.1).
 */
import { type Digest, digestHex, isJsonObject, type Json, type JsonObject } from '@merlon/core';
import { type EnvelopeError, openEnvelope, signEnvelope, type Trust } from './dsse.ts';
import type { Signer } from './signer.ts';

/** What a statement is about, by digest. */
export interface Subject {
  readonly name: string;
  readonly digest: Digest;
}

/** How something was made. */
export interface Provenance {
  readonly subject: Subject;
  /** What kind of making, as an address that names it. */
  readonly buildType: string;
  /** Settings that decide the result. */
  readonly parameters: JsonObject;
  /** What went in: the parent version, the data. */
  readonly materials: readonly Subject[];
  /** Who made it, as an address. */
  readonly builderId: string;
  readonly invocationId: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** What an assessment found. */
export interface TestResult {
  readonly subject: Subject;
  readonly result: 'PASSED' | 'WARNED' | 'FAILED';
  /** What was run, and with which data. */
  readonly configuration: readonly Subject[];
  readonly passedTests: readonly string[];
  readonly warnedTests: readonly string[];
  readonly failedTests: readonly string[];
}

/** A verified statement. */
export interface Attestation {
  readonly predicateType: string;
  readonly subjects: readonly Subject[];
  readonly predicate: JsonObject;
}

const statementType = 'https://in-toto.io/Statement/v1';
const provenanceType = 'https://slsa.dev/provenance/v1';
const testResultType = 'https://in-toto.io/attestation/test-result/v0.1';

/** The statement of a provenance (SLSA v1.0, "Provenance"). */
export function provenanceStatement(made: Provenance): JsonObject {
  return statement(made.subject, provenanceType, {
    buildDefinition: {
      buildType: made.buildType,
      externalParameters: made.parameters,
      internalParameters: {},
      resolvedDependencies: made.materials.map(descriptor),
    },
    runDetails: {
      builder: { id: made.builderId },
      metadata: {
        invocationId: made.invocationId,
        startedOn: made.startedAt,
        finishedOn: made.finishedAt,
      },
    },
  });
}

/** The statement of a test result (in-toto attestation, "test-result" v0.1). */
export function testResultStatement(found: TestResult): JsonObject {
  return statement(found.subject, testResultType, {
    result: found.result,
    configuration: found.configuration.map(descriptor),
    passedTests: found.passedTests,
    warnedTests: found.warnedTests,
    failedTests: found.failedTests,
  });
}

/** A statement, signed, as the text of a bundle. */
export function signAttestation(content: JsonObject, signer: Signer): string {
  return signEnvelope(JSON.stringify(content), signer);
}

/**
 * The statement of a bundle whose signature holds, or why it does not. Throws `bad-key` for a
 * trusted key or certificate that is none.
 */
export function openAttestation(bundleText: string, trust: Trust): Attestation | EnvelopeError {
  const opened = openEnvelope(bundleText, trust);
  if ('code' in opened) return opened;
  const { payload } = opened;
  if (!isJsonObject(payload) || payload._type !== statementType) {
    return { code: 'unsupported', message: `payload expected "_type" ${statementType}` };
  }
  const subjects = (Array.isArray(payload.subject) ? payload.subject : []).map(subjectOf);
  const { predicateType, predicate } = payload;
  const sound = subjects.length > 0 && subjects.every((each) => each !== null);
  if (!sound || typeof predicateType !== 'string' || !isJsonObject(predicate)) {
    return { code: 'unsupported', message: 'payload expected subjects and a predicate' };
  }
  return { predicateType, subjects, predicate };
}

function statement(subject: Subject, predicateType: string, predicate: JsonObject): JsonObject {
  return { _type: statementType, subject: [descriptor(subject)], predicateType, predicate };
}

function descriptor({ name, digest }: Subject): JsonObject {
  return { name, digest: { sha256: digestHex(digest) } };
}

function subjectOf(value: Json): Subject | null {
  if (!isJsonObject(value) || typeof value.name !== 'string') return null;
  const sha256 = isJsonObject(value.digest) ? value.digest.sha256 : undefined;
  const sound = typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
  return sound ? { name: value.name, digest: `sha256:${sha256}` as Digest } : null;
}
