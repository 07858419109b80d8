/**
 * Models of protocol buffers besides ONNX and TensorFlow: CoreML (Model.proto) and Paddle
 * (framework.proto). What matters in both is which layers the loading program must bring.
 */

import { giveUp, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { scanDescription } from '../text/configuration.ts';
import { pattern } from '../text/pattern.ts';
import {
  MalformedMessage,
  type Message,
  type Schema,
  shapeOf,
  walkMessages,
} from '../wire/protobuf.ts';

/** Kinds told apart here. */
export type MessageKind = 'coreml' | 'paddle';

const schemas: Readonly<Record<MessageKind, Schema>> = {
  coreml: {
    model: {
      inner: {
        2: 'description',
        200: 'classifier',
        201: 'pipeline',
        202: 'pipeline',
        303: 'network',
        403: 'network',
        500: 'network',
        501: 'pipelines',
        502: 'program',
        555: 'custom',
        556: 'linked',
      },
    },
    description: { inner: { 100: 'metadata' } },
    metadata: { inner: { 100: 'entry' }, texts: [1, 2, 3, 4] },
    entry: { texts: [1, 2] },
    classifier: { inner: { 1: 'pipelines' } },
    pipeline: { inner: { 1: 'pipelines' } },
    pipelines: { inner: { 1: 'model' }, texts: [2] },
    network: { inner: { 1: 'layer' } },
    layer: { inner: { 500: 'customLayer' }, texts: [1] },
    customLayer: { texts: [10, 40] },
    custom: { texts: [10, 40] },
    linked: { inner: { 1: 'linkedFile' } },
    linkedFile: { inner: { 1: 'parameter', 2: 'parameter' } },
    parameter: { texts: [1] },
    program: {},
  },
  paddle: {
    program: { inner: { 1: 'block' } },
    block: { inner: { 4: 'operator' } },
    operator: { inner: { 4: 'attribute' }, texts: [3] },
    attribute: { texts: [1, 5, 8] },
  },
};
const roots: Readonly<Record<MessageKind, string>> = { coreml: 'model', paddle: 'program' };
const paddlePython = /^(py_func|py_layer|pylayer|custom_\w+|run_program)$/;
const paddleFiles = pattern('messages.paddleFiles');

/** Which of the two the bytes are by their structure, or null. */
export async function probeMessage(cursor: Cursor): Promise<MessageKind | null> {
  const source = cursor.source;
  const fields = await shapeOf(cursor, cursor.size, 64);
  const [first] = fields ?? [];
  if (fields === null || first === undefined) return null;
  const version = first.number === 1 && first.wire === 0 && first.value > 0 && first.value < 64;
  const kinds = fields.filter(({ number }) => number >= 200 && number <= 3000);
  const others = fields.every(
    ({ number, wire }) => number <= 2 || number === 10 || (number >= 200 && wire === 2),
  );
  if (version && kinds.length >= 1 && others) return 'coreml';
  const isProgram = fields.every(
    ({ number, wire }) => (number === 1 || number === 4 || number === 5) && wire === 2,
  );
  if (!isProgram || first.number !== 1) return null;
  const inner = await shapeOf(
    new Cursor(source, cursorAfterTag(first.length, source.size)),
    source.size,
    2,
  );
  const [index, parent] = inner ?? [];
  const isBlock =
    index?.number === 1 && index.wire === 0 && parent?.number === 2 && parent.wire === 0;
  return isBlock ? 'paddle' : null;
}

/** Audits the model. */
export async function scanMessage(place: Place, kind: MessageKind): Promise<void> {
  try {
    const cursor = new Cursor(place.source);
    await walkMessages(cursor, schemas[kind], roots[kind], (message) =>
      leave(place, kind, message),
    );
  } catch (thrown) {
    if (!(thrown instanceof MalformedMessage)) throw thrown;
    tell(place, 'MRL-MSG-001', { evidence: thrown.message });
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
  place.audit.dataBytes.count += place.source.size;
}

function leave(place: Place, kind: MessageKind, message: Message): void {
  const texts = [...message.texts.values()].flat();
  if (message.name === 'customLayer' || message.name === 'custom') {
    const evidence = `the class ${texts[0] ?? 'without a name'}`;
    tell(place, 'MRL-CUS-001', { evidence, offset: message.offset });
  }
  if (message.name === 'parameter') {
    for (const text of texts.filter((each) => /\.\.[/\\]|^[/\\]|^[A-Za-z]:|:\/\//.test(each))) {
      tell(place, 'MRL-ONX-001', { evidence: text, offset: message.offset });
    }
  }
  if (kind === 'paddle' && message.name === 'operator') leaveOperator(place, message);
  const described =
    message.name === 'metadata' || message.name === 'entry' || message.name === 'attribute';
  if (described)
    for (const text of texts)
      if (text.length >= 8) scanDescription(place, message.name, text, message.name);
}

function leaveOperator(place: Place, message: Message): void {
  const [operator = ''] = message.texts.get(3) ?? [];
  const offset = message.offset;
  if (paddlePython.test(operator)) {
    tell(place, 'MRL-TFS-001', { evidence: `${operator} (calls Python)`, offset });
  } else if (paddleFiles.test(operator)) {
    tell(place, 'MRL-TFS-001', { evidence: `${operator} (touches files or the network)`, offset });
  }
}

function cursorAfterTag(length: number, size: number): number {
  let lengthBytes = 1;
  for (let rest = length; rest >= 128; rest = Math.floor(rest / 128)) lengthBytes++;
  return Math.min(size, 1 + lengthBytes);
}
