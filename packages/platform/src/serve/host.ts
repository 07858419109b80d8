/**
 * Hosts served models: each in a confined worker of its own, decrypted into memory only, behind
 * its guards. A worker that dies is started again; meanwhile requests are refused, never lost.
 */
import { type GuardConfig, parseGuardConfig } from '@merlon/harden';
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import { modelFile } from '../inputs.ts';
import { openSigned } from '../keys/signed.ts';
import type { Deployment } from '../model.ts';
import type { Services } from '../services.ts';
import type { Answer, Question } from './ask.ts';
import { requireGuards } from './guards.ts';
import {
  type ModelSource,
  openSeat,
  type Running,
  runConfined,
  type Seat,
  unavailable,
} from './seat.ts';

/** Serves deployments. */
export interface Host {
  /** Loads the model of a deployment; it answers from now on. Throws where a guard cannot work. */
  open(deployment: Deployment): Promise<LoadedModel>;
  close(deploymentId: string): Promise<void>;
  closeAll(): Promise<void>;
  /** What callers must know, or null when it is not loaded. */
  loaded(deploymentId: string): LoadedModel | null;
  /** Throws `bad-request` where a guard cannot work for the model. */
  checkGuards(deploymentId: string, guards: GuardConfig): void;
  /** Changes the guards from the next request on. */
  setGuards(deploymentId: string, guards: GuardConfig): void;
  /** Throws `input-refused` by a guard, `unavailable` while the model is not loaded. */
  infer(deploymentId: string, question: Question): Promise<Answer>;
}

/** A host over the platform's services. */
export function openHost(services: Services, onFault: (error: unknown) => void): Host {
  const seats = new Map<string, Seat>();
  const close = async (id: string): Promise<void> => {
    const seat = seats.get(id);
    seats.delete(id);
    await seat?.close();
  };
  return {
    open: async ({ id, versionId, guards: stored }) => {
      const guards = parseGuardConfig(stored);
      const source = (): Promise<ModelSource> => modelOf(services, versionId);
      const { startWorker } = services;
      const open = (): Promise<Running> => runConfined(startWorker, source);
      const seat = await openSeat({ open, guards, onFault });
      seats.set(id, seat);
      const model = seat.loaded();
      if (model === null) throw unavailable();
      return model;
    },
    close,
    closeAll: async () => {
      await Promise.all([...seats.keys()].map(close));
    },
    loaded: (id) => seats.get(id)?.loaded() ?? null,
    checkGuards: (id, guards) => {
      const model = seats.get(id)?.loaded() ?? null;
      if (model !== null) requireGuards(model, guards);
    },
    setGuards: (id, guards) => seats.get(id)?.setGuards(guards),
    infer: async (id, question) => {
      const seat = seats.get(id);
      if (seat === undefined) throw unavailable();
      return seat.infer(question);
    },
  };
}

/** The file of a served version, verified as it is read. */
async function modelOf(services: Services, versionId: string): Promise<ModelSource> {
  const version = await services.store.version(versionId);
  if (version === null) throw new PlatformError('not-found', 'the served version is gone');
  return openSigned(services, await modelFile(services, version));
}
