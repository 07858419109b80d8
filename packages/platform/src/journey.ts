/**
 * The way of a model version: ten steps in order, what each needs, and how it begins. A hardened
 * model is a new version and starts again at scan. This table is what everything else follows.
 */
import { assessStep } from './assess/assess.ts';
import { hardenStep } from './harden/harden.ts';
import type { JobStep } from './jobs/step.ts';
import type { StepName, Version } from './model.ts';
import { scanStep } from './scan/scan.ts';
import { sealStep } from './seal/seal.ts';
import type { Store } from './store/store.ts';

/** A step of the journey. */
export interface JourneyStep {
  readonly name: StepName;
  /** One sentence for people. */
  readonly does: string;
  /** What begins it: an upload, the step before, a wish, a person, requests, or an alarm. */
  readonly begins: 'upload' | 'by itself' | 'on request' | 'by a person' | 'by traffic';
  /** Steps that must be done before. */
  readonly needs: readonly StepName[];
  /** The work, for steps that run as jobs. */
  readonly job: JobStep | null;
}

/** The ten steps in order. */
export const journey: readonly JourneyStep[] = [
  {
    name: 'intake',
    does: 'takes files in as an immutable version named by digest',
    begins: 'upload',
    needs: [],
    job: null,
  },
  {
    name: 'scan',
    does: 'audits every file by content, without loading any',
    begins: 'by itself',
    needs: ['intake'],
    job: scanStep,
  },
  {
    name: 'seal',
    does: 'encrypts every file to a key of this version and signs the whole',
    begins: 'by itself',
    needs: ['scan'],
    job: sealStep,
  },
  {
    name: 'assess',
    does: 'attacks the model and records how much it withstands',
    begins: 'on request',
    needs: ['seal'],
    job: assessStep,
  },
  {
    name: 'harden',
    does: 'trains a child version against attacks, or sets guards for serving',
    begins: 'on request',
    needs: ['assess'],
    job: hardenStep,
  },
  {
    name: 'approve',
    does: 'has people with a second factor say yes to what others brought in',
    begins: 'by a person',
    needs: ['scan', 'seal', 'assess'],
    job: null,
  },
  {
    name: 'serve',
    does: 'answers requests behind keys, budgets and guards',
    begins: 'on request',
    needs: ['approve'],
    job: null,
  },
  {
    name: 'monitor',
    does: 'watches every request for drift and extraction',
    begins: 'by traffic',
    needs: ['serve'],
    job: null,
  },
  {
    name: 'respond',
    does: 'opens an incident on an alarm and contains it by a playbook',
    begins: 'by traffic',
    needs: ['monitor'],
    job: null,
  },
  {
    name: 'share',
    does: 'exports a closed incident for others to learn from',
    begins: 'by a person',
    needs: ['respond'],
    job: null,
  },
];

/** The steps that run as jobs, by name. */
export function jobSteps(): ReadonlyMap<string, JobStep> {
  return new Map(journey.flatMap(({ job }) => (job === null ? [] : [[job.name, job] as const])));
}

/** What follows a step by itself: a scan follows intake, sealing follows a clean scan. */
export function nextStep(done: StepName): 'scan' | 'seal' | null {
  const next = journey[journey.findIndex((step) => step.name === done) + 1];
  if (next?.begins !== 'by itself') return null;
  return next.name === 'scan' || next.name === 'seal' ? next.name : null;
}

/** Steps that a version still lacks before the given one may begin. */
export async function missingFor(
  store: Store,
  version: Version,
  wanted: StepName,
): Promise<StepName[]> {
  const records = await store.steps(version.id);
  const done = new Set(records.filter((r) => r.state === 'done').map((r) => r.step));
  const step = journey.find((each) => each.name === wanted);
  return (step?.needs ?? []).filter((need) => !done.has(need));
}
