/**
 * Files sealed by Merlon and opened by `age`, and the reverse; every change of a byte refused:
 * `node bench/vault/interop.ts [--age PATH] [--files 1000]`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { concat, seeded, utf8 } from '@merlon/core';
import { generateIdentity, open, seal } from '@merlon/vault';

const { values } = parseArgs({
  options: { age: { type: 'string', default: 'age' }, files: { type: 'string', default: '1000' } },
});
const folder = mkdtempSync(join(tmpdir(), 'merlon-interop-'));
const keys = [await generateIdentity(), await generateIdentity({ postQuantum: true })];
for (const [i, { identity }] of keys.entries()) {
  writeFileSync(join(folder, `key${i}`), `${identity}\n`, { mode: 0o600 });
}
const random = seeded(1);
const count = Number(values.files);
let wrong = 0;
for (let i = 0; i < count; i++) {
  const key = keys[i % 2];
  if (key === undefined) throw new Error('no key');
  const clear = new Uint8Array(random.integer(300_000)).map(() => random.integer(256));
  const ours = await all(seal(one(clear), { recipients: [key.recipient] }));
  const theirs = age(['-r', key.recipient], clear);
  const back = age(['-d', '-i', join(folder, `key${i % 2}`)], ours);
  const opened = await all(open(one(theirs), { identities: [key.identity] }));
  if (Buffer.compare(back, clear) !== 0 || Buffer.compare(opened, clear) !== 0) wrong++;
}
console.log(`${count} files each way, ${wrong} differ`);

const [plain] = keys;
if (plain === undefined) throw new Error('no key');
const file = await all(seal(one(utf8('small')), { recipients: [plain.recipient] }));
let accepted = 0;
for (let at = 0; at < file.length; at++) {
  for (let mask = 1; mask < 256; mask++) {
    const changed = file.slice();
    changed[at] = (changed[at] ?? 0) ^ mask;
    const opening = all(open(one(changed), { identities: [plain.identity] }));
    const refused = await opening.then(
      () => false,
      () => true,
    );
    if (!refused) accepted++;
  }
}
console.log(
  `${file.length * 255} changes of one byte in ${file.length} bytes, ${accepted} accepted`,
);
rmSync(folder, { recursive: true, force: true });

function age(args: readonly string[], input: Uint8Array): Uint8Array {
  const { status, stdout, stderr } = spawnSync(values.age, args, { input, maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(String(stderr));
  return stdout;
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concat(parts);
}
