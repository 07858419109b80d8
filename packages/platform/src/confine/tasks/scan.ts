/** Scans one file through a source. */
import { type FileReport, type PolicyDocument, scanSource } from '@merlon/scan';
import type { TaskContext } from '../task.ts';

/** Which file, under which profile. */
export interface ScanInput {
  readonly path: string;
  readonly profile: 'ml' | 'strict';
  readonly policy?: PolicyDocument;
}

/** The report of the source `file`. */
export function scanTask(input: ScanInput, context: TaskContext): Promise<FileReport> {
  return scanSource(context.source('file'), { ...input, nowMs: () => performance.now() });
}
