/**
 * Scores the scanner on the cases of `blind.py`, a case being a file or a folder:
 *
 *     node bench/scan/blind.ts FOLDER [--misses]
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { type Severity, severities } from '../../packages/core/src/index.ts';
import { type FileReport, reportLink, scanSource } from '../../packages/scan/src/index.ts';

interface Case {
  readonly path: string;
  readonly class: 'malicious' | 'suspicious' | 'benign';
  readonly why: string;
}

/** What a case must come to, at least or at most. */
const isRight = {
  malicious: (rank: number) => rank >= severities.indexOf('high'),
  suspicious: (rank: number) => rank >= severities.indexOf('medium'),
  benign: (rank: number) => rank < severities.indexOf('medium'),
};
const [folder = '', ...flags] = process.argv.slice(2);

/** Files and links of a case. */
function filesOf(path: string): string[] {
  const found = lstatSync(path);
  if (found.isDirectory()) return readdirSync(path).flatMap((name) => filesOf(join(path, name)));
  return found.isFile() || found.isSymbolicLink() ? [path] : [];
}

function worstIn({ findings }: FileReport): Severity | null {
  const found = new Set(findings.map(({ severity }) => severity));
  return severities.findLast((severity) => found.has(severity)) ?? null;
}

async function worstOf(path: string, name: string): Promise<Severity | null> {
  const options = { path: name, profile: 'ml' } as const;
  if (lstatSync(path).isSymbolicLink()) return worstIn(reportLink(readlinkSync(path), options));
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      const wanted = Math.max(0, Math.min(length, size - offset));
      const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, offset);
      return new Uint8Array(buffer.buffer, buffer.byteOffset, bytesRead);
    };
    return worstIn(await scanSource({ size, read }, options));
  } finally {
    await file.close();
  }
}

const cases = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Case[];
const counts: Record<string, Record<string, number>> = {};
for (const each of cases) {
  const root = join(folder, each.path);
  let rank = -1;
  for (const path of filesOf(root)) {
    const worst = await worstOf(path, relative(root, path) || basename(path));
    if (worst !== null) rank = Math.max(rank, severities.indexOf(worst));
  }
  counts[each.class] ??= {};
  const row = counts[each.class] ?? {};
  const right = isRight[each.class](rank);
  for (const column of [right ? 'right' : 'wrong', severities[rank] ?? 'nothing']) {
    row[column] = (row[column] ?? 0) + 1;
  }
  if (!right && flags.includes('--misses')) {
    console.log(`${each.class} ${severities[rank] ?? 'nothing'} ${each.path}: ${each.why}`);
  }
}
console.table(counts);
