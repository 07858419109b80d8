/** `seal`, `open`: sealed files. */
import { statSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import {
  armor,
  isRecipient,
  type OpenIdentity,
  open,
  passphraseIdentity,
  passphraseRecipient,
  type SealRecipient,
  seal,
} from '@merlon/vault';
import { openFile, sealFile } from '../../parallel/files.ts';
import { type ParallelOptions, parallelBytesMin } from '../../parallel/threads.ts';
import { chunksOf, openSource, readText, requireFile, writeChunks, writeWhole } from '../files.ts';
import { identityOption, keysIn } from '../identities.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Terminal, Verb, VerbResult } from '../verb.ts';

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
    identity: identityOption,
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
  const identities = await keysIn(args);
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
