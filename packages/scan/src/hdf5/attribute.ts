/**
 * Attributes of HDF5 objects (specification, IV.A.2.m): the texts among them are configurations.
 */
import { memorySource } from '@merlon/core';
import { memberName, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { probePickle, scanPickle } from '../pickle/scan.ts';
import { scanConfiguration, scanDescription } from '../text/configuration.ts';
import { parseJson } from '../text/json.ts';
import { scanYaml } from '../text/yaml.ts';
import { type Block, type Hdf5File, MalformedFile } from './file.ts';
import { globalObject } from './heap.ts';

const textClass = 3;
const opaqueClass = 5;
const variableClass = 9;
/** Nothing shorter imports anything. */
const pickleBytesMin = 8;
const textBytesMax = 1 << 26;
const textsMax = 10_000;

/** Reads one attribute and audits it when it is text. */
export async function attributeText(
  place: Place,
  file: Hdf5File,
  block: Block,
  path: string,
): Promise<void> {
  const version = block.number(1);
  if (version < 1 || version > 3) throw new MalformedFile('attribute of an unknown version');
  const flags = block.number(1);
  const sizes = [block.number(2), block.number(2), block.number(2)].map((each) =>
    Math.max(0, each),
  );
  if (version === 3) block.skip(1);
  const [nameBytes = 0, typeBytes = 0, spaceBytes = 0] = sizes;
  const padded = (bytes: number): number => (version === 1 ? Math.ceil(bytes / 8) * 8 : bytes);
  const name = new TextDecoder().decode(block.take(padded(nameBytes))).replace(/\0.*$/s, '');
  const type = block.part(padded(typeBytes));
  const space = block.part(padded(spaceBytes));
  // A type or a space that is shared stands elsewhere; its attribute holds no configuration.
  if (flags !== 0) return;
  const kind = type.number(1) & 15;
  const isText = (type.number(1) & 15) === 1;
  type.skip(2);
  const itemBytes = type.number(4);
  const count = countOf(space);
  const values: Uint8Array[] = [];
  if (kind === textClass || kind === opaqueClass) {
    for (let i = 0; i < count && block.left >= itemBytes && itemBytes > 0; i++) {
      values.push(block.take(itemBytes));
    }
  } else if (kind === variableClass && isText) {
    for (let i = 0; i < count && block.left >= 8 + file.sizes.offset; i++) {
      values.push(await variableBytes(file, block));
    }
  }
  const pointer = `${path}@${name}`;
  for (const value of values.slice(0, textsMax)) {
    if (!(await scanObject(place, value, pointer))) scanText(place, name, decoded(value), pointer);
  }
}

/** PyTables unpickles attributes when they are read; true for one that is a pickle. */
async function scanObject(place: Place, value: Uint8Array, pointer: string): Promise<boolean> {
  if (value.length < pickleBytesMin) return false;
  const source = memorySource(value);
  const { isPickle } = await probePickle(new Cursor(source), place.audit.policy);
  if (isPickle)
    await scanPickle({ ...place, source, member: memberName(place, pointer), origin: 0 });
  return isPickle;
}

function scanText(place: Place, name: string, text: string, pointer: string): void {
  if (/^(cloud)?pickle\b|^(dill|joblib|marshal)\b/i.test(text)) {
    tell(place, 'MRL-HDF-003', { evidence: `${name} = ${text}`, pointer });
  }
  const parsed = /^\s*[{[]/.test(text) ? parseJson(text) : null;
  if (parsed === null) {
    scanDescription(place, name, text, pointer);
    // Loaders of old took a configuration in YAML as well.
    if (/!!|%TAG|!</.test(text)) scanYaml(place, text);
    return;
  }
  for (const duplicate of parsed.duplicates) {
    tell(place, 'MRL-JSN-001', { evidence: duplicate, pointer });
  }
  scanConfiguration(place, parsed.value);
}

async function variableBytes(file: Hdf5File, block: Block): Promise<Uint8Array> {
  const bytes = block.number(4);
  const address = block.address();
  const index = block.number(4);
  if (bytes <= 0 || address <= 0) return new Uint8Array(0);
  if (bytes > textBytesMax) throw new MalformedFile('a text is too long');
  return (await globalObject(file, address, index)).subarray(0, bytes);
}

function countOf(space: Block): number {
  const version = space.number(1);
  const rank = space.number(1);
  space.skip(version === 1 ? 6 : 2);
  let count = 1;
  for (let i = 0; i < rank; i++) count *= Math.max(0, space.length());
  return Math.min(count, textsMax);
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\0+$/, '');
}
