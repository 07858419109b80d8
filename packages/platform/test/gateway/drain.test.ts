import { describe, expect, it } from 'vitest';
import { openDoors } from '../../src/http/listen.ts';

describe('doors that close', () => {
  it('answer every request that was taken, and end kept connections', async () => {
    const doors = await openDoors({ port: 0 });
    const url = `http://localhost:${doors.port}/`;
    const held: (() => void)[] = [];
    const arrived = Promise.withResolvers<void>();
    doors.serve(async () => {
      await new Promise<void>((resolve) => {
        held.push(resolve);
        if (held.length === 8) arrived.resolve();
      });
      return new Response('whole');
    });
    const asked = Array.from({ length: 8 }, async () => (await fetch(url)).text());
    await arrived.promise;
    let closed = false;
    const closing = doors.close().then(() => {
      closed = true;
    });
    await expect(fetch(url)).rejects.toThrow();
    expect(closed).toBe(false);
    for (const release of held) release();
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['whole']));
    await closing;
  });
  it('wait no longer than they are told to', async () => {
    const doors = await openDoors({ port: 0 });
    const arrived = Promise.withResolvers<void>();
    doors.serve(() => {
      arrived.resolve();
      return new Promise<Response>(() => {});
    });
    const asked = fetch(`http://localhost:${doors.port}/`);
    const ended = expect(asked).rejects.toThrow();
    await arrived.promise;
    await doors.close(1);
    await ended;
  });
});
