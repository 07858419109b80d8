/** Signing folders: what verifies, and everything that must not. */
import { base64, type Digest, digestHex, digestOf, fromBase64, fromUtf8, utf8 } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BundleVerdict,
  type Curve,
  generateSigningKey,
  inSpecificationOrder,
  publicKeyOf,
  rootDigest,
  type SignedFile,
  signManifest,
  type VerifyOptions,
  verifyBundle,
} from '../../src/index.ts';

interface Bundle {
  mediaType: string;
  verificationMaterial: { publicKey?: { hint?: string }; tlogEntries?: unknown[] };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
}

const { privateKeyPem, publicKeyPem } = generateSigningKey();
const file = (name: string, content = name): SignedFile => ({
  name,
  digest: digestOf(utf8(content)),
});
const files = [file('sub-c.txt'), file('sub/b.bin'), file('weights.onnx'), file('a')];
const bundle = signManifest(files, { modelName: 'digits', privateKeyPem });

function check(text: string, now = files, options: Partial<VerifyOptions> = {}): BundleVerdict {
  return verifyBundle(text, now, { publicKeyPem, ...options });
}

function edited(edit: (bundle: Bundle) => void): string {
  const copy = JSON.parse(bundle) as Bundle;
  edit(copy);
  return JSON.stringify(copy);
}

function payloadOf(text: string): Record<string, unknown> & { predicate: { resources: [] } } {
  return JSON.parse(fromUtf8(fromBase64((JSON.parse(text) as Bundle).dsseEnvelope.payload)));
}

const codes = (verdict: BundleVerdict): string[] => verdict.errors.map((error) => error.code);

describe('a bundle', () => {
  it('has the form of the specification', () => {
    const parsed = JSON.parse(bundle) as Bundle;
    expect(parsed).toMatchObject({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { tlogEntries: [] },
      dsseEnvelope: { payloadType: 'application/vnd.in-toto+json', signatures: [{ keyid: '' }] },
    });
    expect(parsed.verificationMaterial.publicKey?.hint).toBe(
      digestHex(digestOf(utf8(publicKeyPem))),
    );
    const ordered = [file('a'), file('sub-c.txt'), file('sub/b.bin'), file('weights.onnx')];
    expect(payloadOf(bundle)).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'digits', digest: { sha256: digestHex(rootDigest(ordered)) } }],
      predicateType: 'https://model_signing/signature/v1.0',
      predicate: {
        serialization: {
          method: 'files',
          hash_type: 'sha256',
          allow_symlinks: false,
          ignore_paths: ['.git', '.gitattributes', '.github', '.gitignore'],
        },
        resources: ordered.map(({ name, digest }) => ({
          name,
          algorithm: 'sha256',
          digest: digest.slice(7),
        })),
      },
    });
  });

  it('verifies, whatever the order of the files', () => {
    expect(check(bundle, [...files].reverse())).toEqual({
      valid: true,
      root: rootDigest(inSpecificationOrder(files)),
      modelName: 'digits',
      files: 4,
      ignored: [],
      errors: [],
    });
  });

  it.each(['P-256', 'P-384', 'P-521'] satisfies Curve[])('is signed with %s', (curve) => {
    const pair = generateSigningKey({ curve });
    const text = signManifest(files, { modelName: 'm', privateKeyPem: pair.privateKeyPem });
    expect(publicKeyOf(pair.privateKeyPem)).toBe(pair.publicKeyPem);
    expect(verifyBundle(text, files, { publicKeyPem: pair.publicKeyPem }).valid).toBe(true);
    expect(codes(verifyBundle(text, files, { publicKeyPem }))).toEqual(['wrong-key']);
  });

  it('orders names by code points', () => {
    const names = ['\u{1F600}', '\uFFFD', 'a', 'B', 'a/b', 'a-b'];
    const ordered = inSpecificationOrder(names.map((name) => file(name))).map((f) => f.name);
    expect(ordered).toEqual(['B', 'a', 'a-b', 'a/b', '\uFFFD', '\u{1F600}']);
  });

  it('verifies for any tree, and for no other', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}(\/[a-z]{1,3}){0,2}$/), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        names,
        fc.nat(),
        fc.constantFrom('change', 'drop', 'add', 'rename'),
        (n, at, how) => {
          const tree = n.map((name) => file(name));
          const text = signManifest(tree, { modelName: 'm', privateKeyPem });
          expect(check(text, tree).valid).toBe(true);
          const target = at % tree.length;
          const other = tree.flatMap((each, i) => {
            if (i !== target) return [each];
            if (how === 'change') return [file(each.name, 'other')];
            if (how === 'add') return [each, file('UPPER')];
            return how === 'drop' ? [] : [{ ...each, name: `${each.name}X` }];
          });
          expect(check(text, other).valid).toBe(false);
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });
});

describe('tampering', () => {
  const with_ = (name: string, digest: Digest) =>
    files.map((each) => (each.name === name ? { name, digest } : each));
  const table: [string, () => BundleVerdict, string[]][] = [
    ['a changed file', () => check(bundle, with_('a', digestOf(utf8('z')))), ['file-changed']],
    ['an added file', () => check(bundle, [...files, file('new')]), ['file-added']],
    ['a removed file', () => check(bundle, files.slice(1)), ['file-missing']],
    [
      'a renamed file',
      () => check(bundle, [...files.slice(1), { ...file('sub-c.txt'), name: 'sub-d.txt' }]),
      ['file-missing', 'file-added'],
    ],
    [
      'a wrong hint',
      () => check(edited((b) => (b.verificationMaterial = { publicKey: { hint: 'ab' } }))),
      ['wrong-key'],
    ],
    [
      'a wrong payloadType',
      () => check(edited((b) => (b.dsseEnvelope.payloadType = 'text/plain'))),
      ['bad-bundle'],
    ],
    [
      'a wrong mediaType',
      () => check(edited((b) => (b.mediaType = 'application/json'))),
      ['bad-bundle'],
    ],
    [
      'another key',
      () => check(bundle, files, { publicKeyPem: generateSigningKey().publicKeyPem }),
      ['wrong-key'],
    ],
    [
      'another key without a hint',
      () =>
        check(
          edited((b) => (b.verificationMaterial = { publicKey: {} })),
          files,
          { publicKeyPem: generateSigningKey().publicKeyPem },
        ),
      ['bad-signature'],
    ],
    [
      'a second signature',
      () => check(edited((b) => b.dsseEnvelope.signatures.push({ sig: 'AAAA' }))),
      ['bad-bundle'],
    ],
    ['no signature', () => check(edited((b) => (b.dsseEnvelope.signatures = []))), ['bad-bundle']],
    ['a certificate', () => check(edited((b) => (b.verificationMaterial = {}))), ['unsupported']],
    ['no JSON', () => check('{'), ['bad-bundle']],
    ['JSON null', () => check('null'), ['bad-bundle']],
  ];
  it.each(table)('%s is told', (_, verdict, expected) => {
    const { valid, errors } = verdict();
    expect(valid).toBe(false);
    expect(errors.map((error) => error.code)).toEqual(expected);
  });

  it('of any payload or signature byte is told', () => {
    for (const part of ['payload', 'sig'] as const) {
      const whole = JSON.parse(bundle) as Bundle;
      const text = part === 'payload' ? whole.dsseEnvelope.payload : undefined;
      const bytes = fromBase64(text ?? whole.dsseEnvelope.signatures[0]?.sig ?? '');
      for (let at = 0; at < bytes.length; at += 7) {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        const wrong = edited((b) => {
          if (part === 'payload') b.dsseEnvelope.payload = base64(changed);
          else b.dsseEnvelope.signatures = [{ sig: base64(changed) }];
        });
        expect(codes(check(wrong))).toEqual(['bad-signature']);
      }
    }
  });

  it('an old bundle without a hint still verifies', () => {
    expect(check(edited((b) => (b.verificationMaterial = { publicKey: {} }))).valid).toBe(true);
  });
});

describe('ignored paths', () => {
  const planted = [...files, file('.git/hooks/run'), file('model.sig'), file('.gitignored')];
  it('are listed, and refused when strict', () => {
    const lenient = check(bundle, planted.slice(0, 5));
    expect(lenient).toMatchObject({ valid: true, ignored: ['.git/hooks/run'] });
    const strict = check(bundle, planted.slice(0, 5), { strict: true });
    expect(strict.errors).toEqual([
      { code: 'file-ignored', message: 'left out of the signature', name: '.git/hooks/run' },
    ]);
  });
  it('match whole steps only, and the caller may add the signature file', () => {
    const verdict = check(bundle, planted, { ignorePaths: ['model.sig'] });
    expect(codes(verdict)).toEqual(['file-added']);
    expect(verdict.errors[0]?.name).toBe('.gitignored');
    expect(verdict.ignored).toEqual(['.git/hooks/run', 'model.sig']);
  });
  it('are left out when signing', () => {
    const options = { modelName: 'm', privateKeyPem, ignorePaths: ['sub', 'model.sig'] };
    const text = signManifest(planted, options);
    const names = payloadOf(text).predicate.resources.map((each: { name: string }) => each.name);
    expect(names).not.toContain('sub/b.bin');
    expect(names).toContain('.git/hooks/run');
  });
});

describe('refusals', () => {
  it('tells every fault of the names at once', () => {
    const bad = [file('/abs'), file('a/../b'), file('x'), file('x'), file('.')];
    expect(() => signManifest(bad, { modelName: 'a/b', privateKeyPem })).toThrow(
      expect.objectContaining({
        code: 'bad-manifest',
        message:
          '"modelName" expected a folder\'s name, got "a/b"; ' +
          'expected a path below the model\'s folder, got "."; ' +
          'expected a path below the model\'s folder, got "/abs"; ' +
          'expected a path below the model\'s folder, got "a/../b"; ' +
          'expected each file once, got "x" twice',
      }),
    );
    expect(() => signManifest([], { modelName: 'm', privateKeyPem })).toThrow(
      'expected at least one file, got none',
    );
  });
  it('refuses keys that are none or of another kind', () => {
    const sign = (key: string) => signManifest(files, { modelName: 'm', privateKeyPem: key });
    expect(() => sign('nonsense')).toThrow('expected an unencrypted EC private key in PEM');
    expect(() => sign(publicKeyPem)).toThrow(expect.objectContaining({ code: 'bad-key' }));
    expect(() => check(bundle, files, { publicKeyPem: '' })).toThrow('expected an unencrypted EC');
  });
});
