/**
 * Run by the disk test on a small file system of its own: starts a platform, fills the disk under
 * it, makes room again, and tells what the API said. Prints one JSON line.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { diskFault, PlatformError } from '../../src/errors.ts';
import { startTest } from './platform.ts';

const [folder = ''] = process.argv.slice(2);
const filler = join(folder, 'filler');

function fill(): void {
  const file = openSync(filler, 'w');
  const block = new Uint8Array(4096);
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

const home = join(folder, 'home');
fill();
const begun = await startTest({ home }).then(
  () => 'started',
  (error: unknown) => diskFault(error),
);
rmSync(filler);
const platform = await startTest({ home });
const developer = await platform.person('developer');
const owner = await platform.person('owner');
const file = new TextEncoder().encode('nothing but words\n'.repeat(4000));
const { id } = await developer.client.ask('POST', '/api/v1/models', { name: 'before' });
const path = `/api/v1/versions/${id}/files/words.txt`;
fill();
const upload = await developer.client.attempt('PUT', path, file);
rmSync(filler);
const again = await developer.client.attempt('PUT', path, file);
const ledger = await owner.client.attempt('GET', '/api/v1/ledger/verify');
const version = await developer.client.ask('GET', `/api/v1/versions/${id}`);
console.log(
  JSON.stringify({
    begun: begun instanceof PlatformError ? begun.code : String(begun),
    upload: upload.answer,
    again: again.status,
    ledger: ledger.answer,
    files: version.files,
  }),
);
await platform.close();
process.exit(0);
