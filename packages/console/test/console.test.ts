import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Running, start } from '../../platform/src/main.ts';
import { totp } from '../../platform/src/tour/totp.ts';
import { addPasskeyDevice, bring, faultsOfUse, openBrowser, openPage } from './browser.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
const password = 'correct horse battery';
const browser: Browser | null = await openBrowser();
const home = mkdtempSync(join(tmpdir(), 'merlon-console-'));
const serverFaults: unknown[] = [];
let running: Running;
let context: BrowserContext;
let page: Page;
let faults: string[];
let secret = '';
let recoveryCode = '';

beforeAll(async () => {
  if (browser === null) return;
  if (!isBuilt()) await build({ configFile: join(folder, 'vite.config.ts'), logLevel: 'error' });
  running = await start({
    home,
    port: 0,
    rateLimit: false,
    onFault: (error) => serverFaults.push(error),
  });
  context = await openContext();
  ({ page, faults } = await openPage(context));
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await running?.close();
  rmSync(home, { recursive: true, force: true });
});

/** A build older than a source would test yesterday's console. */
function isBuilt(): boolean {
  const built = statSync(join(folder, 'dist', 'index.html'), { throwIfNoEntry: false });
  const source = join(folder, 'src');
  const times = readdirSync(source, { recursive: true }).map(
    (name) => statSync(join(source, String(name))).mtimeMs,
  );
  return built !== undefined && Math.max(...times) <= built.mtimeMs;
}

async function openContext(): Promise<BrowserContext> {
  if (browser === null) throw new Error('no browser');
  const opened = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
  });
  opened.setDefaultTimeout(8000);
  return opened;
}

async function heading(name: string | RegExp, on: Page = page): Promise<void> {
  await on.getByRole('heading', { level: 1, name }).waitFor();
  expect(await faultsOfUse(on)).toEqual([]);
}

/** The browser itself notes each refused request; what else was said is a fault. */
function expectOnlyRefusals(...statuses: readonly number[]): void {
  const isRefusal = (fault: string): boolean =>
    statuses.some((status) => fault.includes(`status of ${status}`));
  expect(faults.filter((fault) => !isRefusal(fault))).toEqual([]);
  faults.length = 0;
}

async function signIn(): Promise<void> {
  await page.getByLabel('E-mail').fill('ada@example.com');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await heading('Enter your code');
}

async function code(): Promise<void> {
  await page.getByLabel(/Code of your/).fill(totp(secret, Date.now()));
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function joinBy(on: Page, link: string, name: string): Promise<void> {
  await on.goto(link);
  await heading('Join the workspace', on);
  await on.getByLabel('Name').fill(name);
  await on.getByLabel('E-mail').fill(`${name.toLowerCase().split(' ')[0]}@example.com`);
  await on.getByLabel(/^Password/).fill(password);
  await on.getByRole('button', { name: 'Join' }).click();
  await heading('Set up your second factor', on);
}

describe.skipIf(browser === null)('the console in a real browser', () => {
  it('sends a stranger to sign in, and refuses a wrong password in words', async () => {
    await page.goto(`${running.origin}/keys`);
    await heading('Sign in');
    await page.getByLabel('E-mail').fill('nobody@example.com');
    await page.getByLabel('Password').fill('not the right one');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').getByText('Invalid email or password.').waitFor();
    expectOnlyRefusals(401);
  });

  it('makes the first owner by the one-time link, with a second factor', async () => {
    await joinBy(page, running.ownerLink ?? '', 'Ada Owner');
    await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
    secret = (await page.getByLabel('Secret').inputValue()).replaceAll(' ', '');
    [recoveryCode = ''] = (await page.getByLabel('Recovery codes').inputValue()).split('\n');
    expect(secret).toMatch(/^[A-Z2-7]{16,}$/);
    await page.getByLabel(/Code of your/).fill('000000');
    await page.getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('alert').getByText('Invalid code').waitFor();
    expectOnlyRefusals(401);
    await page.getByLabel(/Code of your/).fill(totp(secret, Date.now()));
    await page.getByRole('button', { name: 'Finish' }).click();
    await heading('Models');
    await page.getByText('No models yet.').waitFor();
    expect(await page.title()).toBe('Models · Merlon');
    expect(faults).toEqual([]);
  });

  it('shows a model as it arrives, live, and a refused one with its finding', async () => {
    const hostile = [...Buffer.from("cposix\nsystem\n(S'echo inert'\ntR.")];
    await bring(page, { name: 'hostile', path: 'model.pkl', bytes: hostile });
    await page.getByText('scan refused').waitFor();
    await page.getByRole('link', { name: 'hostile v1' }).click();
    await heading(/hostile/);
    await page.getByText('critical').first().waitFor();
    await page.getByText('The step “scan” refused this version: it is flagged.').waitFor();
    await page.getByText('Not approved yet:').waitFor();
    await page.getByText('You brought it in, so somebody else must approve it.').waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('follows a finding of her own, which she may call fixed but not accept', async () => {
    await page.getByRole('link', { name: 'Findings' }).click();
    await heading('Findings');
    const row = page.getByRole('row', { name: /MRL-PKL/ }).first();
    await row.getByRole('link', { name: 'hostile v1' }).waitFor();
    expect(await row.getByRole('button', { name: 'Accept' }).count()).toBe(0);
    await row.getByRole('button', { name: 'Fixed' }).click();
    await page.getByLabel('Why').fill('saved anew as safetensors');
    await page.getByRole('dialog').getByRole('button', { name: 'Fixed' }).click();
    await row.getByText('fixed', { exact: true }).waitFor();
    await row.getByRole('button', { name: 'Reopen' }).click();
    await page.getByLabel('Why').fill('it is not');
    await page.getByRole('dialog').getByRole('button', { name: 'Reopen' }).click();
    await row.getByText('open', { exact: true }).waitFor();
    const scrub = page.getByRole('row', { name: /Read every sealed object/ });
    await scrub.getByRole('button', { name: 'Run now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
    await scrub.getByText('damaged 0').waitFor();
    await scrub.getByRole('button', { name: 'Change' }).click();
    await page.getByLabel('Cron expression').fill('0 5 * * *');
    await page.getByRole('dialog').getByRole('button', { name: 'Change' }).click();
    await scrub.getByText('0 5 * * *').waitFor();
    expect(faults).toEqual([]);
  });

  it('makes a key, shows it once and revokes it, all by keyboard', async () => {
    await page.getByRole('link', { name: 'Keys' }).focus();
    await page.keyboard.press('Enter');
    await heading('API keys');
    await page.getByRole('button', { name: 'New key' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Name').focus();
    await page.keyboard.type('scoring service');
    await page.keyboard.press('Enter');
    const key = await page.getByRole('textbox', { name: 'API key', exact: true }).inputValue();
    expect(key).toMatch(/^mrl_[A-Za-z0-9_-]{43}$/);
    await page.getByRole('button', { name: 'I have kept it' }).press('Enter');
    expect(await page.getByText(key).count()).toBe(0);
    await page.getByRole('button', { name: 'Revoke' }).press('Enter');
    await page.getByLabel('Why').fill('a drill');
    await page.keyboard.press('Enter');
    await page.getByText('revoked', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('shows an empty list of incidents and a verified ledger', async () => {
    await page.getByRole('link', { name: 'Incidents' }).click();
    await heading('Incidents');
    await page.getByText('No incidents.').waitFor();
    await page.getByRole('link', { name: 'Ledger' }).click();
    await heading('Ledger');
    await page.getByText('verified', { exact: true }).waitFor();
    await page.getByText('key.revoke', { exact: true }).waitFor();
    await page.getByText('leaf').first().click();
    await page.getByText('"action": "key.revoke"').waitFor();
    expect(faults).toEqual([]);
  });

  it('invites a developer, who joins by passkey and is offered less', async () => {
    await page.getByRole('link', { name: 'People' }).click();
    await heading('People');
    await page.getByRole('button', { name: 'Invite' }).click();
    await page.getByRole('button', { name: 'Make a one-time link' }).click();
    const link = await page.getByLabel('One-time link').inputValue();
    const other = await openContext();
    const { page: theirs, faults: said } = await openPage(other);
    await addPasskeyDevice(theirs);
    await joinBy(theirs, link, 'Grace Developer');
    await theirs.getByRole('button', { name: 'Use a passkey instead' }).click();
    await heading('Models', theirs);
    await theirs.getByRole('link', { name: 'People' }).click();
    await theirs.getByRole('cell', { name: 'ada@example.com' }).waitFor();
    expect(await theirs.getByRole('button', { name: 'Invite' }).count()).toBe(0);
    expect(await theirs.getByRole('button', { name: 'Disable' }).count()).toBe(0);
    await theirs.getByRole('button', { name: 'Sign out' }).click();
    await heading('Sign in', theirs);
    await theirs.getByRole('button', { name: 'Use a passkey' }).click();
    await heading('Models', theirs);
    await theirs.goto(link);
    await theirs.getByLabel('Name').fill('Mallory');
    await theirs.getByLabel('E-mail').fill('mallory@example.com');
    await theirs.getByLabel(/^Password/).fill(password);
    expect(said).toEqual([]);
    await theirs.getByRole('button', { name: 'Join' }).click();
    await theirs.getByRole('alert').getByText('This link is not valid, or was used.').waitFor();
    await other.close();
    expect(faults).toEqual([]);
  }, 30_000);

  it('disables a person', async () => {
    await page.reload();
    await page.getByRole('cell', { name: 'grace@example.com' }).waitFor();
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByLabel('Why').fill('left the team');
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await page.getByText('disabled', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('fits 360 px, light and dark, on every page', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const name of ['Models', 'Findings', 'Incidents', 'Keys', 'People', 'Ledger']) {
        await page.getByRole('link', { name, exact: true }).click();
        await heading(name === 'Keys' ? 'API keys' : name);
      }
      await page.getByRole('link', { name: 'Models', exact: true }).click();
      await page.getByRole('link', { name: 'hostile v1' }).click();
      await heading(/hostile/);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    expect(faults).toEqual([]);
  });

  it('tells when the stream of news is lost, and when a thing is not there', async () => {
    await page.route('**/api/v1/stream', (route) => route.abort());
    await page.goto(`${running.origin}/versions/none`);
    await page.getByText('Reconnecting …').waitFor();
    await heading('Version');
    await page.getByRole('alert').getByText('There is no version "none".').waitFor();
    // What may have been missed is fetched once more, and is not there again.
    const again = page.waitForResponse('**/api/v1/versions/none');
    await page.unroute('**/api/v1/stream');
    await again;
    await page.getByText('Reconnecting …').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Models', exact: true }).click();
    await heading('Models');
    expect(faults.filter((fault) => !/status of 404|ERR_FAILED/.test(fault))).toEqual([]);
    faults.length = 0;
  });

  it('asks to sign in again when the session is over, and comes back to the page', async () => {
    await context.clearCookies();
    await page.getByRole('link', { name: 'Ledger' }).click();
    await heading('Sign in');
    // Late answers about the version that is not there may be among these.
    expectOnlyRefusals(401, 404);
    await signIn();
    await code();
    await heading('Ledger');
    expect(faults).toEqual([]);
  });

  it('signs out, and in again with a recovery code, once', async () => {
    for (const works of [true, false]) {
      await page.getByRole('button', { name: 'Sign out' }).click();
      await heading('Sign in');
      await signIn();
      await page.getByRole('button', { name: /recovery code/ }).click();
      await page.getByLabel('Recovery code').fill(recoveryCode);
      await page.getByRole('button', { name: 'Continue' }).click();
      if (works) await heading('Models');
      else await page.getByRole('alert').getByText('Invalid backup code').waitFor();
      if (!works) break;
      expect(faults).toEqual([]);
    }
    expectOnlyRefusals(401);
    expect(serverFaults).toEqual([]);
  });
});
