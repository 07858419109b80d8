/**
 * TensorFlow SavedModels (saved_model.proto) have no full reader here, so their verdict is
 * `not-understood` at best; what is told are operators that leave the graph.
 */
import { giveUp, notUnderstood, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { MalformedMessage, nextField, textField } from '../format/protobuf.ts';

type MessageName = 'saved' | 'meta' | 'graph' | 'library' | 'function' | 'node';

const inner: Readonly<Record<MessageName, Readonly<Record<number, MessageName>>>> = {
  saved: { 2: 'meta' },
  meta: { 2: 'graph' },
  graph: { 1: 'node', 2: 'library' },
  library: { 1: 'function' },
  function: { 3: 'node' },
  node: {},
};
const pythonOperators = /^(PyFunc|PyFuncStateless|EagerPyFunc|NumpyFunc)$/;
const fileOperators = /^(ReadFile|WriteFile|MatchingFiles|PrintV2|DebugIdentity.*|RpcCall)$/;
const fieldsMax = 20_000_000;

/** True when the bytes are a SavedModel by their structure. */
export async function probeSavedModel(cursor: Cursor): Promise<boolean> {
  let graphs = 0;
  try {
    for (;;) {
      const field = await nextField(cursor, cursor.size);
      if (field === null) return graphs > 0;
      if (field.number === 1 && field.wire === 0 && field.value === 1) continue;
      if (field.number !== 2 || field.wire !== 2) return false;
      if (!(await isMetaGraph(cursor, field.length))) return false;
      graphs++;
    }
  } catch (thrown) {
    if (thrown instanceof MalformedMessage) return false;
    throw thrown;
  }
}

/** Looks for operators that leave the graph. */
export async function scanSavedModel(place: Place): Promise<void> {
  notUnderstood(place, 'SavedModel is only searched for dangerous operators');
  const cursor = new Cursor(place.source);
  const budget = { fields: 0 };
  try {
    await walk(place, cursor, { name: 'saved', end: cursor.size }, budget);
  } catch (thrown) {
    if (!(thrown instanceof MalformedMessage)) throw thrown;
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
}

async function isMetaGraph(cursor: Cursor, length: number): Promise<boolean> {
  const end = cursor.at + length;
  for (;;) {
    const field = await nextField(cursor, end);
    if (field === null) return true;
    if (field.number > 7 || field.wire !== 2) return false;
    cursor.skip(field.length);
  }
}

async function walk(
  place: Place,
  cursor: Cursor,
  message: { readonly name: MessageName; readonly end: number },
  budget: { fields: number },
): Promise<void> {
  for (;;) {
    const field = await nextField(cursor, message.end);
    if (field === null) return;
    if (++budget.fields > fieldsMax) throw new MalformedMessage('too many fields');
    if (field.wire !== 2) continue;
    const from = cursor.at;
    const next = inner[message.name][field.number];
    const end = from + field.length;
    if (next !== undefined) await walk(place, cursor, { name: next, end }, budget);
    else if (message.name === 'node' && field.number === 2) {
      const operator = await textField(cursor, field.length, 256);
      tellOperator(place, operator, from);
    }
    cursor.seek(end);
  }
}

function tellOperator(place: Place, operator: string, offset: number): void {
  if (pythonOperators.test(operator)) tell(place, 'MRL-TFS-001', { evidence: operator, offset });
  else if (fileOperators.test(operator)) {
    tell(place, 'MRL-TFS-001', { evidence: operator, offset, severity: 'medium' });
  }
}
