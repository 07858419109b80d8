/** What the tests of the vault share: streams of chunks, temporary folders, outside programs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { concat, seeded } from '@merlon/core';

/** Bytes that repeat from their seed. */
export function sampleBytes(length: number, seed = 7): Uint8Array {
  const random = seeded(seed);
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = random.uint32() & 255;
  return out;
}

/** The bytes as a stream of pieces of one size. */
export async function* inPieces(
  bytes: Uint8Array,
  pieceBytes = 10_000,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** All of a stream. */
export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concat(parts);
}

/** The path of a program, from an environment variable or PATH; null when absent. */
export function findProgram(name: string, variable: string): string | null {
  const named = process.env[variable];
  if (named !== undefined) return existsSync(named) ? named : null;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (existsSync(path)) return path;
  }
  return null;
}

/** Runs a program with bytes on its standard input. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { input?: Uint8Array; cwd?: string; env?: Record<string, string> } = {},
): { status: number | null; stdout: Uint8Array; stderr: string } {
  const result = spawnSync(program, args, {
    input: options.input,
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    maxBuffer: 1 << 28,
  });
  const stderr = result.error === undefined ? String(result.stderr) : result.error.message;
  return { status: result.status, stdout: new Uint8Array(result.stdout ?? []), stderr };
}

/** Runs with a folder that is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'merlon-vault-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
