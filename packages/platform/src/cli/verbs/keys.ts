/** `keys`: identities in files, keys of a running platform, and the root key of a home. */
import { isoTime, systemClock, utf8 } from '@merlon/core';
import { formatIdentity, generateIdentity, joinShares, splitSecret } from '@merlon/vault';
import { makeRecovery, moveRootKey, recoverHome } from '../../keys/recovery.ts';
import { secretsIn } from '../../keys/root-keys.ts';
import { once, readText, writeChunks } from '../files.ts';
import { objects, openApi, remoteOptions } from '../remote.ts';
import { table } from '../table.ts';
import { type Arguments, homeOf, usage } from '../usage.ts';
import type { Verb, VerbResult } from '../verb.ts';

const shares = { shares: 3, threshold: 2 };

const actions: Readonly<Record<string, (args: Arguments) => Promise<VerbResult>>> = {
  new: newIdentity,
  list: listKeys,
  rotate: (args) => onVersion(args, 'rotate-key'),
  destroy: (args) => onVersion(args, 'destroy-key'),
  retain,
  rekey,
  recovery: newRecovery,
  recover,
  move,
};

/** Makes identities; lists, rotates and destroys keys; keeps a home recoverable. */
export const keysVerb: Verb = {
  name: 'keys',
  usage:
    'new [-o FILE] | list | rotate VERSION | destroy VERSION --digest DIGEST | ' +
    'retain VERSION --until DAY|never | ' +
    'rekey | recovery [--shares] [-o FILE] | ' +
    'recover --recovery FILE… --to PROVIDER | move --to PROVIDER',
  does: 'makes age identities, looks after the keys of a platform and the root key of a home',
  options: {
    out: { type: 'string', short: 'o', help: 'file to write (default: standard output)' },
    classic: { type: 'boolean', help: 'X25519 instead of the post-quantum hybrid (new)' },
    digest: { type: 'string', help: 'digest of the version that is destroyed (destroy)' },
    until: { type: 'string', help: 'day such as 2030-12-31, or never (retain)' },
    shares: { type: 'boolean', help: 'three shares, any two of which are enough (recovery)' },
    recovery: {
      type: 'string',
      multiple: true,
      help: 'file with the recovery key or shares (recover)',
    },
    to: {
      type: 'string',
      help: 'key-file, passphrase, pkcs11:…, transit:… or aws-kms:… (recover, move)',
    },
    ...remoteOptions,
  },
  run: async (args) => {
    const [name = ''] = args.positionals;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined) {
      throw usage(`"keys" expected ${Object.keys(actions).join(', ')}, got "${name}"`);
    }
    return action(args);
  },
};

async function newIdentity(args: Arguments): Promise<VerbResult> {
  args.exactly('"new"');
  const pair = await generateIdentity({ postQuantum: !args.flag('classic') });
  const text = formatIdentity(pair, isoTime(systemClock.nowMs()));
  const json = { recipient: pair.recipient };
  const out = args.text('out');
  if (out === undefined) return { exit: 0, json, raw: text };
  await writeChunks(out, once(utf8(text)));
  return { exit: 0, json, text: pair.recipient };
}

async function listKeys(args: Arguments): Promise<VerbResult> {
  const api = await openApi(args);
  const answer = await api.ask('GET', '/api/v1/object-keys');
  const rows = objects(answer.keys).map((key) => {
    const end = key.destroyedAt === null ? '' : `destroyed ${String(key.destroyedAt)}`;
    return [String(key.id), String(key.purpose), String(key.createdAt), end];
  });
  return { exit: 0, json: answer, text: table(['id', 'purpose', 'made', ''], rows) };
}

async function onVersion(args: Arguments, path: string): Promise<VerbResult> {
  const [, id = ''] = args.exactly('an action', 'VERSION');
  const body = path === 'destroy-key' ? { digest: args.needed('digest') } : {};
  const api = await openApi(args);
  const answer = await api.ask('POST', `/api/v1/versions/${id}/${path}`, body);
  const text =
    path === 'destroy-key'
      ? `destroyed ${answer.keys} keys; what was sealed to them is gone for ever`
      : `rotated: ${answer.objects} objects, key ${answer.keyId}`;
  return { exit: 0, json: answer, text };
}

async function retain(args: Arguments): Promise<VerbResult> {
  const [, id = ''] = args.exactly('an action', 'VERSION');
  const wanted = args.needed('until');
  const until = wanted === 'never' ? null : wanted;
  const api = await openApi(args);
  const answer = await api.ask('PUT', `/api/v1/versions/${id}/retention`, { until });
  const text =
    until === null ? 'kept until somebody destroys it' : `its content is destroyed on ${until}`;
  return { exit: 0, json: answer, text };
}

async function rekey(args: Arguments): Promise<VerbResult> {
  args.exactly('"rekey"');
  const api = await openApi(args);
  const answer = await api.ask('POST', '/api/v1/database/rekey');
  return { exit: 0, json: answer, text: `the database has key ${answer.databaseKey}` };
}

/** Standard output is for the printer: the secret is kept nowhere. */
async function newRecovery(args: Arguments): Promise<VerbResult> {
  args.exactly('"recovery"');
  const identity = await makeRecovery(homeOf(args), secretsIn(process.env));
  const lines = args.flag('shares') ? await splitSecret(identity, shares) : [identity];
  const about = args.flag('shares')
    ? '# Recovery key of a Merlon home in three shares: print each on its own, keep them apart.\n' +
      '# Any two open the home and its backups, one alone is of no use.\n'
    : '# Recovery key of a Merlon home: print it, lock it away, delete this file.\n';
  const text = `${about}${lines.join('\n\n')}\n`;
  const json = { shares: lines.length, threshold: lines.length === 1 ? 1 : shares.threshold };
  const out = args.text('out');
  if (out === undefined) return { exit: 0, json, raw: text };
  await writeChunks(out, once(utf8(text)));
  return { exit: 0, json, text: `${out}: print it, then delete it` };
}

async function recover(args: Arguments): Promise<VerbResult> {
  args.exactly('"recover"');
  const identity = await recoveryIdentity(args);
  const secrets = secretsIn(process.env);
  const rootKey = args.needed('to');
  await recoverHome(homeOf(args), identity, { rootKey, secrets });
  return { exit: 0, json: { rootKey }, text: 'the home has a new root key' };
}

async function move(args: Arguments): Promise<VerbResult> {
  args.exactly('"move"');
  const to = args.needed('to');
  const from = secretsIn(process.env);
  const next = process.env.MERLON_NEW_PASSPHRASE;
  const secrets = { from, to: next === undefined ? from : { ...from, passphrase: next } };
  await moveRootKey(homeOf(args), to, secrets);
  return { exit: 0, json: { rootKey: to }, text: 'the root key has moved' };
}

/** The recovery key in the files given: whole, or from enough shares. */
export async function recoveryIdentity(args: Arguments): Promise<string> {
  const paths = args.texts('recovery');
  if (paths.length === 0) throw usage('"--recovery" is needed');
  const texts: string[] = [];
  for (const path of paths) texts.push(await readText(path, 'the recovery file'));
  const lines = texts
    .flatMap((text) => text.split(/\r?\n/))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [first = ''] = lines;
  return /^merlon-share-/i.test(first) ? joinShares(lines) : first;
}
