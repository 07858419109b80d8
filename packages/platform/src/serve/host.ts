/**
 * Hosts served models: each in a confined worker of its own, decrypted into memory only, behind
 * its guards. A worker that dies is started again; meanwhile requests are refused, never lost.
 */
import { messageOf } from '@merlon/core';
import { type GuardConfig, parseGuardConfig } from '@merlon/harden';
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import { modelFile } from '../inputs.ts';
import { openSigned } from '../keys/signed.ts';
import type { Deployment } from '../model.ts';
import type { Services } from '../services.ts';
import { type Answer, type Asked, askGuarded, type Question } from './ask.ts';
import { requireGuards } from './guards.ts';

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

interface Seat extends Asked {
  guards: GuardConfig;
}

const memoryBytesMax = 4 * 1024 ** 3;
const loadTimeoutMs = 120_000;

/** A host over the platform's services. */
export function openHost(services: Services, onFault: (error: unknown) => void): Host {
  const seats = new Map<string, Seat>();
  const open = async (deployment: Deployment): Promise<LoadedModel> => {
    const guards = parseGuardConfig(deployment.guards);
    const fresh = await load(services, deployment, guards);
    seats.set(deployment.id, { guards, ...fresh });
    return fresh.model;
  };
  /** Once for each death, however many requests saw it; guards are those of the store by then. */
  const revive = async (id: string, seat: Seat): Promise<void> => {
    if (seats.get(id) !== seat) return;
    seats.delete(id);
    const deployment = await services.store.deployment(id);
    if (deployment?.state === 'active') await open(deployment);
  };
  const close = async (id: string): Promise<void> => {
    const seat = seats.get(id);
    seats.delete(id);
    await seat?.worker.close();
  };
  return {
    open,
    close,
    closeAll: async () => {
      await Promise.all([...seats.keys()].map(close));
    },
    loaded: (id) => seats.get(id)?.model ?? null,
    checkGuards: (id, guards) => {
      const model = seats.get(id)?.model;
      if (model !== undefined) requireGuards(model, guards);
    },
    setGuards: (id, guards) => {
      const seat = seats.get(id);
      if (seat !== undefined) seat.guards = guards;
    },
    infer: async (id, question) => {
      const seat = seats.get(id);
      if (seat === undefined) throw unavailable();
      try {
        return await askGuarded(seat, question);
      } catch (error) {
        if (error instanceof PlatformError && error.code === 'worker-failed') {
          void revive(id, seat).catch(onFault);
          onFault(new Error(`a serving worker died: ${messageOf(error)}`));
          throw unavailable();
        }
        throw error;
      }
    },
  };
}

/** The model of a deployment in a worker of its own. */
async function load(
  services: Services,
  deployment: Deployment,
  guards: GuardConfig,
): Promise<Pick<Seat, 'worker' | 'model'>> {
  const version = await services.store.version(deployment.versionId);
  if (version === null) throw new PlatformError('not-found', 'the served version is gone');
  const source = await openSigned(services, await modelFile(services, version));
  const worker = services.startWorker({ memoryBytesMax });
  try {
    const call = { sources: { model: source }, timeoutMs: loadTimeoutMs };
    const model = await worker.call<LoadedModel>('load', { threads: 1 }, call);
    requireGuards(model, guards);
    return { worker, model };
  } catch (error) {
    await worker.close();
    throw error;
  } finally {
    await source.close();
  }
}

function unavailable(): PlatformError {
  return new PlatformError('unavailable', 'the model is not loaded at the moment', {
    hint: 'try again in a moment',
  });
}
