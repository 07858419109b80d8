/** Go's sumdb packages verify our checkpoints, proofs and tiles. */
import { join } from 'node:path';
import { base64, seeded, utf8 } from '@merlon/core';
import { expect, it } from 'vitest';
import {
  generateNoteKey,
  type HashReader,
  newTiles,
  proveRecord,
  proveTree,
  recordHash,
  signCheckpoint,
  storedHashes,
  tileData,
  tilePath,
  treeHash,
} from '../../src/index.ts';
import { findProgram, runProgram, withFolder } from '../support.ts';

const go = findProgram('go', 'GO');
if (go === null) console.warn('skipped: no "go" command on PATH or in GO');

it.skipIf(go === null)("Go's sumdb accepts logs of random sizes", { timeout: 120_000 }, () =>
  withFolder(async (folder) => {
    const cwd = join(import.meta.dirname, '../oracle');
    const program = join(folder, 'oracle');
    const built = runProgram(go ?? 'go', ['build', '-o', program, '.'], { cwd });
    if (built.status !== 0) {
      console.warn(`skipped: the Go oracle does not build: ${built.stderr.slice(0, 200)}`);
      return;
    }
    const random = seeded(11);
    for (const size of [1, 2, 256, 1 + random.integer(600), 1 + random.integer(600)]) {
      const input = utf8(JSON.stringify(await claimOf(size, random.integer)));
      const result = runProgram(program, ['check'], { input });
      expect(result.stderr).toBe('');
      expect(new TextDecoder().decode(result.stdout)).toBe('ok\n');
    }
  }),
);

async function claimOf(size: number, integer: (below: number) => number): Promise<unknown> {
  const stored: Uint8Array[] = [];
  const reader: HashReader = {
    read: async (indexes) => indexes.map((index) => stored[index] ?? new Uint8Array(0)),
  };
  const leaves = Array.from({ length: size }, (_, i) => recordHash(utf8(`record ${i}`)));
  const oldRoots: Record<string, string> = {};
  for (const [n, leaf] of leaves.entries()) {
    stored.push(...(await storedHashes(n, leaf, reader)));
    oldRoots[n + 1] = base64(await treeHash(n + 1, reader));
  }
  const cases = async (prove: (other: number) => Promise<Uint8Array[]>, from: number) =>
    Promise.all(
      Array.from({ length: 12 }, async () => {
        const other = from + integer(size);
        return { size, other, proof: (await prove(other)).map(base64) };
      }),
    );
  const tiles = newTiles(0, size).filter((tile) => tile.level !== 'entries');
  const data = tiles.map(async (tile) => [tilePath(tile), base64(await tileData(tile, reader))]);
  const { signerKey, verifierKey } = generateNoteKey('merlon.example/log');
  const root = await treeHash(size, reader);
  return {
    checkpoint: signCheckpoint({ origin: 'merlon.example/log', size, root }, [signerKey]),
    verifierKey,
    leaves: leaves.map(base64),
    inclusion: await cases((n) => proveRecord(size, n, reader), 0),
    consistency: await cases((older) => proveTree(size, older, reader), 1),
    oldRoots,
    tiles: Object.fromEntries(await Promise.all(data)),
  };
}
