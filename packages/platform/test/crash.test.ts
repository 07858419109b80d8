/** `kill -9` at random moments of the tour: nothing lost, nothing done twice, nothing in clear. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { start } from '../src/main.ts';
import { startTour } from './support/tour-process.ts';

const slow = process.env.SLOW === '1';
if (!slow) console.warn('skipped: the tour under kill -9 takes minutes; set SLOW=1');

/** Parts of the models and data that would be found if any of it lay in clear. */
function knownPlaintexts(): Map<string, Buffer> {
  const root = new URL('../../../', import.meta.url);
  const file = (path: string): Buffer => readFileSync(fileURLToPath(new URL(path, root)));
  const digits = file('models/digits-cnn.onnx');
  const loans = file('data/loans-train.csv');
  const mnist = file('data/mnist-train.npz');
  return new Map([
    ['name in the digits model', Buffer.from('norm1.variance')],
    ['weights of the digits model', digits.subarray(200_000, 200_032)],
    ['a row of the loans', loans.subarray(5000, 5040)],
    ['compressed images', mnist.subarray(400_000, 400_032)],
    ['tree model', Buffer.from('nodes_falsenodeids')],
    ['database', Buffer.from('merlonMigrations')],
    ['a tour person', Buffer.from('tour.invalid')],
  ]);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function expectNothingClear(home: string): void {
  const plaintexts = knownPlaintexts();
  for (const path of filesBelow(home)) {
    const bytes = readFileSync(path);
    for (const [what, plaintext] of plaintexts) {
      expect([path, what, bytes.includes(plaintext)]).toEqual([path, what, false]);
    }
  }
}

describe.skipIf(!slow)('the tour under kill -9', () => {
  it('goes on after every kill, once for each step, sealed throughout', async () => {
    const home = mkdtempSync(join(tmpdir(), 'merlon-crash-'));
    const random = seeded(Number(process.env.SEED ?? 1));
    for (let kill = 0; kill < 10; kill++) {
      const tour = startTour(home);
      const delayMs = 500 + random.integer(9000);
      const timer = setTimeout(() => tour.child.kill('SIGKILL'), delayMs);
      const { code } = await tour.ended;
      clearTimeout(timer);
      expectNothingClear(home);
      if (code === 0) break;
    }
    const { code, output } = await startTour(home).ended;
    expect([code, code === 0 ? '' : output]).toEqual([0, '']);
    expect(output).toMatch(/25 steps in \d+ s/);
    await expectOnce(home);
    expectNothingClear(home);
    rmSync(home, { recursive: true, force: true });
  }, 900_000);
});

/** The ledger verifies, and has each step of each version once. */
async function expectOnce(home: string): Promise<void> {
  const faults: unknown[] = [];
  const running = await start({ home, port: 0, onFault: (error) => void faults.push(error) });
  try {
    const { ledger, store } = running.platform.services;
    expect(await ledger.verify()).toMatchObject({ valid: true, faults: [] });
    const size = await store.ledgerSize();
    const steps = (await store.ledgerEntries(0, size))
      .map(({ leaf }) => JSON.parse(leaf) as { action: string; resource: string })
      .filter(({ action }) => /^step\.(intake|scan|seal|assess|harden|approve|serve)$/.test(action))
      .map(({ action, resource }) => `${action} ${resource}`);
    expect(steps.length).toBe(new Set(steps).size);
    const models = await store.artifacts(running.platform.workspaceId, 'model');
    const versions = await Promise.all(models.map(({ id }) => store.versions(id)));
    expect(versions.map((each) => each.length).sort()).toEqual([1, 1, 2]);
    const people = await running.platform.people.list(running.platform.workspaceId);
    expect(people.map(({ disabled }) => disabled)).toEqual([true, true]);
    expect(faults).toEqual([]);
  } finally {
    await running.close();
  }
}
