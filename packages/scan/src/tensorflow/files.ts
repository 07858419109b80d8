/**
 * Which files a graph of TensorFlow touches by names that stand in it. Saving and restoring belong
 * to every SavedModel, with a name that the loader hands in; a constant name is the maker's choice.
 */
import { addressKind } from '../text/embedded.ts';
import { isOutside } from '../text/path.ts';

/** A node, as far as files go. */
export interface FileNode {
  readonly name: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  /** Texts among its attributes: the value of a constant, addresses of a listener. */
  readonly texts: readonly string[];
  readonly offset: number;
}

/** A file that a graph touches by a name of its own. */
export interface FileUse {
  readonly severity: 'medium' | 'high';
  readonly evidence: string;
  readonly offset: number;
}

/** Operators that write, with the inputs that say where. */
const writers: Readonly<Record<string, readonly number[]>> = {
  Save: [0],
  SaveSlices: [0],
  SaveV2: [0],
  MergeV2Checkpoints: [0, 1],
  CreateSummaryFileWriter: [1],
  CreateSummaryDbWriter: [1],
};
/** Operators that read. */
const readers: Readonly<Record<string, readonly number[]>> = {
  Restore: [0],
  RestoreSlice: [0],
  RestoreV2: [0],
  InitializeTableFromTextFile: [1],
  InitializeTableFromTextFileV2: [1],
  TextLineDataset: [0],
  TFRecordDataset: [0],
  FixedLengthRecordDataset: [0],
};
/** Operators whose result is made of names that they are given. */
const passes = new Set([
  'Identity',
  'Pack',
  'ConcatV2',
  'ExpandDims',
  'Reshape',
  'StringJoin',
  'ShardedFilename',
  'Squeeze',
]);
const variables = /^(Variable(V2)?|VarHandleOp|ReadVariableOp|AutoReloadVariable)$/;
const nodesMax = 200_000;
const stepsMax = 100;

/** Gathers the nodes of all graphs of a file. */
export class FileUses {
  readonly #nodes = new Map<string, FileNode>();
  readonly #touching: FileNode[] = [];
  /** Constants that loading replaces by the place of an asset. */
  readonly #assets = new Set<string>();
  #hasVariables = false;

  add(node: FileNode): void {
    const { name, operator } = node;
    if (variables.test(operator)) this.#hasVariables = true;
    const touches = Object.hasOwn(writers, operator) || Object.hasOwn(readers, operator);
    const sends = /^Debug(Identity|NumericSummary|NanCount)/.test(operator);
    if (this.#touching.length < nodesMax && (touches || sends)) this.#touching.push(node);
    const kept = operator === 'Const' || passes.has(operator);
    if (kept && this.#nodes.size < nodesMax) this.#nodes.set(name, node);
  }

  asset(tensor: string): void {
    this.#assets.add(bare(tensor));
  }

  /** What the graphs touch; `frozen` is true for a file that should hold constants only. */
  finish(frozen: boolean): FileUse[] {
    const found: FileUse[] = [];
    for (const node of this.#touching) {
      const { operator, offset } = node;
      const writes = writers[operator];
      const indexes = writes ?? readers[operator] ?? [];
      const names = indexes.flatMap((i) => this.#textsOf(node.inputs[i]));
      const places = [...names, ...node.texts.filter((text) => addressKind(text) !== null)];
      const outside = places.find(isOutside);
      if (outside !== undefined) {
        const reads = writes === undefined && Object.hasOwn(readers, operator);
        const severity = reads ? 'medium' : 'high';
        found.push({ severity, evidence: `${operator} at ${outside}`, offset });
      } else if (frozen && !this.#hasVariables && /^(Save|Restore)/.test(operator)) {
        const evidence = `${operator} in a graph without variables`;
        found.push({ severity: 'medium', evidence, offset });
      }
    }
    return found;
  }

  /** Constant texts that reach an input; every node is asked once. */
  #textsOf(input: string | undefined): string[] {
    const found: string[] = [];
    const seen = new Set([bare(input ?? '')]);
    for (const name of seen) {
      const node = this.#nodes.get(name);
      if (node === undefined || this.#assets.has(name)) continue;
      if (node.operator === 'Const') found.push(...node.texts);
      else for (const each of node.inputs) if (seen.size < stepsMax) seen.add(bare(each));
    }
    return found;
  }
}

/** The node of an input: `name`, `name:0`, `name:output:0`, `^name`. */
function bare(input: string): string {
  return input.replace(/^\^/, '').replace(/:.*$/, '');
}
