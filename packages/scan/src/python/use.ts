/** What reading a source gives: calls, imports, ways to the inside of Python. */
import type { Value } from './value.ts';

/** A call, or a function handed on for somebody else to call. */
export interface Use {
  readonly kind: 'called' | 'handed';
  readonly path: string;
  readonly args: readonly Value[];
  /** Names of keyword arguments with their values. */
  readonly keywords: ReadonlyMap<string, Value>;
  readonly offset: number;
  /** True when the function was reached around its name. */
  readonly hidden: boolean;
  /** The function of the file around it; empty outside of all. */
  readonly within: string;
  /** True when importing the file is enough for it to happen. */
  readonly atImport: boolean;
}

/** What a source does. */
export interface Reading {
  readonly uses: readonly Use[];
  /** Dotted names that it imports, with their places. */
  readonly imports: readonly { readonly path: string; readonly offset: number }[];
  /** Attributes that lead to the inside of Python, with their places. */
  readonly inside: readonly { readonly chain: string; readonly offset: number }[];
}
