/** The public surface of @merlon/monitor. */

// Detectors
export type { Detector, Observation, Signal } from './detectors/detector.ts';
export { type DriftOptions, driftDetector } from './detectors/drift.ts';
export { type BenignRows, type PradaOptions, pradaDetector, tunePrada } from './detectors/prada.ts';
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
export { containDrift, containExtraction, tellPeople } from './playbook/shipped.ts';
// Statistics
export { type KolmogorovSmirnov, kolmogorovSmirnov } from './statistics/kolmogorov.ts';
export { shapiroWilk } from './statistics/shapiro.ts';
