/** The public surface of @merlon/monitor. */

// Detectors
export {
  type CoverageOptions,
  type CoverageProfile,
  coverageDetector,
  type LearnCoverageOptions,
  learnCoverage,
} from './detectors/coverage.ts';
export type { Detector, Observation, Signal } from './detectors/detector.ts';
export {
  type DirectionOptions,
  type DirectionProfile,
  directionDetector,
  type LearnDirectionOptions,
  learnDirection,
} from './detectors/direction.ts';
export { type DriftOptions, driftDetector } from './detectors/drift.ts';
export {
  blacklightPublished,
  type FingerprintOptions,
  fingerprintDetector,
  tuneFingerprint,
} from './detectors/fingerprint.ts';
export type { FingerprintSettings, FingerprintSpace } from './detectors/fingerprint-hash.ts';
export { type LabelDriftOptions, labelDriftDetector } from './detectors/label-drift.ts';
export {
  type LearnMembershipOptions,
  learnMembership,
  type MembershipOptions,
  type MembershipProfile,
  membershipDetector,
} from './detectors/membership.ts';
export { type NeighbourOptions, neighbourDetector } from './detectors/neighbour.ts';
export {
  type ClassReference,
  type LearnNeighbourOptions,
  learnNeighbour,
  type NeighbourProfile,
} from './detectors/neighbour-profile.ts';
export {
  type LearnOutlierOptions,
  learnOutlier,
  type OutlierOptions,
  type OutlierProfile,
  type OutlierScore,
  outlierDetector,
  outlierScore,
} from './detectors/outlier.ts';
export { type BenignRows, type PradaOptions, pradaDetector, tunePrada } from './detectors/prada.ts';
export { type QualityOptions, qualityDetector } from './detectors/quality.ts';
export { packState, type StateHead, unpackState } from './detectors/saved.ts';
export { MonitorError, type MonitorErrorCode } from './error.ts';
// Incidents
export { type IncidentKind, incidentKind } from './incidents.ts';
export type { CacaoPlaybook, CacaoStep, CacaoVariable, HttpCommand } from './playbook/cacao.ts';
export {
  type ExecuteCommand,
  type PlaybookCommand,
  runPlaybook,
  type StepReport,
} from './playbook/run.ts';
export { containDrift, containEvasion, containExtraction, tellPeople } from './playbook/shipped.ts';
// Statistics
export { type Adwin, type AdwinOptions, type AdwinState, adwin } from './statistics/adwin.ts';
export { auroc } from './statistics/auroc.ts';
export { binomialTail } from './statistics/binomial.ts';
export { type ChiSquared, chiSquaredTest } from './statistics/chi-squared.ts';
export {
  type Covariance,
  choleskyOf,
  shrunkCovariance,
  whiten,
} from './statistics/covariance.ts';
export { type Cusum, type CusumOptions, cusum } from './statistics/cusum.ts';
export {
  type Discrepancy,
  type DiscrepancyOptions,
  maximumMeanDiscrepancy,
} from './statistics/discrepancy.ts';
export { jensenShannonDistance, populationStability } from './statistics/divergence.ts';
export { type KolmogorovSmirnov, kolmogorovSmirnov } from './statistics/kolmogorov.ts';
export {
  type PageHinkley,
  type PageHinkleyOptions,
  type PageHinkleyState,
  pageHinkley,
} from './statistics/page-hinkley.ts';
export { shapiroWilk } from './statistics/shapiro.ts';
