/**
 * Mutates real files and audits each mutation: a throw or an audit of more than two seconds is a fault.
 *
 *     node bench/scan/fuzz.ts --executions 1000000 [--seed 1] [--seconds 600] FOLDER…
 *
 * Every file of the folders up to 64 KiB is a seed; without a folder the vectors of the repository are.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { memorySource, type Random, seeded } from '../../packages/core/src/index.ts';
import { scanSource } from '../../packages/scan/src/index.ts';

const seedBytesMax = 1 << 16;
const slowMs = 2000;
const words = process.argv.slice(2);
const option = (name: string, otherwise: number): number => {
  const at = words.indexOf(name);
  return at < 0 ? otherwise : Number(words.splice(at, 2)[1]);
};
const executions = option('--executions', 100_000);
const seed = option('--seed', 1);
const seconds = option('--seconds', 3600);
const folders = words.length > 0 ? words : [join(import.meta.dirname, '../../vectors/scan')];

function seedsBelow(folder: string): { path: string; content: Uint8Array }[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return seedsBelow(path);
    if (!entry.isFile() || statSync(path).size > seedBytesMax) return [];
    return [{ path, content: new Uint8Array(readFileSync(path)) }];
  });
}

const interesting = [0, 1, 127, 128, 255];

/** One to four changes: bits, bytes, lengths, cuts, repeats, and pieces of another seed. */
function mutate(content: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let out = content.slice();
  for (let left = 1 + random.integer(4); left > 0; left--) {
    const at = random.integer(Math.max(1, out.length));
    switch (random.integer(8)) {
      case 0:
        out[at] = random.integer(256);
        break;
      case 1:
        out[at] = (out[at] ?? 0) ^ (1 << random.integer(8));
        break;
      case 2:
        out[at] = interesting[random.integer(interesting.length)] ?? 0;
        break;
      case 3:
        out.fill(255, at, at + [1, 2, 4, 8][random.integer(4)]!);
        break;
      case 4:
        out = out.slice(0, at);
        break;
      case 5:
        out = Uint8Array.from([...out.subarray(0, at), ...out.subarray(Math.max(0, at - 16))]);
        break;
      case 6: {
        const from = random.integer(Math.max(1, other.length));
        out.set(other.subarray(from, from + Math.min(32, Math.max(0, out.length - at))), at);
        break;
      }
      default:
        out = Uint8Array.from([
          ...out.subarray(0, at),
          ...out.subarray(at + 1 + random.integer(8)),
        ]);
    }
    if (out.length > 2 * seedBytesMax) out = out.slice(0, seedBytesMax);
  }
  return out;
}

const seeds = folders.flatMap(seedsBelow);
const random = seeded(seed);
const started = performance.now();
let slowest = { path: '', ms: 0 };
let done = 0;
let faults = 0;
const limits = { inflatedBytesMax: 1 << 24, opcodesMax: 1_000_000, textBytesMax: 1 << 22 };
for (; done < executions && performance.now() - started < seconds * 1000; done++) {
  const { path, content } = seeds[random.integer(seeds.length)]!;
  const other = seeds[random.integer(seeds.length)]!.content;
  const mutated = mutate(content, other, random);
  const before = performance.now();
  try {
    const report = await scanSource(memorySource(mutated), { path, profile: 'ml', limits });
    const failed = report.coverage.incomplete.find(({ reason }) => /reader failed/.test(reason));
    if (failed !== undefined) {
      faults++;
      console.log(`${path} execution ${done}: ${failed.reason}`);
    }
  } catch (error) {
    faults++;
    console.log(`${path} execution ${done}: threw ${String(error)}`);
  }
  const ms = performance.now() - before;
  if (ms > slowest.ms) slowest = { path, ms };
  if (ms > slowMs) {
    faults++;
    console.log(`${path} execution ${done}: took ${ms.toFixed(0)} ms`);
  }
}
const minutes = ((performance.now() - started) / 60_000).toFixed(1);
console.log(
  `${done} executions of ${seeds.length} seeds in ${minutes} minutes, ${faults} faults;`,
  `slowest ${slowest.ms.toFixed(0)} ms (${slowest.path})`,
);
process.exitCode = faults > 0 ? 1 : 0;
