/** `sign`, `verify`: signatures of folders (OpenSSF Model Signing). */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { systemClock, utf8 } from '@merlon/core';
import {
  bundleHashing,
  certificateSigner,
  certified,
  type Hashing,
  keySigner,
  type SignedFile,
  type Signer,
  signManifest,
  type Trust,
  verifyBundle,
} from '@merlon/vault';
import { PlatformError } from '../../errors.ts';
import { hashFiles } from '../../parallel/hash.ts';
import { hashRange } from '../../parallel/hash-range.ts';
import { below, filesBelow, once, readText, writeChunks } from '../files.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Verb } from '../verb.ts';

/** Signs a folder. */
export const signVerb: Verb = {
  name: 'sign',
  usage: 'DIR --key KEY.pem [-o model.sig]',
  does: 'signs a folder (OpenSSF Model Signing)',
  options: {
    key: { type: 'string', help: 'private key: P-256, P-384 or P-521 in PEM, or pkcs11:…' },
    'public-key': { type: 'string', help: 'public half in PEM of a key in a PKCS #11 device' },
    certificate: { type: 'string', help: 'certificate of the key and its issuers in PEM' },
    out: { type: 'string', short: 'o', help: 'signature file (default: DIR/model.sig)' },
  },
  run: async (args) => {
    const [folder = ''] = args.exactly('DIR');
    requireFolder(folder);
    const signer = await signerIn(args);
    const out = args.text('out') ?? join(folder, 'model.sig');
    const paths = pathsBelow(folder, out, false);
    const digests = await hashFiles(paths);
    const files = digests.map((digest, i) => ({ name: below(folder, paths[i] ?? ''), digest }));
    const inside = resolve(out).startsWith(resolve(folder));
    const bundle = signManifest(files, {
      modelName: basename(resolve(folder)),
      signer,
      ...(inside ? { ignorePaths: [...ignored, below(folder, out)] } : {}),
    });
    await writeChunks(out, once(utf8(bundle)));
    const json = { files: files.length, signature: out };
    return { exit: 0, json, text: `signed ${files.length} files: ${out}` };
  },
};

/** Verifies a signed folder. */
export const verifyVerb: Verb = {
  name: 'verify',
  usage: 'DIR --signature model.sig --key PUB.pem [--strict]',
  does: 'verifies the signature of a folder',
  options: {
    signature: { type: 'string', help: 'signature file' },
    key: { type: 'string', help: 'public key in PEM' },
    certificates: { type: 'string', help: 'trusted certificates in PEM, instead of a key' },
    strict: { type: 'boolean', help: 'refuse all that the standard forbids, and unsigned files' },
  },
  run: async (args) => {
    const [folder = ''] = args.exactly('DIR');
    requireFolder(folder);
    const path = args.needed('signature');
    const bundle = await readText(path, 'the signature');
    const trust = await trustIn(args);
    const hashing = bundleHashing(bundle);
    const strict = args.flag('strict');
    const paths = pathsBelow(folder, path, hashing.allowSymlinks && !strict);
    const verdict = verifyBundle(bundle, await signedFiles(folder, paths, hashing), {
      ...trust,
      strict,
      ignorePaths: [below(folder, path)],
      present: paths.map((each) => below(folder, each)),
    });
    const why = verdict.errors.map(({ message, name }) => {
      return name === undefined ? `  ${message}` : `  ${message}: ${name}`;
    });
    const text = verdict.valid ? `valid: ${verdict.files} files` : `NOT valid:\n${why.join('\n')}`;
    return { exit: verdict.valid ? 0 : 1, json: verdict, text };
  },
};

const ignored = ['.git', '.gitattributes', '.github', '.gitignore'];

async function signerIn(args: Arguments): Promise<Signer> {
  const key = args.needed('key');
  const path = args.text('certificate');
  const chain = path === undefined ? undefined : await readText(path, 'the certificate');
  if (!key.startsWith('pkcs11:')) {
    const pem = await readText(key, 'the key');
    return chain === undefined ? keySigner(pem) : certificateSigner(pem, chain);
  }
  const { pkcs11Signer, readPkcs11Uri } = await import('../../keys/providers/pkcs11.ts');
  const { MERLON_PKCS11_PIN: pin, MERLON_PKCS11_MODULE: module } = process.env;
  if (pin === undefined) throw usage('the PIN of the token is needed in MERLON_PKCS11_PIN');
  const publicKey = await readText(args.needed('public-key'), 'the public key');
  const signer = await pkcs11Signer(readPkcs11Uri(key, module), pin, publicKey);
  return chain === undefined ? signer : certified(signer, chain, signer.isOwn);
}

async function trustIn(args: Arguments): Promise<Trust> {
  const certificates = args.text('certificates');
  const key = args.text('key');
  if ((certificates === undefined) === (key === undefined)) {
    throw usage('"--key" is needed, or "--certificates" instead of it');
  }
  if (certificates === undefined) {
    return { publicKeyPem: await readText(args.needed('key'), 'the key') };
  }
  const certificatesPem = await readText(certificates, 'the certificates');
  return { certificatesPem, atMs: systemClock.nowMs() };
}

/** All files below a folder but the signature; links only where a signature follows them. */
function pathsBelow(folder: string, signature: string, followLinks: boolean): string[] {
  const paths: string[] = [];
  for (const { path, special } of filesBelow([folder])) {
    if (resolve(path) === resolve(signature)) continue;
    if (special && !(followLinks && isLinkToFile(path))) {
      throw new PlatformError('bad-request', `"${path}" is a link; sign plain files only`, {
        hint: 'put the file itself in its place',
      });
    }
    paths.push(path);
  }
  return paths;
}

function isLinkToFile(path: string): boolean {
  const target = statSync(path, { throwIfNoEntry: false });
  return lstatSync(path).isSymbolicLink() && target?.isFile() === true;
}

async function signedFiles(
  folder: string,
  paths: readonly string[],
  hashing: Hashing,
): Promise<SignedFile[]> {
  if (hashing.algorithm === 'sha256' && hashing.shardBytes === null) {
    const digests = await hashFiles(paths);
    return digests.map((digest, i) => ({ name: below(folder, paths[i] ?? ''), digest }));
  }
  return paths.flatMap((path) => {
    const name = below(folder, path);
    const { size } = statSync(path);
    const step = hashing.shardBytes;
    if (step === null) {
      return [{ name, digest: hashRange(path, { start: 0, end: size }, hashing.algorithm) }];
    }
    return Array.from({ length: Math.ceil(size / step) }, (_, i) => {
      const range = { start: i * step, end: Math.min(size, (i + 1) * step) };
      const digest = hashRange(path, range, hashing.algorithm);
      return { name: `${name}:${range.start}:${range.end}`, digest };
    });
  });
}

function requireFolder(path: string): void {
  try {
    readdirSync(path);
  } catch (cause) {
    throw new PlatformError('bad-request', `DIR expected a folder, got "${path}"`, {
      hint: 'name the folder that holds the files of the model',
      cause,
    });
  }
}
