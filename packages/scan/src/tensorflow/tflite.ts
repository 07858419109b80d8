/**
 * Audits TensorFlow Lite models (schema.fbs, version 3): which operators the interpreter must
 * bring.
 */

import { windowOf } from '@merlon/core';
import { giveUp, memberName, type Place, tell } from '../audit.ts';
import { latin1 } from '../bytes.ts';
import { scanDescription } from '../text/configuration.ts';
import { pattern } from '../text/pattern.ts';
import { FlatBuffer, MalformedBuffer, type Table } from '../wire/flatbuffer.ts';
import { operatorFault } from './operators.ts';

const customCode = 32;
/** Operators that the library of TensorFlow Lite itself brings under a name of their own. */
const usual = pattern('tflite.usual');

/** True for the identifier of a model. */
export function looksLikeTflite(head: Uint8Array): boolean {
  return latin1(head.subarray(4, 8)) === 'TFL3';
}

/** Audits operators, descriptions and the bytes that stand beside the weights. */
export async function scanTflite(place: Place): Promise<void> {
  const buffer = new FlatBuffer(place.source);
  try {
    const model = await buffer.root();
    const codes = await model.count(1);
    for await (const code of model.tables(1)) await scanOperator(place, code);
    const description = await model.text(3);
    if (description !== null) scanDescription(place, 'description', description, 'description');
    const buffers = await model.count(4);
    for await (const graph of model.tables(2)) await scanSubgraph(graph, { codes, buffers });
    await scanBuffers(place, model);
    for await (const metadata of model.tables(6)) {
      const name = await metadata.text(0);
      if (name !== null) scanDescription(place, 'metadata', name, 'metadata');
    }
  } catch (thrown) {
    if (!(thrown instanceof MalformedBuffer)) throw thrown;
    tell(place, 'MRL-TFL-001', { evidence: thrown.message });
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
}

async function scanOperator(place: Place, code: Table): Promise<void> {
  const builtin = Math.max(await code.number(0, 1), await code.number(3, 4));
  const custom = await code.text(1);
  if (builtin !== customCode && custom === null) return;
  if (custom === null || custom === '') {
    if (builtin === customCode)
      tell(place, 'MRL-CUS-001', { evidence: 'a custom operator without a name' });
    return;
  }
  const flex = /^Flex(\w+)$/.exec(custom)?.[1];
  const fault = operatorFault(flex ?? custom);
  if (fault !== null) {
    const { severity, why } = fault;
    tell(place, 'MRL-TFS-001', { evidence: `${custom} (${why})`, severity });
  } else if (flex !== undefined) {
    tell(place, 'MRL-CUS-001', {
      evidence: `${custom}, an operator of TensorFlow itself`,
      severity: 'low',
    });
  } else if (!usual.test(custom)) tell(place, 'MRL-CUS-001', { evidence: custom });
}

/** Indexes that point outside of their lists are what attacks on interpreters begin with. */
async function scanSubgraph(
  graph: Table,
  { codes, buffers }: { readonly codes: number; readonly buffers: number },
): Promise<void> {
  for await (const operator of graph.tables(3)) {
    if ((await operator.number(0, 4)) >= codes)
      throw new MalformedBuffer('an operator without a code');
  }
  for await (const tensor of graph.tables(0)) {
    if ((await tensor.number(2, 4)) >= Math.max(1, buffers)) {
      throw new MalformedBuffer('a tensor without its bytes');
    }
  }
}

async function scanBuffers(place: Place, model: Table): Promise<void> {
  let index = 0;
  for await (const each of model.tables(4)) {
    const found = await each.bytes(0);
    index++;
    if (found === null || found.length < 8) continue;
    if (found.at + found.length > place.source.size)
      throw new MalformedBuffer('weights lie outside');
    const head = await place.source.read(found.at, 4);
    // Weights are numbers; only what begins as something else is looked at.
    const isOther =
      head[0] === 0x80 || latin1(head) === '\x7fELF' || latin1(head.subarray(0, 2)) === 'PK';
    if (!isOther || place.depth >= place.audit.limits.depthMax) continue;
    const source = windowOf(place.source, found.at, found.length);
    const member = memberName(place, `buffer ${index - 1}`);
    await place.descend({ ...place, source, member, origin: 0, depth: place.depth + 1, raw: true });
  }
}
