/** A version that was brought in and has been sealed. */
import type { Version } from '../../src/model.ts';
import type { TourClient } from '../../src/tour/client.ts';
import type { TestPlatform } from './platform.ts';

/** Brings files in as a model and waits for its seal. */
export async function sealedVersion(
  platform: TestPlatform,
  client: TourClient,
  what: {
    readonly name: string;
    readonly files: Readonly<Record<string, Uint8Array>>;
    readonly kind?: 'models' | 'data';
  },
): Promise<Version> {
  const { store, bus } = platform.running.platform.services;
  const { name, kind = 'models' } = what;
  const { id } = await client.ask('POST', `/api/v1/${kind}`, { name });
  for (const [path, content] of Object.entries(what.files)) {
    await client.ask('PUT', `/api/v1/versions/${id}/files/${path}`, content);
  }
  const sealed = new Promise<void>((resolve, reject) => {
    const look = async (): Promise<void> => {
      const step = await store.step(String(id), 'seal');
      const scan = await store.step(String(id), 'scan');
      if (step?.state === 'done') resolve();
      else if (step?.state === 'failed' || scan?.state === 'refused') {
        reject(new Error(JSON.stringify([scan?.result, step?.result])));
      } else return;
      end();
    };
    const end = bus.subscribe(({ topic, id: changed }) => {
      if (topic === 'version' && changed === id) void look();
    });
  });
  await client.ask('POST', `/api/v1/versions/${id}/complete`);
  await sealed;
  const version = await store.version(String(id));
  if (version === null) throw new Error('the version is gone');
  return version;
}
