/** Scans one file through a source. */
import { fromUtf8, readAll } from '@merlon/core';
import {
  type Advisories,
  type FileReport,
  type PolicyDocument,
  readAdvisories,
  scanSource,
} from '@merlon/scan';
import type { TaskContext } from '../task.ts';

/** Which file, under which profile. */
export interface ScanInput {
  readonly path: string;
  readonly profile: 'ml' | 'strict';
  readonly policy?: PolicyDocument;
  /** Digest of the advisories in the source of that name; none without it. */
  readonly advisories?: string;
}

const advisoriesBytesMax = 2 ** 28;
/** Read once for all files of a version. */
let known: { readonly digest: string; readonly advisories: Advisories } | null = null;

/** The report of the source `file`. */
export async function scanTask(input: ScanInput, context: TaskContext): Promise<FileReport> {
  const { advisories: digest, ...rest } = input;
  const nowMs = (): number => performance.now();
  if (digest === undefined) return scanSource(context.source('file'), { ...rest, nowMs });
  if (known?.digest !== digest) {
    const text = fromUtf8(await readAll(context.source('advisories'), advisoriesBytesMax));
    known = { digest, advisories: readAdvisories(text) };
  }
  const { advisories } = known;
  return scanSource(context.source('file'), { ...rest, advisories, nowMs });
}
