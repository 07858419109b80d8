/**
 * A platform in a fresh home that serves one model behind a key, for the load beside it: sealed,
 * verified, each request an event in the encrypted database. Prints where it answers. Detectors do
 * not watch: they would take the load for a theft, and revoke its key after some hundred rows.
 *
 *     node --conditions=source bench/gateway/platform.ts MODEL NAME [GUARDS.json]
 */
import { readFileSync } from 'node:fs';
import { startTest } from '../../packages/platform/test/support/platform.ts';
import { keyFor, serveModel } from '../../packages/platform/test/support/serving.ts';

const [path = '', name = '', file] = process.argv.slice(2);
const platform = await startTest();
const guards = file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8'));
await serveModel(platform, { name, bytes: readFileSync(path), guards });
const key = await keyFor(platform, { budgetRows: 2 ** 40 });
process.once('SIGTERM', () => void platform.close().then(() => process.exit(0)));
process.stdout.write(`key ${key}\nanswers at ${platform.running.origin}/v2/models/${name}\n`);
