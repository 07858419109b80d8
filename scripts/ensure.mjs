// Installs what is missing before any other script runs. Plain JavaScript for any Node >= 20,
// because the project's own Node (the npm package `node`) may not be there yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'node_modules', '.package-lock.json');
const lock = join(root, 'package-lock.json');

if (!isInstalled()) {
  console.error('Installing what is missing (npm ci) …');
  // onnxruntime-node carries its CPU library; its install script would only fetch CUDA files.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    console.error('npm ci failed; check the network and the free disk space, then try again.');
    process.exit(2);
  }
}

if (process.argv[2] === 'start' && !isConsoleBuilt()) {
  console.error('Building the console …');
  const bin = join(root, 'node_modules', '.bin');
  const done = spawnSync('vite', ['build', '--logLevel', 'error', 'packages/console'], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) console.error('The console could not be built; Merlon runs without it.');
}

/** True when the built console is at least as new as its newest source. */
function isConsoleBuilt() {
  const built = join(root, 'packages', 'console', 'dist', 'index.html');
  if (!existsSync(built)) return false;
  return newest(join(root, 'packages', 'console', 'src')) <= statSync(built).mtimeMs;
}

function newest(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => statSync(join(folder, name)).mtimeMs)
    .reduce((latest, time) => Math.max(latest, time), 0);
}

/** True when the installed tree is at least as new as the lock file and has its own Node. */
function isInstalled() {
  if (!existsSync(stamp) || !existsSync(join(root, 'node_modules', '.bin', 'node'))) return false;
  if (statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return true;
  // A fresh checkout has new times but may have the same content as what is installed.
  const packagesOf = (path) => Object.keys(JSON.parse(readFileSync(path, 'utf8')).packages ?? {});
  const wanted = packagesOf(lock).filter((name) => name.startsWith('node_modules/'));
  const present = new Set(packagesOf(stamp));
  return wanted.every((name) => present.has(name) || isOptional(name));
}

function isOptional(name) {
  const entry = JSON.parse(readFileSync(lock, 'utf8')).packages[name];
  return entry.optional === true || entry.devOptional === true || entry.link === true;
}
