/** `npm test`: types, lint, then every test; stops at the first that fails and tells which. */
import { spawnSync } from 'node:child_process';

const parts: readonly (readonly [string, readonly string[]])[] = [
  ['npm', ['run', '--silent', 'types']],
  ['npm', ['run', '--silent', 'lint']],
  ['vitest', ['run', ...process.argv.slice(2)]],
];

for (const [program, args] of parts) {
  const started = Date.now();
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${program} ${args.join(' ')} (${seconds} s)`);
  if (status !== 0) process.exit(1);
}
