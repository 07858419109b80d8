/** Assess: a version is attacked in a confined worker; the verdict is kept with its seed. */
import { z } from '@hono/zod-openapi';
import { findingOf, type MembershipReport, membershipFindingOf } from '@merlon/attack';
import type { Finding, JsonObject } from '@merlon/core';
import { approvalPolicy } from '../approval.ts';
import type { AssessOutput } from '../confine/tasks/assess.ts';
import { observe } from '../findings/findings.ts';
import { type OpenedInputs, openInputs, openOthers } from '../inputs.ts';
import type { JobContext, JobStep, Outcome } from '../jobs/step.ts';
import type { Version } from '../model.ts';
import type { Services } from '../services.ts';

/** What a caller may choose. */
export const assessSchema = z.strictObject({
  suite: z.enum(['fast', 'standard', 'decision', 'tabular']).optional(),
  attacks: z.array(z.string().max(40)).max(40).optional(),
  norm: z.enum(['linf', 'l2']).optional(),
  epsilon: z.number().min(0).max(1000).optional(),
  samples: z.int().min(1).max(100_000).default(500),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1),
});

/** The step. */
export const assessStep: JobStep = { name: 'assess', perform };

const timeoutMs = 4 * 3_600_000;
const threads = 2;

async function perform(context: JobContext): Promise<Outcome> {
  const { services, version, job, onProgress, signal } = context;
  const options = { ...assessSchema.parse(job.input), threads };
  const inputs = await openInputs(services, version, 'test');
  const worker = services.startWorker();
  try {
    const { sources, data } = inputs;
    const input = { ...data, options };
    const call = { sources, onProgress, signal, timeoutMs };
    const output = await worker.call<AssessOutput>('assess', input, call);
    const told = await membershipOf(context, inputs, options);
    const findings = await findingsIn(services, version, { output, told });
    return {
      state: 'done',
      result: { ...resultOf(output), ...(told === null ? {} : { membership: figuresOf(told) }) },
      commit: async (tx) => {
        for (const picture of output.pictures) {
          await tx.putPicture({ versionId: version.id, ...picture });
        }
        const digestFor = () => version.digest;
        const seen = { source: 'assess', version, complete: true, findings, digestFor } as const;
        await observe(services, tx, seen);
      },
    };
  } finally {
    await worker.close();
    await inputs.close();
  }
}

/**
 * How well training rows are told from test rows by the model's answers; null where no training
 * data is linked, or the model gives labels alone. In a worker of its own, like every reading.
 */
async function membershipOf(
  { services, version, signal }: JobContext,
  test: OpenedInputs,
  { samples, seed }: { readonly samples: number; readonly seed: number },
): Promise<MembershipReport | null> {
  const train = await openOthers(services, version, { use: 'train', beside: test });
  if (train === null) return null;
  const worker = services.startWorker();
  try {
    // The task calls members what it is given first.
    const input = { ...train.data, others: test.data, options: { samples, seed, threads } };
    const call = { sources: train.sources, signal, timeoutMs };
    return await worker.call<MembershipReport | null>('membership', input, call);
  } finally {
    await worker.close();
    await train.close();
  }
}

function figuresOf({ auc, aucInterval, tprAtFpr001 }: MembershipReport): JsonObject {
  return { auc, aucInterval: [...aucInterval], tprAtFpr001 };
}

/** What a model withstands or keeps to itself less than the workspace's policy demands. */
async function findingsIn(
  { store }: Services,
  { workspaceId }: Version,
  { output, told }: { readonly output: AssessOutput; readonly told: MembershipReport | null },
): Promise<Finding[]> {
  const policy = await approvalPolicy(store, workspaceId);
  const { robustAccuracyMin: robustMin, membershipAucMax: aucMax } = policy;
  const found = [
    robustMin === null ? null : findingOf(output.verdict, '', { robustMin }),
    aucMax === null || told === null ? null : membershipFindingOf(told, '', { aucMax }),
  ];
  return found.filter((each) => each !== null).map((each) => ({ ...each, location: {} }));
}

function resultOf({ verdict, blackBoxBecause, pictures }: AssessOutput): JsonObject {
  return {
    cleanAccuracy: verdict.clean.accuracy,
    robustAccuracy: verdict.robustAccuracy,
    samples: verdict.samples,
    seed: verdict.seed,
    seconds: verdict.seconds,
    attacks: verdict.attacks.map((attack) => ({ ...attack })),
    blackBoxBecause,
    pictures: pictures.length,
  };
}
