/** From a detector's signal to an incident: what it is called, how bad it is, which technique. */
import type { Signal } from './detectors/detector.ts';

/** What an incident is, by the detector that raised it. */
export interface IncidentKind {
  readonly title: string;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  /** MITRE ATLAS technique. */
  readonly technique: string;
  readonly techniqueName: string;
  /** Which playbook contains it. */
  readonly playbook: 'contain-extraction' | 'contain-drift' | 'tell-people';
}

const kinds: Readonly<Record<string, IncidentKind>> = {
  'extraction-prada': {
    title: 'Somebody is extracting the model through its API',
    severity: 'high',
    technique: 'AML.T0024.002',
    techniqueName: 'Extract AI Model',
    playbook: 'contain-extraction',
  },
  'drift-ks': {
    title: 'Inputs no longer look like the training data',
    severity: 'medium',
    technique: 'AML.T0015',
    techniqueName: 'Evade AI Model',
    playbook: 'contain-drift',
  },
  'scan-critical': {
    title: 'A served model newly fails its scan',
    severity: 'critical',
    technique: 'AML.T0010.003',
    techniqueName: 'AI Supply Chain Compromise: Model',
    playbook: 'tell-people',
  },
  'scrub-damage': {
    title: 'A sealed object no longer opens to its digest',
    severity: 'high',
    technique: 'AML.T0031',
    techniqueName: 'Erode AI Model Integrity',
    playbook: 'tell-people',
  },
};

/** The kind of incident that a signal opens, or null when it is only worth a note. */
export function incidentKind(signal: Pick<Signal, 'detector'>): IncidentKind | null {
  return kinds[signal.detector] ?? null;
}
