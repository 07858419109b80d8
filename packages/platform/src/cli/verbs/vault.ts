/** `keys`, `seal`, `open`, `sign`, `verify`: the vault on plain files. */
import { readdirSync, statSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { isoTime, systemClock, utf8 } from '@merlon/core';
import {
  armor,
  formatIdentity,
  generateIdentity,
  isRecipient,
  type OpenIdentity,
  open,
  parseIdentities,
  passphraseIdentity,
  passphraseRecipient,
  type SealRecipient,
  type SignedFile,
  seal,
  signManifest,
  verifyBundle,
} from '@merlon/vault';
import { PlatformError } from '../../errors.ts';
import { openFile, sealFile } from '../../parallel/files.ts';
import { hashFiles } from '../../parallel/hash.ts';
import { type ParallelOptions, parallelBytesMin } from '../../parallel/threads.ts';
import {
  below,
  chunksOf,
  filesBelow,
  once,
  openSource,
  readText,
  requireFile,
  writeChunks,
  writeWhole,
} from '../files.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Terminal, Verb, VerbResult } from '../verb.ts';

/** Makes age identities. */
export const keysVerb: Verb = {
  name: 'keys',
  usage: 'new [-o FILE]',
  does: 'makes an age identity file and prints its recipient',
  options: {
    out: { type: 'string', short: 'o', help: 'identity file (default: standard output)' },
    classic: { type: 'boolean', help: 'X25519 instead of the post-quantum hybrid' },
  },
  run: async (args) => {
    const [what] = args.exactly('"new"');
    if (what !== 'new') {
      throw new PlatformError('not-built', `"keys ${what}" is not built yet`, {
        hint: 'it will be here: list, rotate, destroy',
      });
    }
    const pair = await generateIdentity({ postQuantum: !args.flag('classic') });
    const text = formatIdentity(pair, isoTime(systemClock.nowMs()));
    const out = args.text('out');
    if (out === undefined) return { exit: 0, json: { recipient: pair.recipient }, raw: text };
    await writeChunks(out, once(utf8(text)));
    return { exit: 0, json: { recipient: pair.recipient }, text: pair.recipient };
  },
};

/** Seals a file. */
export const sealVerb: Verb = {
  name: 'seal',
  usage: 'FILE -r RECIPIENT… [-o OUT]',
  does: 'seals a file (age v1); - is standard input or output',
  options: {
    recipient: {
      type: 'string',
      short: 'r',
      multiple: true,
      help: 'age1…, age1pq1… or a public SSH line',
    },
    'passphrase-file': { type: 'string', help: 'file with a passphrase, instead of a recipient' },
    armor: { type: 'boolean', short: 'a', help: 'write text instead of bytes' },
    out: { type: 'string', short: 'o', help: 'sealed file (default: FILE.age)' },
  },
  run: async (args, terminal) => {
    const [file = ''] = args.exactly('FILE');
    const recipients = await recipientsIn(args);
    const out = args.text('out') ?? (file === '-' ? '-' : `${file}.age`);
    refuseSame(file, out);
    const plain = !args.flag('armor') && isLarge(file) && out !== '-';
    if (plain) {
      return timed(out, (written) => {
        return sealFile(file, written, recipients, watched(terminal, file, 'sealing'));
      });
    }
    const sealed = seal(chunksOf(file), { recipients });
    return timed(out, args.flag('armor') ? armor(sealed) : sealed);
  },
};

/** Opens a sealed file. */
export const openVerb: Verb = {
  name: 'open',
  usage: 'FILE -i IDENTITY_FILE [-o OUT]',
  does: 'opens a sealed file (age v1); - is standard input or output',
  options: {
    identity: {
      type: 'string',
      short: 'i',
      multiple: true,
      help: 'file with age identities, or a private SSH key',
    },
    'passphrase-file': { type: 'string', help: 'file with the passphrase' },
    out: { type: 'string', short: 'o', help: 'clear file (default: FILE without .age)' },
  },
  run: async (args, terminal) => {
    const [file = ''] = args.exactly('FILE');
    const identities = await identitiesIn(args);
    const bare = file.endsWith('.age') ? file.slice(0, -4) : undefined;
    const out = args.text('out') ?? (file === '-' ? '-' : bare);
    if (out === undefined) throw usage('"--out" is needed, since FILE does not end in .age');
    refuseSame(file, out);
    if (isLarge(file) && out !== '-' && !(await isArmored(file))) {
      return timed(out, (written) => {
        return openFile(file, written, identities, watched(terminal, file, 'opening'));
      });
    }
    return timed(out, open(chunksOf(file), { identities }));
  },
};

/** Signs a folder. */
export const signVerb: Verb = {
  name: 'sign',
  usage: 'DIR --key KEY.pem [-o model.sig]',
  does: 'signs a folder (OpenSSF Model Signing)',
  options: {
    key: { type: 'string', help: 'private key: P-256, P-384 or P-521 in PEM' },
    out: { type: 'string', short: 'o', help: 'signature file (default: DIR/model.sig)' },
  },
  run: async (args) => {
    const [folder = ''] = args.exactly('DIR');
    requireFolder(folder);
    const privateKeyPem = await readText(args.needed('key'), 'the key');
    const out = args.text('out') ?? join(folder, 'model.sig');
    const files = await manifestOf(folder, out);
    const inside = resolve(out).startsWith(resolve(folder));
    const bundle = signManifest(files, {
      modelName: basename(resolve(folder)),
      privateKeyPem,
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
    strict: { type: 'boolean', help: 'refuse files that the signature leaves out' },
  },
  run: async (args) => {
    const [folder = ''] = args.exactly('DIR');
    requireFolder(folder);
    const path = args.needed('signature');
    const bundle = await readText(path, 'the signature');
    const publicKeyPem = await readText(args.needed('key'), 'the key');
    const files = await manifestOf(folder, path);
    const verdict = verifyBundle(bundle, files, {
      publicKeyPem,
      strict: args.flag('strict'),
      ignorePaths: [below(folder, path)],
    });
    const why = verdict.errors.map((error) => `  ${error.message}`).join('\n');
    const text = verdict.valid ? `valid: ${verdict.files} files` : `NOT valid:\n${why}`;
    return { exit: verdict.valid ? 0 : 1, json: verdict, text };
  },
};

const ignored = ['.git', '.gitattributes', '.github', '.gitignore'];

async function manifestOf(folder: string, signature: string): Promise<SignedFile[]> {
  const paths: string[] = [];
  for (const { path, special } of filesBelow([folder])) {
    if (resolve(path) === resolve(signature)) continue;
    if (special)
      throw new PlatformError('bad-request', `"${path}" is a link; sign plain files only`);
    paths.push(path);
  }
  const digests = await hashFiles(paths);
  return digests.map((digest, i) => ({ name: below(folder, paths[i] ?? ''), digest }));
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

async function recipientsIn(args: Arguments): Promise<SealRecipient[]> {
  const passphrase = await passphraseIn(args);
  const named = args.texts('recipient');
  if (passphrase === null && named.length === 0) {
    throw usage('"--recipient" is needed at least once');
  }
  for (const each of named) {
    if (!isRecipient(each)) {
      throw usage(`"--recipient" expected age1… or ssh-…, got "${each.slice(0, 20)}"`);
    }
  }
  return passphrase === null ? [...named] : [...named, passphraseRecipient(passphrase)];
}

/** The first line of the passphrase file: what an editor adds at the end is no part of it. */
async function passphraseIn(args: Arguments): Promise<string | null> {
  const path = args.text('passphrase-file');
  if (path === undefined) return null;
  const [line = ''] = (await readText(path, 'the passphrase file')).split(/\r?\n/);
  return line;
}

/** Writing over the input would leave neither when anything goes wrong. */
function refuseSame(file: string, out: string): void {
  if (out !== '-' && file !== '-' && resolve(file) === resolve(out)) {
    throw usage(`"--out" expected another file than the input, got "${out}"`);
  }
}

async function identitiesIn(args: Arguments): Promise<OpenIdentity[]> {
  const identities: OpenIdentity[] = [];
  for (const path of args.texts('identity')) {
    identities.push(...(await parseIdentities(await readText(path, 'the identity file'))));
  }
  const passphrase = await passphraseIn(args);
  if (passphrase !== null) identities.push(passphraseIdentity(passphrase));
  if (identities.length === 0) throw usage('"--identity" is needed');
  return identities;
}

/** Threads write at places of their own, so both ends must be plain files. */
function isLarge(file: string): boolean {
  if (file === '-') return false;
  requireFile(file, 'the input');
  const { size } = statSync(file);
  return statSync(file).isFile() && size >= parallelBytesMin;
}

async function isArmored(file: string): Promise<boolean> {
  const source = await openSource(file);
  const [first] = await source.read(0, 1);
  await source.close();
  return first !== 'a'.charCodeAt(0);
}

function watched(terminal: Terminal, file: string, label: string): ParallelOptions {
  const total = statSync(file).size;
  return {
    signal: terminal.signal,
    onBytes: (done) => terminal.progress({ label: `${label} ${basename(file)}`, done, total }),
  };
}

type Work = AsyncIterable<Uint8Array> | ((file: FileHandle) => Promise<number>);

async function timed(out: string, work: Work): Promise<VerbResult> {
  const started = performance.now();
  const bytes =
    typeof work === 'function' ? await writeWhole(out, work) : await writeChunks(out, work);
  const seconds = (performance.now() - started) / 1000;
  const json = { out, bytes, seconds };
  if (out === '-') return { exit: 0, json, raw: '' };
  return { exit: 0, json, text: `${out} (${bytes} bytes, ${seconds.toFixed(2)} s)` };
}
