/**
 * The one list of the order of packages. A package may import those listed in its row and nothing
 * else of ours; every row points downwards only.
 */
import { stepNames } from '../packages/platform/src/model.ts';

/** Which packages each may import. */
export const order = {
  core: [],
  graph: ['core'],
  vault: ['core', 'graph'],
  scan: ['core', 'graph'],
  access: ['core'],
  attack: ['core', 'graph'],
  harden: ['core', 'graph', 'attack'],
  monitor: ['core'],
  exchange: ['core'],
  platform: ['core', 'graph', 'vault', 'scan', 'access', 'attack', 'harden', 'monitor', 'exchange'],
  console: [],
} as const satisfies Record<string, readonly string[]>;

/** Names of our packages, as folder names. */
export type PackageName = keyof typeof order;

/** The name that a package has for importers. */
export function packageSpecifier(name: string): string {
  return name === 'platform' ? 'merlon' : `@merlon/${name}`;
}

/** Limits of size; where a file must exceed one, it stands in `exceptions` with its reason. */
export const limits = {
  linesPerFileMax: 400,
  linesPerFunctionMax: 70,
  columnsMax: 100,
  filesPerFolderMax: 20,
} as const;

/** Files that may exceed a limit, each with the reason. */
export const exceptions: Readonly<Record<string, string>> = {};

/**
 * Inside the platform a step of the journey imports engines, the model, and interfaces; never
 * another step, never an adapter. `main.ts` alone joins them.
 */
export const steps = stepNames;

/** Platform folders that hold adapters: only `main.ts`, command line and tests may name them. */
export const adapters = [
  'store/sqlite',
  'store/postgres',
  'blob/file',
  'blob/s3',
  'bus/local',
  'bus/nats',
] as const;
