/** `backup`, `restore`: a home as one sealed file, and back. */
import { backupHome, restoreHome } from '../../backup/backup.ts';
import { PlatformError } from '../../errors.ts';
import { secretsIn } from '../../keys/root-keys.ts';
import { backupParts } from '../../main.ts';
import { chunksOf, writeChunks } from '../files.ts';
import { homeOf } from '../usage.ts';
import type { Verb } from '../verb.ts';
import { recoveryIdentity } from './keys.ts';

/** Makes a backup. */
export const backupVerb: Verb = {
  name: 'backup',
  usage: '-o FILE',
  does: 'writes the home as one file, sealed to its recovery key; the platform may be running',
  options: {
    out: { type: 'string', short: 'o', help: 'backup file; - is standard output' },
  },
  run: async (args, terminal) => {
    args.exactly();
    if (process.env.MERLON_DATABASE_URL !== undefined) {
      throw new PlatformError('bad-request', 'the database of this home is a server', {
        hint: 'back it up with pg_dump and the folder of the home beside it',
      });
    }
    const out = args.needed('out');
    const { progress: onProgress } = terminal;
    const secrets = secretsIn(process.env);
    const started = performance.now();
    const made = await backupHome(homeOf(args), backupParts, { secrets, onProgress });
    await writeChunks(out, made.chunks);
    const seconds = (performance.now() - started) / 1000;
    const json = { out, ...made.report(), seconds };
    if (out === '-') return { exit: 0, json, raw: '' };
    const counts = `${json.objects} objects, ${json.decisions} decisions`;
    const text = `${out}: ${counts}, ${json.bytes} bytes`;
    return { exit: 0, json, text };
  },
};

/** Restores one. */
export const restoreVerb: Verb = {
  name: 'restore',
  usage: 'FILE --recovery FILE… [--to PROVIDER] --home DIR',
  does: 'makes a home from a backup by its recovery key alone, and checks all of it',
  options: {
    recovery: { type: 'string', multiple: true, help: 'file with the recovery key or shares' },
    to: { type: 'string', help: 'where the new root key is kept (default key-file)' },
  },
  run: async (args, terminal) => {
    const [file = ''] = args.exactly('FILE');
    const identity = await recoveryIdentity(args);
    const folder = homeOf(args);
    const report = await restoreHome(chunksOf(file), backupParts, {
      folder,
      identity,
      rootKey: args.text('to') ?? 'key-file',
      secrets: secretsIn(process.env),
      onProgress: terminal.progress,
    });
    const text = `${folder}: ${report.objects} objects and ${report.decisions} decisions, verified`;
    return { exit: 0, json: { home: folder, ...report }, text };
  },
};
