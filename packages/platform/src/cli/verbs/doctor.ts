/** `doctor`: a check of the installation and of a home. */

import { type Check, examine, lineOf } from '../../doctor/doctor.ts';
import { PlatformError } from '../../errors.ts';
import { secretsIn } from '../../keys/root-keys.ts';
import { backupParts } from '../../main.ts';
import { homeOf } from '../usage.ts';
import type { Verb } from '../verb.ts';

/** Checks what Merlon stands on. */
export const doctorVerb: Verb = {
  name: 'doctor',
  usage: '[--deep] [--home DIR]',
  does: 'checks the installation and the home; the platform may be running',
  options: {
    deep: { type: 'boolean', help: 'open every object to its digest and verify the ledger' },
  },
  run: async (args, terminal) => {
    args.exactly();
    if (args.flag('deep') && process.env.MERLON_DATABASE_URL !== undefined) {
      throw new PlatformError('bad-request', 'the database of this home is a server', {
        hint: 'leave out --deep; merlon ledger verify asks the running platform',
      });
    }
    const { signal, progress: onProgress } = terminal;
    const secrets = secretsIn(process.env);
    const options = { home: homeOf(args), secrets, parts: backupParts, signal, onProgress };
    const checks: Check[] = [];
    for await (const check of examine({ ...options, deep: args.flag('deep') })) {
      checks.push(check);
      terminal.say(lineOf(check));
    }
    const wrong = checks.filter(({ ok }) => !ok).length;
    const text = wrong === 0 ? 'all is well' : `${wrong} of ${checks.length} need attention`;
    return { exit: wrong === 0 ? 0 : 1, json: { checks, ok: wrong === 0 }, text };
  },
};
