/** `fix`: safe conversion or repair of what a scan found; the original stays as it is. */
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { bytesOfPieces, type FileReport, toText } from '@merlon/scan';
import type { OpenSource } from '../../blob/blob.ts';
import { crashReport, scanConfined } from '../../confine/scan-file.ts';
import type { FixOutput } from '../../confine/tasks/fix.ts';
import { type ConfinedWorker, startWorker } from '../../confine/worker.ts';
import { PlatformError } from '../../errors.ts';
import { openSource, requireFile, writeChunks } from '../files.ts';
import { usage } from '../usage.ts';
import type { Terminal, Verb } from '../verb.ts';
import { exitOf } from './scan.ts';

const timeoutMs = 3_600_000;
const filesBesideMax = 1000;

/** Repairs a file. */
export const fixVerb: Verb = {
  name: 'fix',
  usage: 'PATH -o OUT',
  does: 'writes a safe form of a file: weights as safetensors, archives and ONNX in plain form',
  options: {
    out: { type: 'string', short: 'o', help: 'file to write; .safetensors for weights' },
    force: { type: 'boolean', help: 'write over OUT if it is there' },
  },
  run: async (args, terminal) => {
    const [path = ''] = args.exactly('PATH');
    const out = args.needed('out');
    requireFile(path, 'the file');
    refuseClash(path, out, args.flag('force'));
    const worker = startWorker();
    const opened: OpenSource[] = [];
    try {
      const file = await openSource(path);
      opened.push(file);
      const sources = { file, ...(await besideOf(worker, { path, file, opened }, terminal)) };
      const input = { path, weights: extname(out) === '.safetensors' };
      const { signal } = terminal;
      const done = await worker.call<FixOutput>('fix', input, { sources, signal, timeoutMs });
      const bytes = await writeChunks(out, bytesOfPieces(file, done.pieces));
      const report = await rescan(worker, out, terminal);
      const { verdict, findings } = report;
      const json = { input: path, output: out, changes: done.changes, bytes, verdict, findings };
      const lines = [...done.changes.map((change) => `  ${change}`), '', toText([report])];
      const text = [out, ...lines].join('\n');
      return { exit: exitOf([report], 'high'), json, text };
    } finally {
      await worker.close();
      for (const source of opened) await source.close();
    }
  },
};

function refuseClash(path: string, out: string, force: boolean): void {
  if (!existsSync(out)) return;
  if (realpathSync(out) === realpathSync(path)) {
    throw usage('"--out" is the file itself; the original is never written over');
  }
  if (force) return;
  throw new PlatformError('conflict', `"${out}" is there already`, {
    hint: 'choose another name, or add --force',
  });
}

/** The files that an ONNX model needs, opened; each must lie in the model's own folder. */
async function besideOf(
  worker: ConfinedWorker,
  of: { readonly path: string; readonly file: OpenSource; readonly opened: OpenSource[] },
  { signal }: Terminal,
): Promise<Record<string, OpenSource>> {
  const { path, file, opened } = of;
  const call = { sources: { file }, signal, timeoutMs };
  const names = await worker.call<readonly string[]>('beside', { path }, call);
  if (names.length > filesBesideMax) {
    throw new PlatformError('too-large', `the model needs ${names.length} files beside it`);
  }
  const folder = realpathSync(dirname(resolve(path)));
  const sources: Record<string, OpenSource> = {};
  for (const name of names) {
    const place = join(folder, name);
    requireFile(place, 'the file beside the model');
    const inside = realpathSync(place).startsWith(folder + sep);
    if (!inside || !lstatSync(place).isFile()) {
      throw new PlatformError('unsafe', `"${name}" beside the model is a link out of its folder`, {
        hint: 'put the file itself beside the model',
      });
    }
    const source = await openSource(place);
    opened.push(source);
    sources[`beside:${name}`] = source;
  }
  return sources;
}

async function rescan(
  worker: ConfinedWorker,
  out: string,
  { signal }: Terminal,
): Promise<FileReport> {
  const source = await openSource(out);
  try {
    const request = { source, path: out, profile: 'ml', signal, timeoutMs } as const;
    return (await scanConfined(worker, request)) ?? crashReport(out, source.size);
  } finally {
    await source.close();
  }
}
