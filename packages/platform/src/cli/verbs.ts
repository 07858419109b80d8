/** Every verb; each is loaded only when it is asked for, so that small ones start at once. */
import type { Verb } from './verb.ts';

/** A verb that is built. */
export interface VerbEntry {
  readonly does: string;
  readonly load: () => Promise<Verb>;
}

/** Verbs by name, in the order of the journey. */
export const verbs: Readonly<Record<string, VerbEntry>> = {
  start: {
    does: 'runs the platform',
    load: async () => (await import('./verbs/start.ts')).startVerb,
  },
  tour: {
    does: 'takes two real models through all ten steps',
    load: async () => (await import('./verbs/start.ts')).tourVerb,
  },
  scan: {
    does: 'audits model files and folders',
    load: async () => (await import('./verbs/scan.ts')).scanVerb,
  },
  fix: {
    does: 'writes a safe form of what a scan found',
    load: async () => (await import('./verbs/fix.ts')).fixVerb,
  },
  attack: {
    does: 'tests a model against adversarial inputs',
    load: async () => (await import('./verbs/attack.ts')).attackVerb,
  },
  gradient: {
    does: 'writes a model with its input gradient as plain ONNX',
    load: async () => (await import('./verbs/model-work.ts')).gradientVerb,
  },
  harden: {
    does: 'trains a hardened version of a model',
    load: async () => (await import('./verbs/model-work.ts')).hardenVerb,
  },
  privacy: {
    does: 'measures what a model tells of its training data',
    load: async () => (await import('./verbs/privacy.ts')).privacyVerb,
  },
  certify: {
    does: 'proves by randomized smoothing how far inputs can be changed',
    load: async () => (await import('./verbs/certify.ts')).certifyVerb,
  },
  keys: {
    does: 'makes, lists, rotates and destroys keys; recovery of a home',
    load: async () => (await import('./verbs/keys.ts')).keysVerb,
  },
  seal: {
    does: 'seals a file (age)',
    load: async () => (await import('./verbs/vault.ts')).sealVerb,
  },
  open: {
    does: 'opens a sealed file (age)',
    load: async () => (await import('./verbs/vault.ts')).openVerb,
  },
  sign: {
    does: 'signs a folder (OpenSSF Model Signing)',
    load: async () => (await import('./verbs/sign.ts')).signVerb,
  },
  verify: {
    does: 'verifies the signature of a folder',
    load: async () => (await import('./verbs/sign.ts')).verifyVerb,
  },
  model: {
    does: 'takes models on their journey by hand',
    load: async () => (await import('./verbs/remote.ts')).modelVerb,
  },
  data: {
    does: 'brings training and test data in',
    load: async () => (await import('./verbs/remote.ts')).dataVerb,
  },
  job: {
    does: 'shows and cancels work',
    load: async () => (await import('./verbs/remote.ts')).jobVerb,
  },
  serve: {
    does: 'serves one guarded model on its own',
    load: async () => (await import('./verbs/serve.ts')).serveVerb,
  },
  finding: {
    does: 'follows findings over versions until they are fixed',
    load: async () => (await import('./verbs/finding.ts')).findingVerb,
  },
  incident: {
    does: 'shows and closes incidents',
    load: async () => (await import('./verbs/remote.ts')).incidentVerb,
  },
  share: {
    does: 'exports a closed incident as STIX 2.1',
    load: async () => (await import('./verbs/remote.ts')).shareVerb,
  },
  ledger: {
    does: 'proves that no decision was removed or changed',
    load: async () => (await import('./verbs/remote.ts')).ledgerVerb,
  },
  report: {
    does: 'writes a report over versions and their whole way',
    load: async () => (await import('./verbs/report.ts')).reportVerb,
  },
  backup: {
    does: 'writes the home as one sealed file',
    load: async () => (await import('./verbs/backup.ts')).backupVerb,
  },
  restore: {
    does: 'makes a home from a backup by its recovery key',
    load: async () => (await import('./verbs/backup.ts')).restoreVerb,
  },
  doctor: {
    does: 'checks the installation and the home',
    load: async () => (await import('./verbs/doctor.ts')).doctorVerb,
  },
};
