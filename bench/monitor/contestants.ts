/** The detectors that are compared, each learnt from the same training rows. */
import { seeded } from '@merlon/core';
import {
  blacklightPublished,
  coverageDetector,
  type Detector,
  directionDetector,
  fingerprintDetector,
  learnCoverage,
  learnDirection,
  learnNeighbour,
  neighbourDetector,
  pradaDetector,
  tuneFingerprint,
  tunePrada,
} from '@merlon/monitor';
import type { Rows } from './sessions.ts';

/** A detector by name, made anew for every session. */
export interface Contestant {
  readonly name: string;
  make(): Detector;
}

/** All detectors, baselines first. */
export function contestants(train: Rows): Contestant[] {
  const space = { features: train.features, salt: 7 };
  const tuned = tuneFingerprint(train, space);
  const profile = learnNeighbour(train, { seed: 7 });
  const direction = learnDirection(train, { seed: 7 });
  const coverage = learnCoverage(train, { seed: 7 });
  const delta = tunePrada(train, { random: seeded(7) });
  return [
    {
      name: 'Blacklight, published figures',
      make: () => fingerprintDetector({ ...space, ...blacklightPublished }),
    },
    { name: `PRADA, δ ${delta.toFixed(3)} tuned`, make: () => pradaDetector({ delta }) },
    {
      name: `fingerprints, tuned (${tuned.threshold} shared, ${tuned.common.length} left out)`,
      make: () => fingerprintDetector({ ...space, ...tuned }),
    },
    { name: 'sequence-neighbour', make: () => neighbourDetector({ profile }) },
    {
      name: `sequence-direction, levels ${direction.levels.map((l) => l.toFixed(2)).join(' and ')}`,
      make: () => directionDetector({ profile: direction }),
    },
    { name: 'extraction-coverage', make: () => coverageDetector({ profile: coverage }) },
  ];
}
