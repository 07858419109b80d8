/** What a confined worker can do; each task is loaded when it is first asked for. */
import { InputError } from '@merlon/core';
import type { Task } from './task.ts';

const tasks: Readonly<Record<string, () => Promise<Task>>> = {
  scan: async () => (await import('./tasks/scan.ts')).scanTask as Task,
  fix: async () => (await import('./tasks/fix.ts')).fixTask as Task,
  beside: async () => (await import('./tasks/fix.ts')).besideTask as Task,
  assess: async () => (await import('./tasks/assess.ts')).assessTask as Task,
  guards: async () => (await import('./tasks/guards.ts')).guardsTask as Task,
  harden: async () => (await import('./tasks/harden.ts')).hardenTask as Task,
  privacy: async () => (await import('./tasks/privacy.ts')).privacyTask as Task,
  membership: async () => (await import('./tasks/membership.ts')).membershipTask as Task,
  certify: async () => (await import('./tasks/certify.ts')).certifyTask as Task,
  personal: async () => (await import('./tasks/personal.ts')).personalTask as Task,
  load: async () => (await import('./tasks/serve.ts')).loadTask as Task,
  infer: async () => (await import('./tasks/serve.ts')).inferTask as Task,
  probe: async () => (await import('./tasks/probe.ts')).probeTask as Task,
  learn: async () => (await import('./tasks/learn.ts')).learnTask as Task,
  reference: async () => (await import('./tasks/reference.ts')).referenceTask as Task,
};

/** The task of a name; throws `bad-input` for any other. */
export function taskOf(method: string): Task {
  const load = Object.hasOwn(tasks, method) ? tasks[method] : undefined;
  if (load === undefined) throw new InputError('bad-input', `no task is called "${method}"`);
  return async (input, context) => (await load())(input, context);
}
