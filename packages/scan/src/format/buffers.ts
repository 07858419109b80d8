/** Models of flat buffers besides TensorFlow Lite: ExecuTorch programs and CatBoost's own files. */

import { type ByteSource, windowOf } from '@merlon/core';
import { giveUp, type Place, tell } from '../audit.ts';
import { latin1 } from '../bytes.ts';
import { scanDescription } from '../text/configuration.ts';
import { pattern } from '../text/pattern.ts';
import { FlatBuffer, MalformedBuffer, type Table } from '../wire/flatbuffer.ts';

const usualNamespaces = pattern('buffers.usualNamespaces');

/** True for the identifier of an ExecuTorch program. */
export function looksLikeExecutorch(head: Uint8Array): boolean {
  return /^ET\d\d$/.test(latin1(head.subarray(4, 8)));
}

/** True for the magic bytes of a CatBoost model. */
export function looksLikeCatboost(head: Uint8Array): boolean {
  return latin1(head.subarray(0, 4)) === 'CBM1';
}

/** Audits the operators that a program asks for. */
export async function scanExecutorch(place: Place): Promise<void> {
  await guarded(place, async () => {
    const program = await new FlatBuffer(place.source).root();
    for await (const plan of program.tables(1)) {
      for await (const operator of plan.tables(6)) await scanOperator(place, operator);
    }
  });
}

/** Audits what the model says about itself. */
export async function scanCatboost(place: Place): Promise<void> {
  await guarded(place, async () => {
    const size = await new FlatBuffer(place.source).number(4, 4);
    if (8 + size > place.source.size) throw new MalformedBuffer('ends early');
    const core: ByteSource = windowOf(place.source, 8, size);
    const model = await new FlatBuffer(core).root();
    for await (const pair of model.tables(2)) {
      const key = (await pair.text(0)) ?? '';
      const value = (await pair.text(1)) ?? '';
      if (value.length >= 8) scanDescription(place, key, value, key);
    }
  });
}

async function scanOperator(place: Place, operator: Table): Promise<void> {
  const name = (await operator.text(0)) ?? '';
  const [namespace = '', short = ''] = name.split('::');
  if (/^(from_file|save|load)$/.test(short)) {
    tell(place, 'MRL-TFS-001', { evidence: `${name} (reads or writes files)` });
  } else if (name !== '' && !usualNamespaces.test(namespace)) {
    tell(place, 'MRL-CUS-001', { evidence: name });
  }
}

async function guarded(place: Place, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (thrown) {
    if (!(thrown instanceof MalformedBuffer)) throw thrown;
    tell(place, 'MRL-MSG-001', { evidence: thrown.message });
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
  place.audit.dataBytes.count += place.source.size;
}
