import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBudgets } from '../../src/gateway/budgets.ts';
import { eventLog } from '../../src/gateway/event-log.ts';
import { recall } from '../../src/gateway/recall.ts';
import { openSpool } from '../../src/gateway/spool.ts';
import type { ApiKey, Deployment, ServeEvent } from '../../src/model.ts';
import { noticedStore } from '../../src/store/noticed.ts';
import type { Store } from '../../src/store/store.ts';

const key = new Uint8Array(32).fill(7);
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'merlon-events-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const event = (id: string): ServeEvent => ({
  ...{ id, workspaceId: 'w', deploymentId: 'd', versionId: 'v', keyId: 'k' },
  ...{ at: '2026-01-31T10:00:00.000Z', decision: 'answered', reason: '', rows: 1 },
  ...{ latencyMs: 1, labels: [3], input: Uint8Array.of(1, 2, 250) },
});

/** A store that keeps events, unless it is down. */
function store() {
  const state = { down: false, writes: 0 };
  const held: ServeEvent[] = [];
  const addEvents = async (events: readonly ServeEvent[]): Promise<void> => {
    state.writes++;
    if (state.down) throw new Error('the disk is full');
    held.push(...events);
  };
  return { state, held, addEvents };
}

describe('events on their way', () => {
  it('are written together when they come together', async () => {
    const sink = store();
    const log = eventLog({ store: sink, spool: openSpool(folder, key), onFault: () => {} });
    await Promise.all(['a', 'b', 'c'].map((id) => log.add(event(id))));
    expect(sink.held.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(sink.state.writes).toBe(1);
  });
  it('are kept sealed while the store is down, and written when it is back', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const sink = store();
    const faults: unknown[] = [];
    const onFault = (error: unknown) => void faults.push(error);
    const log = eventLog({ store: sink, spool: openSpool(folder, key), onFault });
    sink.state.down = true;
    await log.add(event('a'));
    await log.add(event('b'));
    // A store that failed a moment ago is not asked for each event.
    expect([sink.state.writes, faults.length]).toEqual([1, 1]);
    const kept = readFileSync(join(folder, 'events'), 'utf8');
    expect(kept.split('\n').length).toBe(3);
    expect(kept).not.toContain('answered');
    sink.state.down = false;
    vi.advanceTimersByTime(2000);
    await log.add(event('c'));
    expect(sink.held.map(({ id }) => id)).toEqual(['c', 'a', 'b']);
    expect(sink.held[1]).toEqual(event('a'));
    expect(openSpool(folder, key).holds()).toBe(false);
  });
  it('survive a restart, and a line that a crash cut', async () => {
    const spool = openSpool(folder, key);
    await spool.append([event('a'), event('b')]);
    const path = join(folder, 'events');
    const { length } = readFileSync(path);
    await spool.append([event('c')]);
    truncateSync(path, length + 20);
    const sink = store();
    const later = openSpool(folder, key);
    expect(later.holds()).toBe(true);
    const log = eventLog({ store: sink, spool: later, onFault: () => {} });
    await log.replay();
    expect(sink.held).toEqual([event('a'), event('b')]);
  });
  it('stay in the spool when the store refuses them once more', async () => {
    const spool = openSpool(folder, key);
    await spool.append([event('a')]);
    const sink = store();
    sink.state.down = true;
    const faults: unknown[] = [];
    const log = eventLog({ store: sink, spool, onFault: (error) => void faults.push(error) });
    await log.replay();
    expect(faults.length).toBe(1);
    await spool.append([event('b')]);
    sink.state.down = false;
    await log.replay();
    expect(sink.held.map(({ id }) => id)).toEqual(['a']);
    expect(spool.holds()).toBe(true);
    await log.replay();
    expect(sink.held.map(({ id }) => id)).toEqual(['a', 'b']);
  });
  it('are not swallowed when neither store nor spool takes them', async () => {
    const sink = store();
    sink.state.down = true;
    writeFileSync(join(folder, 'file'), '');
    const spool = openSpool(join(folder, 'file/below'), key);
    const log = eventLog({ store: sink, spool, onFault: () => {} });
    await expect(log.add(event('a'))).rejects.toThrow();
  });
});

describe('a budget', () => {
  const apiKey = { id: 'k', budgetRows: 10 } as ApiKey;
  const start = Date.parse('2026-01-31T10:00:30.000Z');
  const open = (rows: number, minute = '2026-01-31T09:00') => {
    const clock = { ms: start, nowMs: () => clock.ms };
    const held = { rowsByMinute: async () => [{ minute, rows }] };
    return { clock, budgets: openBudgets(held, clock) };
  };
  it('cannot be shared by requests at the same time', async () => {
    const { budgets } = open(7);
    const asked = await Promise.allSettled([2, 2].map((rows) => budgets.take(apiKey, rows)));
    expect(asked.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(budgets.take(apiKey, 2)).rejects.toMatchObject({
      ...{ code: 'budget-spent', message: "the key's budget has 1 rows left today" },
    });
  });
  it('gets back what was not answered, and keeps what was', async () => {
    const { budgets } = open(0);
    (await budgets.take(apiKey, 10)).giveBack();
    (await budgets.take(apiKey, 9)).spend();
    await expect(budgets.take(apiKey, 2)).rejects.toThrow('1 rows left');
    await budgets.take(apiKey, 1);
  });
  it('comes back a day later, by the minute', async () => {
    const { clock, budgets } = open(8);
    await expect(budgets.take(apiKey, 3)).rejects.toThrow('2 rows left');
    clock.ms = Date.parse('2026-02-01T09:00:59.999Z');
    await expect(budgets.take(apiKey, 3)).rejects.toThrow('2 rows left');
    clock.ms = Date.parse('2026-02-01T09:01:00.000Z');
    await budgets.take(apiKey, 10);
  });
  it('asks again after a store that failed', async () => {
    let down = true;
    const rowsByMinute = async () => {
      if (down) throw new Error('down');
      return [];
    };
    const budgets = openBudgets({ rowsByMinute }, { nowMs: () => start });
    await expect(budgets.take(apiKey, 1)).rejects.toThrow('down');
    down = false;
    await budgets.take(apiKey, 1);
  });
});

describe('what the gateway recalls', () => {
  const apiKey = { id: 'k', revokedAt: null } as ApiKey;
  it('is looked up once, and anew after a change', async () => {
    let looks = 0;
    let found: ApiKey | null = apiKey;
    const apiKeyByHash = async () => {
      looks++;
      return found;
    };
    const known = recall({ apiKeyByHash, activeDeployment: async () => null });
    await known.key('mrl_a');
    expect([await known.key('mrl_a'), looks]).toEqual([apiKey, 1]);
    found = { ...apiKey, revokedAt: 'now' };
    known.forget();
    expect([await known.key('mrl_a'), looks]).toEqual([null, 2]);
    // What is not there may come at any time.
    found = apiKey;
    expect(await known.key('mrl_a')).toBe(apiKey);
  });
  it('does not take for new what was read while it changed', async () => {
    const reads: ((value: Deployment | null) => void)[] = [];
    const activeDeployment = () =>
      new Promise<Deployment | null>((resolve) => void reads.push(resolve));
    const known = recall({ apiKeyByHash: async () => null, activeDeployment });
    const first = known.deployment('m');
    known.forget();
    reads[0]?.({ id: 'old' } as Deployment);
    expect((await first)?.id).toBe('old');
    const second = known.deployment('m');
    reads[1]?.({ id: 'new' } as Deployment);
    expect((await second)?.id).toBe('new');
  });
  it('decides anew after a change, and never recalls a refusal', () => {
    const known = recall({ apiKeyByHash: async () => null, activeDeployment: async () => null });
    let decided = 0;
    const decide = (allowed: boolean) => () => {
      decided++;
      return allowed;
    };
    expect(known.allowed(apiKey, 'd', decide(false))).toBe(false);
    expect(known.allowed(apiKey, 'd', decide(true))).toBe(true);
    expect(known.allowed(apiKey, 'd', decide(false))).toBe(true);
    known.forget();
    expect([known.allowed(apiKey, 'd', decide(false)), decided]).toEqual([false, 3]);
  });
  it('is forgotten at each write and at the commit', async () => {
    let told = 0;
    const write = async () => undefined;
    const inner = { updateDeployment: write, revokeApiKey: async () => true } as unknown as Store;
    const whole = { ...inner, transaction: (work: (tx: Store) => unknown) => work(inner) } as Store;
    const noticed = noticedStore(whole, () => void told++);
    await noticed.revokeApiKey('k', 'now', 'leak');
    expect(told).toBe(1);
    await noticed.transaction(async (tx) => {
      await tx.updateDeployment('d', { state: 'stopped' });
      expect(told).toBe(2);
    });
    expect(told).toBe(3);
    await noticed.transaction(async () => undefined);
    expect(told).toBe(3);
  });
});
