/** All methods by their names. */
import type { Memory } from '../checkpoint/memory.ts';
import type { Network } from '../network.ts';
import type { TrainingMethod } from '../request.ts';
import { freeTraining } from './free.ts';
import type { Method } from './method.ts';
import { noiseTraining } from './noise.ts';
import { mart, trades } from './pairs.ts';
import { pgdTraining } from './pgd-at.ts';

/** Methods that need nothing but the network. */
export const methods: Readonly<
  Record<Exclude<TrainingMethod, 'dp-sgd'>, (network: Network, memory: Memory) => Method>
> = {
  'pgd-at': pgdTraining,
  fast: pgdTraining,
  free: freeTraining,
  trades,
  mart,
  noise: noiseTraining,
};
