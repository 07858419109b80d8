/** Taking a run up where a checkpoint left it, and leaving checkpoints as it goes. */
import { HardenError } from '../../error.ts';
import type { Network } from '../network.ts';
import type { TrainSettings } from '../request.ts';
import { isSound, progressOf, putWeights, type Run, stepsAnEpoch } from '../run.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './format.ts';
import { type Arrays, emptyMemory, type Memory, memoryOf } from './memory.ts';
import { settingsDigest } from './settings.ts';

/** How a run begins. */
export interface Beginning {
  readonly memory: Memory;
  readonly begun: Pick<Run, 'losses' | 'validation' | 'at' | 'kept' | 'sound'>;
  /** Leaves a checkpoint when it is time. */
  readonly afterStep: Run['afterStep'];
}

const start: Run['at'] = { epoch: 1, batch: 0, seen: 0, right: 0, gainedEpoch: 1, kept: null };

/**
 * A run's beginning; sets the network's weights when it goes on from a checkpoint. Throws
 * `bad-checkpoint`, and `other-run` for the checkpoint of other settings.
 */
export function beginRun(settings: TrainSettings, network: Network): Beginning {
  const { checkpoint } = settings;
  const fresh = { losses: [], validation: [], at: start, kept: null, sound: null };
  if (checkpoint === undefined) {
    return { memory: emptyMemory(), begun: fresh, afterStep: async () => undefined };
  }
  const digest = settingsDigest(settings);
  const saved = checkpoint.resume === undefined ? null : readCheckpoint(checkpoint.resume);
  if (saved !== null) check(saved, settings, digest);
  const memory = saved === null ? emptyMemory() : memoryOf(saved);
  const afterStep = async (run: Run): Promise<void> => {
    if (run.losses.length % checkpoint.every !== 0) return;
    const weights = run.average.present();
    if (!isSound(weights)) return;
    run.sound = weights;
    const bytes = writeCheckpoint(checkpointOf(run, memory, digest));
    if (checkpoint.save !== undefined) await checkpoint.save(bytes);
    else settings.onProgress?.({ ...progressOf(run), checkpoint: bytes });
  };
  if (saved === null) return { memory, begun: fresh, afterStep };
  const sound = savedWeights(network, saved, 'weights');
  putWeights(network, sound);
  const kept = saved.kept === null ? null : savedWeights(network, saved, 'kept');
  const { losses, validation } = saved;
  const at = positionIn(saved);
  const begun = { losses: [...losses], validation: [...validation], at, kept, sound };
  return { memory, begun, afterStep };
}

function checkpointOf(run: Run, memory: Memory, settings: string): Checkpoint {
  const named = (prefix: string, arrays: Arrays | null): [string, Float32Array][] =>
    [...(arrays ?? [])].map(([name, data]) => [`${prefix}/${name}`, data]);
  const { losses, validation, average, kept, at } = run;
  return {
    ...at,
    settings,
    losses,
    validation,
    arrays: new Map([
      ...named('weights', average.present()),
      ...named('kept', kept),
      ...named('memory', memory.arrays),
    ]),
    counts: new Map([...memory.counts].map(([name, [count = 0]]) => [name, count])),
  };
}

function check(saved: Checkpoint, settings: TrainSettings, digest: string): void {
  if (saved.settings !== digest) {
    const what = 'the checkpoint belongs to a run of another model, rows, options or seed';
    throw new HardenError('other-run', what, {
      hint: 'go on with what that run was begun with, or begin anew without "resume"',
    });
  }
  const { epoch, batch, kept, losses } = saved;
  const perEpoch = stepsAnEpoch(settings);
  const isWithin = epoch >= 1 && epoch <= settings.epochs && batch <= perEpoch;
  const isKept = (kept?.epoch ?? 0) < epoch && (kept !== null || epoch === 1);
  if (isWithin && isKept && losses.length === (epoch - 1) * perEpoch + batch) return;
  throw new HardenError('bad-checkpoint', 'its position does not fit the run');
}

function positionIn({ epoch, batch, seen, right, gainedEpoch, kept }: Checkpoint): Run['at'] {
  return { epoch, batch, seen, right, gainedEpoch, kept };
}

function savedWeights({ weights }: Network, { arrays }: Checkpoint, prefix: string): Arrays {
  return new Map(
    [...weights].map(([name, { data }]) => {
      const saved = arrays.get(`${prefix}/${name}`);
      if (saved?.length === data.length) return [name, saved] as const;
      throw new HardenError('bad-checkpoint', `"${prefix}/${name}" expected ${data.length} values`);
    }),
  );
}
