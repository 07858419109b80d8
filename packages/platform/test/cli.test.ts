import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { bytesOf, npy, zip } from '../../graph/test/data/files.ts';
import { verbs } from '../src/cli/verbs.ts';
import { start } from '../src/main.ts';

const bin = fileURLToPath(new URL('../src/cli/merlon.ts', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'merlon-cli-'));
const at = (name: string): string => join(folder, name);
const digits = join(root, 'models/digits-cnn.onnx');
const arrays = join(root, 'vectors/fix/arrays-4.pkl');
const loans = join(root, 'models/loans.onnx');
const mnist = join(root, 'data/mnist-test.npz');

writeFileSync(at('empty.onnx'), '');
writeFileSync(at('cut.onnx'), Buffer.from([8, 8, 58, 127]));
writeFileSync(at('one.pkl'), '.');
writeFileSync(at('bad.csv'), 'a,b\n1,2\n3,NaN\n');
mkdirSync(at('folder'));
archive('shape.npz', { side: 27, fill: 0, labels: [0, 1] });
archive('nan.npz', { side: 28, fill: Number.NaN, labels: [0, 1] });
archive('label.npz', { side: 28, fill: 0, labels: [0, 77] });
archive('short.npz', { side: 28, fill: 0, labels: [0] });
archive('range.npz', { side: 28, fill: 255, labels: [0, 1] });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two square pictures of one value, and labels, as .npz. */
function archive(
  name: string,
  of: { readonly side: number; readonly fill: number; readonly labels: readonly number[] },
): void {
  const x = new Float32Array(2 * of.side * of.side).fill(of.fill);
  const y = Int32Array.from(of.labels);
  const members = {
    'x.npy': npy('<f4', [2, 1, of.side, of.side], bytesOf(x)),
    'y.npy': npy('<i4', [y.length], bytesOf(y)),
  };
  writeFileSync(at(name), zip(members));
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function merlon(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...env },
    cwd: folder,
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** The same without blocking this process, for when it is itself asked by the command. */
async function merlonBeside(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [status] = await once(child, 'close');
  return { status: status as number | null, stderr };
}

describe('help', () => {
  it('tells every verb of the contract', () => {
    const { status, stdout } = merlon(['--help']);
    expect(status).toBe(0);
    const contract = [
      ...['start', 'tour', 'scan', 'fix', 'attack', 'gradient', 'privacy', 'harden', 'certify'],
      ...['keys', 'seal', 'open', 'sign', 'verify', 'model', 'data', 'job', 'serve', 'incident'],
      ...['share', 'ledger', 'report', 'backup', 'restore', 'doctor'],
    ];
    const beyond = ['finding'];
    for (const verb of contract) expect(stdout).toContain(verb);
    expect(Object.keys(verbs).sort()).toEqual([...contract, ...beyond].sort());
  });
  it.each(Object.keys(verbs))('%s has its own', (verb) => {
    const { status, stdout } = merlon([verb, '--help']);
    expect([status, stdout.startsWith(`Usage: merlon ${verb}`)]).toEqual([0, true]);
    expect(stdout).toContain('--json');
    expect(stdout).toContain('--home');
  });
});

/** Arguments, exit code, and what standard error says. */
const bad: readonly [string[], number, RegExp][] = [
  [['attck'], 2, /there is no verb "attck"\n.*did you mean "attack"/],
  [['report', '--home', 'none'], 2, /no platform runs in this home/],
  [['report', '--format', 'pdf'], 2, /"--format" expected html, json, sarif, cyclonedx/],
  [['doctor', 'x'], 2, /"x" is one argument too many/],
  [['fix', 'missing.pt', '-o', 'x'], 2, /the file "missing.pt" does not exist/],
  [['fix', 'cut.onnx'], 2, /"--out" is needed/],
  [['fix', arrays, '-o', 'x.pkl'], 2, /a pickle is repaired into safetensors only/],
  [['fix', 'one.pkl', '-o', 'x.safetensors'], 2, /expected weights of PyTorch or NumPy, got text/],
  [['fix', 'one.pkl', '-o', 'one.pkl'], 2, /never written over/],
  [['fix', 'one.pkl', '-o', 'bad.csv'], 2, /"bad.csv" is there already/],
  [['fix', digits, '-o', 'x.safetensors'], 2, /expected weights of PyTorch or NumPy, got onnx/],
  [['fix', 'bad.csv', '-o', 'x.csv'], 2, /there is no repair for/],
  [['incident', 'run', 'x'], 2, /no platform runs in this home/],
  [['keys', 'turn'], 2, /"keys" expected new, list, rotate, .* got "turn"/],
  [['keys', 'rotate'], 2, /VERSION expected, got nothing/],
  [['keys', 'destroy', 'x'], 2, /"--digest" is needed/],
  [['keys', 'recover'], 2, /"--recovery" is needed/],
  [['keys', 'recovery', '--home', 'none'], 2, /"none\/merlon.json" cannot be read/],
  [['keys', 'move', '--home', 'none', '--to', 'vault'], 2, /cannot be read|expected a provider/],
  [['scan'], 2, /PATH expected, got nothing/],
  [['scan', 'missing.bin'], 2, /"missing.bin" does not exist/],
  [['scan', '.', '--profile', 'loose'], 2, /"--profile" expected ml, strict, got "loose"/],
  [['scan', '.', '--formt', 'json'], 2, /there is no option "--formt"\n.*did you mean "format"/],
  [['scan', '.', '--format', 'xml'], 2, /"--format" expected text, json, sarif, cyclonedx/],
  [['attack', 'missing.onnx', '--data', mnist], 2, /the model "missing.onnx" does not exist/],
  [['attack', 'folder', '--data', mnist], 2, /expected a file, got the folder "folder"/],
  [['attack', 'empty.onnx', '--data', mnist], 2, /the model "empty.onnx" is empty/],
  [['attack', 'cut.onnx', '--data', mnist], 2, /not a sound ONNX model/],
  [['attack', digits], 2, /"--data" is needed/],
  [['attack', digits, '--data', 'bad.csv', '--label', 'c'], 2, /column "c" is not in the table/],
  [
    ['attack', digits, '--data', 'bad.csv', '--label', 'b'],
    2,
    /column "b" expected a known class, got "NaN"/,
  ],
  [['attack', digits, '--data', 'bad.csv'], 2, /expected the name of the label column/],
  [['attack', digits, '--data', 'one.pkl'], 2, /"one.pkl" is in no format that can be read/],
  [['attack', digits, '--data', 'shape.npz'], 2, /rows of shape \[1, 28, 28\], got \[1, 27, 27\]/],
  [['attack', digits, '--data', 'nan.npz'], 2, /column 1 expected a finite number, got NaN/],
  [['attack', digits, '--data', 'label.npz'], 2, /knows 10 classes, the data have 78/],
  [['attack', digits, '--data', 'short.npz'], 2, /labels expected shape \[2\], got shape \[1\]/],
  [['attack', digits, '--data', 'range.npz'], 2, /row 1 expected values in \[0, 1\], got 255/],
  [['harden', digits, '--data', 'shape.npz', '--method', 'pgd-at', '-o', 'x'], 2, /rows of shape/],
  [['harden', digits, '--data', 'nan.npz', '--method', 'pgd-at', '-o', 'x'], 2, /finite number/],
  [['gradient', loans, '-o', 'x'], 2, /"ai.onnx.ml.TreeEnsembleClassifier" .* cannot be diff/],
  [['attack', digits, '--data', mnist, '--epsilon', 'far'], 2, /"--epsilon" expected a number/],
  [['attack', digits, '--data', mnist, '--attacks', 'pdg'], 2, /pdg/],
  [['attack', digits, '--data', mnist, '--bounds', '1'], 2, /"--bounds" expected two numbers/],
  [['attack', digits, '--data', mnist, '--bounds', '1,0'], 2, /"bounds" expected min < max/],
  [['attack', digits, '--data', mnist, '--robust-min', '3'], 2, /expected a share from 0 to 1/],
  [['attack', digits, '--data', mnist, '--target', 'x'], 2, /"target" expected a class, got "x"/],
  [['attack', digits, '--data', mnist, '--format', 'xml'], 2, /expected text, json, sarif/],
  [['attack', digits, '--data', mnist, '--samples', '0'], 2, /"--samples" expected a whole number/],
  [['gradient', 'cut.onnx', '-o', 'out.onnx'], 2, /not a sound ONNX model/],
  [['gradient', digits, '--shape', '1,a', '-o', 'x'], 2, /"--shape" expected sizes such as/],
  [['gradient', digits, '--output', 'z', '-o', 'x'], 2, /expected output "z", got "/],
  [['harden', digits, '--data', mnist, '--method', 'pgd', '-o', 'x'], 2, /expected pgd-at, fast/],
  [['harden', digits, '--data', mnist], 2, /"--out" is needed/],
  [['harden', digits, '-o', 'x'], 2, /"--data" is needed/],
  [['harden', loans, '--data', mnist, '-o', 'x'], 2, /rows|cannot be diff|features/],
  [['harden', digits, '--data', mnist, '--method', 'dp-sgd', '-o', 'x'], 2, /privacy-epsilon/],
  [['harden', digits, '--data', mnist, '--schedule', 'up', '-o', 'x'], 2, /points such as/],
  [['certify', digits, '--data', mnist], 2, /"--sigma" is needed/],
  [['privacy', digits, '--members', mnist], 2, /"--nonmembers" is needed/],
  [['privacy', digits, '--members', mnist, '--nonmembers', 'shape.npz'], 2, /as the members have/],
  [['privacy', digits, '--members', mnist, '--nonmembers', 'none.npz'], 2, /does not exist/],
  [['privacy', digits, '--members', mnist, '--nonmembers', mnist, '--bounds', '1'], 2, /two numb/],
  [['certify', digits, '--data', mnist, '--sigma', '0'], 2, /"sigma" expected 1e-12 to/],
  [['certify', digits, '--data', 'shape.npz', '--sigma', '1'], 2, /rows expected \[1, 28, 28\]/],
  [['certify', digits, '--data', mnist, '--sigma', '1', '--alpha', '2'], 2, /"alpha" expected/],
  [['seal', 'bad.csv'], 2, /"--recipient" is needed/],
  [['seal', 'bad.csv', '-r', 'age1'], 2, /"--recipient" expected age1… or ssh-…, got "age1"/],
  [['seal', 'missing', '-r', 'x'], 2, /expected age1…|does not exist/],
  [['open', 'bad.csv', '-i', 'missing'], 2, /the identity file "missing" does not exist/],
  [['sign', 'bad.csv', '--key', 'k'], 2, /DIR expected a folder/],
  [['verify', 'folder', '--signature', 'one.pkl'], 2, /"--key" is needed|key/],
  [['model', 'list'], 2, /no platform runs in this home/],
  [
    ['model', 'fly', '--url', 'http://127.0.0.1:1', '--api-key', 'k'],
    2,
    /"model" expected add, list/,
  ],
  [['model', 'list', '--url', 'http://127.0.0.1:1', '--api-key', 'k'], 2, /does not answer/],
  [['ledger', 'verify', '--url', 'nonsense', '--api-key', 'k'], 2, /expected an address/],
  [['start', '--port', '99999'], 2, /"--port" expected a whole number from 0 to 65535/],
  [['start', '--port', '0', '--address', '0.0.0.0'], 2, /has no TLS/],
  [['start', '--port', '0', '--webhook', 'here'], 2, /"--webhook" expected an address/],
  [['start', '--port', '0', '--home', 'bad.csv'], 2, /cannot use ".*bad.csv" as home/],
  [['attack', 'm.onnx', '--epsilon', '-1'], 2, /does not begin with "-"\n.*or "--epsilon=-/],
  [['tour', 'now', '--hom', 'x'], 2, /there is no option "--hom"/],
];

describe('bad input is one sentence and what to do next', () => {
  it.each(bad)(
    '%j → %i',
    (args, status, said) => {
      const ran = merlon(args);
      expect(ran.stderr).toMatch(said);
      expect(ran.status).toBe(status);
      expect(ran.stderr).not.toMatch(/\n\s+at |node_modules|\.ts:\d/);
      const asJson = merlon([...args, '--json']);
      const { error } = JSON.parse(asJson.stdout) as { error: Record<string, string> };
      expect(Object.keys(error).sort()).toEqual(['code', 'hint', 'message']);
      expect(error.hint, 'tells what to do').toMatch(/\S/);
      expect(asJson.status).toBe(status);
    },
    60_000,
  );
});

describe('exit codes of a scan', () => {
  it('0 clean, 1 found, 3 not understood; found beats the rest', () => {
    writeFileSync(at('evil.pkl'), "cposix\nsystem\n(S'echo inert'\ntR.");
    writeFileSync(
      at('noise.bin'),
      Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 7) % 256)),
    );
    expect(merlon(['scan', digits]).status).toBe(0);
    expect(merlon(['scan', 'evil.pkl']).status).toBe(1);
    expect(merlon(['scan', 'noise.bin']).status).toBe(3);
    const all = merlon(['scan', digits, 'evil.pkl', 'noise.bin', '--json']);
    expect(all.status).toBe(1);
    const { files } = JSON.parse(all.stdout) as { files: { path: string; verdict: string }[] };
    expect(files.map(({ path, verdict }) => [path, verdict])).toEqual([
      [digits, 'clean'],
      ['evil.pkl', 'flagged'],
      ['noise.bin', 'not-understood'],
    ]);
  });
});

describe('the vault on files', () => {
  it('seals and opens, signs and verifies, and refuses what was changed', () => {
    const made = merlon(['keys', 'new', '-o', 'id.txt', '--json']);
    const { recipient } = JSON.parse(made.stdout) as { recipient: string };
    expect(merlon(['seal', digits, '-r', recipient, '-o', 'd.age']).status).toBe(0);
    expect(merlon(['open', 'd.age', '-i', 'id.txt', '-o', 'd.onnx']).status).toBe(0);
    expect(merlon(['scan', 'd.onnx']).status).toBe(0);
    merlon(['keys', 'new', '-o', 'other.txt']);
    const wrong = merlon(['open', 'd.age', '-i', 'other.txt', '-o', 'e.onnx']);
    expect([wrong.status, /cannot|open/.test(wrong.stderr)]).toEqual([2, true]);
  });
});

describe('homes', () => {
  const quiet = { port: 0, onFault: () => undefined };
  it('refuse a wrong passphrase, a newer home, a taken home and a port', async () => {
    const home = at('home');
    const running = await start({ ...quiet, home, passphrase: 'one right passphrase' });
    const env = { MERLON_PASSPHRASE: 'one right passphrase' };
    const again = await merlonBeside(['start', '--port', '0', '--home', home], env);
    expect(again.stderr).toMatch(/this home is already running at http:\/\/localhost:/);
    await running.close();
    const wrong = merlon(['start', '--port', '0', '--home', home], { MERLON_PASSPHRASE: 'wrong' });
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('does not open')]);
    const none = merlon(['start', '--port', '0', '--home', home]);
    expect(none.stderr).toMatch(/opens with a passphrase\n.*MERLON_PASSPHRASE/);
    mkdirSync(at('newer'));
    writeFileSync(
      join(at('newer'), 'merlon.json'),
      '{"format":99,"rootKey":{"provider":"key-file"}}',
    );
    expect(merlon(['start', '--port', '0', '--home', at('newer')]).stderr).toMatch(
      /expected home format/,
    );
    const blocker = createServer().listen(0, '127.0.0.1');
    await new Promise<void>((resolve) => blocker.once('listening', () => resolve()));
    const address = blocker.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const wish = ['start', '--port', String(port), '--home', at('other')];
    const taken = await merlonBeside(wish, {});
    expect([taken.status, taken.stderr]).toEqual([
      2,
      expect.stringContaining(`port ${port} is taken`),
    ]);
    blocker.close();
  }, 90_000);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) console.warn('skipped: root may write to read-only folders');
  it.skipIf(isRoot)('refuse a folder that cannot be written', () => {
    mkdirSync(at('locked'));
    chmodSync(at('locked'), 0o500);
    const ran = merlon(['start', '--port', '0', '--home', join(at('locked'), 'home')]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringMatching(/cannot use/)]);
  });
});
