/** Provenance and test results: signed, read back, refused when changed. */
import { base64, digestOf, fromBase64, fromUtf8, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  generateSigningKey,
  keySigner,
  openAttestation,
  provenanceStatement,
  signAttestation,
  testResultStatement,
} from '../../src/index.ts';

const { privateKeyPem, publicKeyPem } = generateSigningKey();
const subject = { name: 'fraud-scorer', digest: digestOf(utf8('model')) };
const data = { name: 'loans', digest: digestOf(utf8('data')) };
const provenance = provenanceStatement({
  subject,
  buildType: 'https://merlon.dev/build/harden/v1',
  parameters: { method: 'pgd-at', epsilon: 0.2 },
  materials: [data],
  builderId: 'https://merlon.dev/builder/v1',
  invocationId: 'job-1',
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:01:00Z',
});

describe('attestations', () => {
  it('say in SLSA v1 how something was made', () => {
    const bundle = signAttestation(provenance, keySigner(privateKeyPem));
    expect(openAttestation(bundle, { publicKeyPem })).toEqual({
      predicateType: 'https://slsa.dev/provenance/v1',
      subjects: [subject],
      predicate: {
        buildDefinition: {
          buildType: 'https://merlon.dev/build/harden/v1',
          externalParameters: { method: 'pgd-at', epsilon: 0.2 },
          internalParameters: {},
          resolvedDependencies: [{ name: 'loans', digest: { sha256: data.digest.slice(7) } }],
        },
        runDetails: {
          builder: { id: 'https://merlon.dev/builder/v1' },
          metadata: {
            invocationId: 'job-1',
            startedOn: '2026-01-01T00:00:00Z',
            finishedOn: '2026-01-01T00:01:00Z',
          },
        },
      },
    });
  });

  it('say what tests found', () => {
    const statement = testResultStatement({
      subject,
      result: 'FAILED',
      configuration: [data],
      passedTests: ['clean accuracy'],
      warnedTests: [],
      failedTests: ['robust accuracy'],
    });
    const bundle = signAttestation(statement, keySigner(privateKeyPem));
    expect(openAttestation(bundle, { publicKeyPem })).toMatchObject({
      predicateType: 'https://in-toto.io/attestation/test-result/v0.1',
      predicate: { result: 'FAILED', failedTests: ['robust accuracy'] },
    });
  });

  it('do not hold for another key, another content, or no statement', () => {
    const bundle = signAttestation(provenance, keySigner(privateKeyPem));
    const other = { publicKeyPem: generateSigningKey().publicKeyPem };
    expect(openAttestation(bundle, other)).toMatchObject({ code: 'wrong-key' });
    const parsed = JSON.parse(bundle);
    const text = fromUtf8(fromBase64(parsed.dsseEnvelope.payload)).replace('0.2', '0.3');
    parsed.dsseEnvelope.payload = base64(utf8(text));
    const changed = openAttestation(JSON.stringify(parsed), { publicKeyPem });
    expect(changed).toMatchObject({ code: 'bad-signature' });
    const odd = signAttestation({ a: 1 }, keySigner(privateKeyPem));
    expect(openAttestation(odd, { publicKeyPem })).toMatchObject({ code: 'unsupported' });
  });
});
