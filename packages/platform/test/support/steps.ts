/** Waiting for a step of a version, by what the platform tells. */
import type { StepName, StepRecord } from '../../src/model.ts';
import type { TestPlatform } from './platform.ts';

/** The record of the step once it is over; rejects when it failed or was refused. */
export function stepDone(platform: TestPlatform, id: string, name: StepName): Promise<StepRecord> {
  const { store, bus } = platform.running.platform.services;
  return new Promise((resolve, reject) => {
    const look = async (): Promise<void> => {
      const step = await store.step(id, name);
      if (step === null || step.state === 'running') return;
      end();
      if (step.state === 'done') resolve(step);
      else reject(new Error(`${name} ${step.state}: ${JSON.stringify(step.result)}`));
    };
    const end = bus.subscribe(({ topic, id: changed }) => {
      if (topic === 'version' && changed === id) void look().catch(reject);
    });
    // It may be over already.
    void look().catch(reject);
  });
}
