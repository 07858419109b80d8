/** Signatures by certificates: chains that hold, and each way in which one does not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { certificateSigner, signManifest, verifyBundle } from '../../src/index.ts';
import { withFolder } from '../support.ts';
import { authority, forSigning, makeCertificate, openssl } from './certificates.ts';

if (openssl === null) console.warn('skipped: no "openssl" command on PATH or in OPENSSL');
const files = [{ name: 'model.onnx', digest: digestOf(utf8('model')) }];
const atMs = Date.UTC(2026, 10, 25);

describe.skipIf(openssl === null)('certificates', () => {
  it('hold in every curve, and tell what is wrong with them', { timeout: 60_000 }, () =>
    withFolder((folder) => {
      const pem = (name: string) => readFileSync(join(folder, `${name}.pem`), 'utf8');
      const key = (name: string) => readFileSync(join(folder, `${name}.key`), 'utf8');
      const make = (name: string, issuer: string, extensions = forSigning, more = {}) =>
        makeCertificate(folder, { name, issuer, extensions, ...more });
      make('root', 'root', authority, { curve: 'P-384' });
      make('stranger', 'stranger', authority);
      make('middle', 'root', authority);
      make('narrow', 'root', [
        'basicConstraints=critical,CA:TRUE,pathlen:0',
        'keyUsage=critical,keyCertSign',
      ]);
      make('below', 'narrow', authority);
      for (const curve of ['P-256', 'P-384', 'P-521']) make(curve, 'middle', forSigning, { curve });
      make('direct', 'root');
      make('expired', 'middle', forSigning, { to: '20260101000000Z' });
      make('future', 'middle', forSigning, { from: '20300101000000Z' });
      make('server', 'middle', [
        'basicConstraints=CA:FALSE',
        'keyUsage=critical,keyAgreement',
        'extendedKeyUsage=serverAuth',
      ]);
      make('untold', 'middle', ['basicConstraints=CA:FALSE']);
      make('child', 'direct');
      make('deep', 'below');
      const verdict = (name: string, chain: readonly string[], root = 'root', now = atMs) => {
        const certificates = [name, ...chain].map(pem).join('');
        const signer = certificateSigner(key(name), certificates);
        const bundle = signManifest(files, { modelName: 'm', signer });
        const options = { certificatesPem: pem(root), atMs: now, strict: true };
        const { valid, errors } = verifyBundle(bundle, files, options);
        return valid ? 'valid' : errors.map(({ code, message }) => `${code}: ${message}`).join();
      };
      for (const curve of ['P-256', 'P-384', 'P-521']) {
        expect(verdict(curve, ['middle'])).toBe('valid');
        expect(verdict(curve, ['middle', 'root'])).toBe('valid');
        expect(verdict(curve, [], 'middle')).toBe('valid');
      }
      expect(verdict('direct', [])).toBe('valid');
      const refusals: [string, string[], RegExp, string?, number?][] = [
        ['P-256', [], /nobody who is trusted vouches for "P-256"/],
        ['P-256', ['middle'], /nobody who is trusted vouches for "middle"/, 'stranger'],
        ['expired', ['middle'], /"expired" has expired/],
        ['future', ['middle'], /"future" is not valid yet/],
        ['P-256', ['middle'], /"P-256" has expired/, 'root', Date.UTC(2041, 0)],
        ['server', ['middle'], /"server" is not for signing/],
        ['untold', ['middle'], /"untold" is not for signing/],
        ['child', ['direct'], /nobody who is trusted vouches for "child"/],
        ['deep', ['below', 'narrow'], /"narrow" may not issue/],
      ];
      for (const [name, chain, said, root, now] of refusals) {
        expect(verdict(name, chain, root, now)).toMatch(said);
        expect(verdict(name, chain, root, now)).toMatch(/^bad-certificate: /);
      }
      expect(() => certificateSigner(key('P-256'), pem('P-384'))).toThrow(
        'that of the signing key',
      );
      expect(() => certificateSigner(key('P-256'), 'none')).toThrow('expected certificates in PEM');
      const bundle = signManifest(files, { modelName: 'm', privateKeyPem: key('P-256') });
      const byKey = verifyBundle(bundle, files, { certificatesPem: pem('root'), atMs });
      expect(byKey.errors[0]?.code).toBe('unsupported');
    }),
  );
});
