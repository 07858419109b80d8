/** What can be wrong with a data set or with the schema that describes it. */
import { MerlonError } from '@merlon/core';

/** Codes of data faults: the file, its values, or the schema. */
export type DataErrorCode =
  | 'bad-value'
  | 'column-not-found'
  | 'empty-data'
  | 'invalid-data'
  | 'invalid-schema'
  | 'too-large'
  | 'truncated-data'
  | 'unsupported-data';

/** The data cannot be used as they are; the message names the place, the hint what to do. */
export class DataError extends MerlonError<DataErrorCode> {}

const shownMax = 3;

/** Gathers faults so that a reader learns of all of them at once. */
export interface Faults {
  add(message: string): void;
  /** Throws one error for everything that was added; returns when nothing was. */
  refuse(code: DataErrorCode, hint: string): void;
}

/** An empty collection of faults; the error names the first few and counts the rest. */
export function faults(): Faults {
  const shown: string[] = [];
  let count = 0;
  return {
    add: (message) => {
      if (shown.length < shownMax) shown.push(message);
      count++;
    },
    refuse: (code, hint) => {
      if (count === 0) return;
      const rest = count > shown.length ? `; and ${count - shown.length} more` : '';
      throw new DataError(code, `${shown.join('; ')}${rest}`, { hint });
    },
  };
}
