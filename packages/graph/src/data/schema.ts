/**
 * Schemas say what the numbers of a data set mean: for tables the columns, what may change and
 * what must hold between them; for images the shape and range. They are JSON files written by
 * people, so that every fault is collected and named.
 */
import { isJsonObject, type Json, type JsonObject, messageOf } from '@merlon/core';
import { DataError, type Faults, faults } from './error.ts';
import { type LinearRelation, parseRelation } from './relation.ts';

/** One column of a table, in the order of the model's input. */
export interface FeatureSchema {
  readonly name: string;
  readonly type: 'real' | 'integer' | 'categorical';
  /** Texts of a categorical column; the model sees the position in this list. */
  readonly categories?: readonly string[];
  /** Least value allowed (categorical: 0). */
  readonly min: number;
  /** Greatest value allowed (categorical: number of categories − 1). */
  readonly max: number;
  /** Whether whoever the row describes could bring another value about. */
  readonly mutable: boolean;
  /** Values that somebody chooses are `min + k·step`; absent for a continuous real column. */
  readonly step?: number;
  /** The only way in which the value can change; absent when both are possible. */
  readonly direction?: 'increase' | 'decrease';
  /** What changing it by its whole range costs, beside the others (default 1). */
  readonly cost?: number;
}

/** What holds between two columns of every row: left ≤ right. */
export interface Relation {
  readonly kind: 'lessOrEqual';
  readonly left: string;
  readonly right: string;
}

/** Describes a table of one row a sample. */
export interface TableSchema {
  readonly kind: 'table';
  readonly features: readonly FeatureSchema[];
  readonly relations: readonly Relation[];
  /** Relations between more than two columns, or with numbers in them. */
  readonly linear?: readonly LinearRelation[];
  /** Groups of columns of which one is 1 and the others 0. */
  readonly groups?: readonly (readonly string[])[];
  readonly label: { readonly name: string; readonly classes: readonly string[] };
}

/** Describes images (or any dense tensor): shape of one sample and the range of every element. */
export interface ImageSchema {
  readonly kind: 'image';
  readonly input: {
    readonly shape: readonly number[];
    readonly min: number;
    readonly max: number;
  };
  readonly label: { readonly classes: readonly string[] };
}

/** Either kind of schema. */
export type DataSchema = TableSchema | ImageSchema;

/**
 * Reads a schema file (JSON text or its bytes). Throws `DataError` `invalid-schema` that lists
 * the faults found.
 */
export function readSchema(source: string | Uint8Array): DataSchema {
  const root = parseJson(source);
  const found = faults();
  const schema = isJsonObject(root) ? readRoot(root, found) : undefined;
  if (schema === undefined) {
    found.add('schema expected an object with "features" (a table) or "input" (images)');
  }
  found.refuse('invalid-schema', 'Correct the schema file; models/README.md describes the fields.');
  if (schema === undefined) throw new DataError('invalid-schema', 'schema cannot be read');
  return schema;
}

function parseJson(source: string | Uint8Array): unknown {
  try {
    const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
    return JSON.parse(text);
  } catch (error) {
    throw new DataError('invalid-schema', `schema expected JSON: ${messageOf(error)}`, {
      hint: 'Correct the schema file.',
      cause: error,
    });
  }
}

function readRoot(root: JsonObject, found: Faults): DataSchema | undefined {
  const label = isJsonObject(root.label) ? root.label : {};
  const classes = texts(label.classes, '"label.classes"', found);
  if (root.features !== undefined) {
    const features = list(root.features, '"features"', found).flatMap((value, i) =>
      readFeature(value, `features[${i}]`, found),
    );
    unique(
      features.map((feature) => feature.name),
      '"features"',
      found,
    );
    const name = label.name;
    if (typeof name !== 'string') found.add('"label.name" expected the name of the label column');
    const { relations, linear } = readRelations(root.relations, features, found);
    const groups = readGroups(root.groups, features, found);
    return {
      kind: 'table',
      features,
      relations,
      ...(linear.length > 0 && { linear }),
      ...(groups.length > 0 && { groups }),
      label: { name: typeof name === 'string' ? name : '', classes },
    };
  }
  if (!isJsonObject(root.input)) return undefined;
  const { shape, min, max } = root.input;
  const sizes = list(shape, '"input.shape"', found);
  if (!sizes.every((size) => Number.isSafeInteger(size) && Number(size) > 0)) {
    found.add('"input.shape" expected positive integers');
  }
  return {
    kind: 'image',
    input: { shape: sizes.map(Number), ...range(min, max, 'input', found) },
    label: { classes },
  };
}

function readFeature(value: Json, place: string, found: Faults): FeatureSchema[] {
  if (!isJsonObject(value) || typeof value.name !== 'string' || value.name === '') {
    found.add(`"${place}" expected an object with a "name"`);
    return [];
  }
  const { name, type, mutable } = value;
  if (typeof mutable !== 'boolean') found.add(`"${name}.mutable" expected true or false`);
  const common = { name, mutable: mutable === true, ...readMoves(value, name, found) };
  if (type === 'categorical') {
    const categories = texts(value.categories, `"${name}.categories"`, found);
    return [{ ...common, type, categories, min: 0, max: Math.max(0, categories.length - 1) }];
  }
  if (type !== 'real' && type !== 'integer') {
    found.add(`"${name}.type" expected "real", "integer" or "categorical", got ${shown(type)}`);
    return [];
  }
  const limits = range(value.min, value.max, name, found);
  if (type === 'integer' && !(Number.isSafeInteger(limits.min) && Number.isSafeInteger(limits.max)))
    found.add(`"${name}" is an integer: "min" and "max" expected integers`);
  const step = value.step ?? (type === 'integer' ? 1 : undefined);
  if (step === undefined) return [{ ...common, type, ...limits }];
  if (typeof step !== 'number' || !(step > 0) || (type === 'integer' && !Number.isInteger(step))) {
    const kind = type === 'integer' ? 'positive integer' : 'positive number';
    found.add(`"${name}.step" expected a ${kind}, got ${shown(step)}`);
    return [];
  }
  return [{ ...common, type, ...limits, step }];
}

function readMoves(value: JsonObject, name: string, found: Faults) {
  const { direction, cost } = value;
  const known = direction === 'increase' || direction === 'decrease';
  if (direction !== undefined && (!known || value.type === 'categorical')) {
    const wanted = 'expected "increase" or "decrease" of a number';
    found.add(`"${name}.direction" ${wanted}, got ${shown(direction)}`);
  }
  if (cost !== undefined && !(typeof cost === 'number' && cost > 0)) {
    found.add(`"${name}.cost" expected a positive number, got ${shown(cost)}`);
  }
  return {
    ...(known && ({ direction } as const)),
    ...(typeof cost === 'number' && { cost }),
  };
}

function readRelations(
  value: Json | undefined,
  features: readonly FeatureSchema[],
  found: Faults,
): { relations: Relation[]; linear: LinearRelation[] } {
  const relations: Relation[] = [];
  const linear: LinearRelation[] = [];
  const types = new Map(features.map(({ name, type }) => [name, type]));
  const numeric = (names: readonly string[], place: string) => {
    for (const name of names) {
      const type = types.get(name);
      if (type === undefined || type === 'categorical') {
        found.add(`"${place}" expected numeric features, got "${name}"`);
      }
    }
  };
  for (const [i, item] of (value === undefined
    ? []
    : list(value, '"relations"', found, 0)
  ).entries()) {
    const place = `relations[${i}]`;
    if (typeof item === 'string') {
      const parsed = parseRelation(item);
      if (typeof parsed === 'string') found.add(`"${place}" ${parsed}`);
      else {
        const names = parsed.terms.map(({ feature }) => feature);
        numeric(names, place);
        linear.push(parsed);
      }
      continue;
    }
    const { kind, left, right } = isJsonObject(item) ? item : {};
    if (kind !== 'lessOrEqual' || typeof left !== 'string' || typeof right !== 'string') {
      const wanted = '{"kind":"lessOrEqual","left":…,"right":…}';
      found.add(`"${place}" expected ${wanted} or a text such as "total = a + b"`);
      continue;
    }
    numeric([left, right], place);
    relations.push({ kind, left, right });
  }
  return { relations, linear };
}

/** One-hot groups: numeric columns that take 0 and 1, each in one group at most. */
function readGroups(
  value: Json | undefined,
  features: readonly FeatureSchema[],
  found: Faults,
): string[][] {
  if (value === undefined) return [];
  const byName = new Map(features.map((feature) => [feature.name, feature]));
  const groups = list(value, '"groups"', found, 0).map((group, i) => {
    const names = texts(group, `"groups[${i}]"`, found);
    for (const name of names) {
      const { type, min, max } = byName.get(name) ?? {};
      if (type === 'integer' && min === 0 && max === 1) continue;
      const got = type === undefined ? 'no feature' : `${type}, min ${min}, max ${max}`;
      found.add(`"groups[${i}]" expected integers from 0 to 1, "${name}" is ${got}`);
    }
    const mutables = new Set(names.map((name) => byName.get(name)?.mutable));
    if (mutables.size > 1) found.add(`"groups[${i}]" expected all or none of it to be mutable`);
    return names;
  });
  unique(groups.flat(), '"groups"', found);
  return groups;
}

function range(min: unknown, max: unknown, name: string, found: Faults) {
  const ok = typeof min === 'number' && typeof max === 'number' && min <= max;
  if (!ok) {
    found.add(`"${name}" expected numbers "min" ≤ "max", got ${shown(min)} and ${shown(max)}`);
  }
  return { min: Number(min), max: Number(max) };
}

function list(value: Json | undefined, name: string, found: Faults, lengthMin = 1): Json[] {
  if (Array.isArray(value) && value.length >= lengthMin) return value;
  found.add(`${name} expected a list, got ${shown(value)}`);
  return [];
}

function texts(value: Json | undefined, name: string, found: Faults): string[] {
  const items = list(value, name, found);
  if (!items.every((item) => typeof item === 'string')) found.add(`${name} expected texts`);
  const strings = items.map(String);
  unique(strings, name, found);
  return strings;
}

function unique(names: readonly string[], place: string, found: Faults): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) found.add(`${place} names "${twice}" twice`);
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60);
}
