/** What makes two runs the same run: all that their weights depend on, as one digest. */
import { canonicalJson, digestOf, type Json, utf8 } from '@merlon/core';
import type { Batch } from '../batch.ts';
import type { TrainSettings } from '../request.ts';

/**
 * Digest of model, rows, options and seed. Left out are threads, signal and the like: a run may go
 * on elsewhere, where with other threads sums may round otherwise.
 */
export function settingsDigest(settings: TrainSettings): string {
  const { x, labels, shape, validation, model, random, ...options } = settings;
  const { threads: _, onProgress: __, signal: ___, checkpoint: ____, ...chosen } = options;
  const known = {
    model: digestOf(model),
    rows: rowsDigest({ x, labels, shape }),
    validation: validation === undefined ? null : rowsDigest(validation),
    // Streams are named by their use and differ by their seed alone.
    seed: Array.from({ length: 4 }, (_, i) => random.fork(`same run ${i}`).uint32()),
    options: plain(chosen),
  };
  return digestOf(utf8(canonicalJson(known)));
}

/** Infinity, which patience may be, is no JSON. */
function plain(options: object): Json {
  const text = JSON.stringify(options, (_, value: unknown) =>
    value === Infinity ? 'infinity' : value,
  );
  return JSON.parse(text) as Json;
}

function rowsDigest({ x, labels, shape }: Batch): string {
  const bytes = [x, labels].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return digestOf(utf8([...bytes.map((each) => digestOf(each)), shape.join()].join(' ')));
}
