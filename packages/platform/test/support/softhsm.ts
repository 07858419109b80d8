/**
 * A place for SoftHSM2's tokens, made before any test. The library asks the environment of the
 * process, which the threads that run the tests cannot change.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes the place; what comes back clears it away. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'merlon-hsm-'));
  const tokens = join(folder, 'tokens');
  mkdirSync(tokens);
  const config = join(folder, 'softhsm2.conf');
  writeFileSync(config, `directories.tokendir = ${tokens}\nlog.level = ERROR\n`);
  process.env.SOFTHSM2_CONF = config;
  return () => rmSync(folder, { recursive: true, force: true });
}
