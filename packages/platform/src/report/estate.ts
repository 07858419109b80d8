/** What a report is made of: versions with all that is known of them, as the API tells it. */
import { type Finding, type Json, type JsonObject, severities } from '@merlon/core';
import { stands } from '../findings/track.ts';
import type { Acceptance, FindingState, StepName, StepState } from '../model.ts';

/** A version and its whole way so far. */
export interface ReportedVersion {
  readonly id: string;
  readonly name: string;
  readonly kind: 'model' | 'data';
  readonly number: number;
  readonly parentId: string | null;
  readonly state: string;
  readonly digest: string | null;
  readonly bytes: number;
  readonly createdAt: string;
  readonly steps: readonly ReportedStep[];
  readonly files: readonly { readonly path: string; readonly digest: string }[];
  readonly findings: readonly ReportedFinding[];
  readonly approvals: readonly {
    readonly userName: string;
    readonly comment: string;
    readonly at: string;
  }[];
  readonly data: readonly { readonly dataVersionId: string; readonly use: string }[];
  readonly signed: boolean;
}

/** A finding as it stands in a version. */
export interface ReportedFinding extends Finding {
  readonly state: FindingState;
  readonly acceptance: Pick<Acceptance, 'byName' | 'why' | 'until'> | null;
}

/** A step that was begun. */
export interface ReportedStep {
  readonly step: StepName;
  readonly state: StepState;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly result: JsonObject;
}

/** Everything that a report shows. */
export interface Estate {
  readonly versions: readonly ReportedVersion[];
  readonly incidents: readonly ReportedIncident[];
}

/** An incident of one of the versions. */
export interface ReportedIncident {
  readonly id: string;
  readonly versionId: string;
  readonly title: string;
  readonly severity: string;
  readonly state: string;
  readonly detectedAt: string;
  readonly containedAt: string | null;
}

/** A measured accuracy of a version. */
export interface Measure {
  /** What was measured, in the words of the field. */
  readonly name: string;
  readonly share: number;
  /** Under which attack and radius; empty for all of them. */
  readonly under: string;
}

/** Clean and robust accuracy, and what each attack left. */
export function measuresOf({ steps }: ReportedVersion): Measure[] {
  const result = steps.find(({ step, state }) => step === 'assess' && state === 'done')?.result;
  if (result === undefined) return [];
  const measures: Measure[] = [];
  const add = (name: string, share: Json | undefined, under: string): void => {
    if (typeof share === 'number') measures.push({ name, share, under });
  };
  add('accuracy', result.cleanAccuracy, '');
  add('robust accuracy', result.robustAccuracy, '');
  const attacks = Array.isArray(result.attacks) ? (result.attacks as JsonObject[]) : [];
  for (const { name, norm, epsilon, robustAccuracy } of attacks) {
    const radius = typeof epsilon === 'number' ? ` ${Number(epsilon.toPrecision(4))}` : '';
    add('robust accuracy', robustAccuracy, `${String(name)}, ${String(norm)}${radius}`);
  }
  return measures;
}

/** The gravest severity among open findings, or null. */
export function worstOpen({ findings }: ReportedVersion): string | null {
  const open = findings.filter(({ state }) => stands(state));
  return severities.toReversed().find((each) => open.some((f) => f.severity === each)) ?? null;
}
