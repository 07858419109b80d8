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
  readonly playbook: 'contain-extraction' | 'contain-evasion' | 'contain-drift' | 'tell-people';
}

const kinds: Readonly<Record<string, IncidentKind>> = {
  'extraction-prada': {
    title: 'Somebody is extracting the model through its API',
    severity: 'high',
    technique: 'AML.T0024.002',
    techniqueName: 'Extract AI Model',
    playbook: 'contain-extraction',
  },
  'sequence-neighbour': {
    title: 'Somebody feels their way to inputs that fool the model',
    severity: 'high',
    technique: 'AML.T0043.001',
    techniqueName: 'Craft Adversarial Data: Black-Box Optimization',
    playbook: 'contain-evasion',
  },
  'sequence-direction': {
    title: 'Somebody walks from an input in drawn directions',
    severity: 'high',
    technique: 'AML.T0043.001',
    techniqueName: 'Craft Adversarial Data: Black-Box Optimization',
    playbook: 'contain-evasion',
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

/**
 * Classes that a client was given, from which on near-equal queries look like copying: a search for
 * one adversarial input stays at the class it starts from and the one it ends at.
 */
const copiedClassesMin = 4;

/**
 * The kind of incident that a signal opens, or null when it is only worth a note. Series of
 * near-equal queries serve to copy a model and to fool it; the classes that were asked for tell
 * which is likelier, and both are contained alike.
 */
export function incidentKind(signal: Pick<Signal, 'detector' | 'detail'>): IncidentKind | null {
  const { classes } = signal.detail;
  const isCopying = typeof classes === 'number' && classes >= copiedClassesMin;
  const isSequence = signal.detector === 'sequence-neighbour';
  return kinds[isSequence && isCopying ? 'extraction-prada' : signal.detector] ?? null;
}
