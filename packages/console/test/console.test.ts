import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Running, start } from '../../platform/src/main.ts';
import { totp } from '../../platform/src/tour/totp.ts';
import { openBrowser, openPage } from './browser.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));
const password = 'correct horse battery';
const browser: Browser | null = await openBrowser();
const home = mkdtempSync(join(tmpdir(), 'merlon-console-'));
let running: Running;
let context: BrowserContext;
let page: Page;
let faults: string[];
let secret = '';

beforeAll(async () => {
  if (browser === null) return;
  if (!existsSync(join(folder, 'dist', 'index.html'))) {
    await build({ configFile: join(folder, 'vite.config.ts'), logLevel: 'error' });
  }
  running = await start({
    home,
    port: 0,
    onFault: (error) => {
      throw error;
    },
  });
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  ({ page, faults } = await openPage(context));
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await running?.close();
  rmSync(home, { recursive: true, force: true });
});

/** Every input has a name, headings begin at level 1, and there is one main landmark. */
async function accessible(): Promise<void> {
  const found = await page.evaluate(() => {
    const unnamed = [...document.querySelectorAll('input, select, textarea')].filter((input) => {
      const { labels, ariaLabel } = input as HTMLInputElement;
      return (labels?.length ?? 0) === 0 && !ariaLabel;
    });
    return {
      unnamed: unnamed.length,
      firstHeading: document.querySelector('h1, h2, h3, h4')?.tagName,
      mains: document.querySelectorAll('main').length,
    };
  });
  expect(found).toEqual({ unnamed: 0, firstHeading: 'H1', mains: 1 });
}

async function heading(name: string | RegExp): Promise<void> {
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await accessible();
}

describe.skipIf(browser === null)('the console in a real browser', () => {
  it('sends a stranger to sign in, and refuses a wrong password in words', async () => {
    await page.goto(`${running.origin}/keys`);
    await heading('Sign in');
    await page.getByLabel('E-mail').fill('nobody@example.com');
    await page.getByLabel('Password').fill('not the right one');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').getByText('Invalid email or password.').waitFor();
    // The browser itself notes the refused request; nothing else may have been said.
    expect(faults.filter((fault) => !fault.includes('401'))).toEqual([]);
    faults.length = 0;
  });

  it('makes the first owner by the one-time link, with a second factor', async () => {
    await page.goto(running.ownerLink ?? '');
    await heading('Join the workspace');
    await page.getByLabel('Name').fill('Ada Owner');
    await page.getByLabel('E-mail').fill('ada@example.com');
    await page.getByLabel(/^Password/).fill(password);
    await page.getByRole('button', { name: 'Join' }).click();
    await heading('Set up your second factor');
    await page.getByRole('button', { name: 'Set up an authenticator app' }).click();
    secret = (await page.getByLabel('Secret').inputValue()).replaceAll(' ', '');
    await page.getByLabel(/Code of your/).fill(totp(secret, Date.now()));
    await page.getByRole('button', { name: 'Finish' }).click();
    await heading('Models');
    await page.getByText('No models yet.').waitFor();
    expect(faults).toEqual([]);
  });

  it('shows a model as it arrives, live, and a refused one with its finding', async () => {
    const put = async (name: string, path: string, bytes: number[]): Promise<void> => {
      await page.evaluate(
        async (file) => {
          const json = { 'content-type': 'application/json' };
          const body = JSON.stringify({ name: file.name });
          const begun = await fetch('/api/v1/models', { method: 'POST', headers: json, body });
          const { id } = (await begun.json()) as { id: string };
          const at = `/api/v1/versions/${id}`;
          await fetch(`${at}/files/${file.path}`, {
            method: 'PUT',
            body: new Uint8Array(file.bytes),
          });
          await fetch(`${at}/complete`, { method: 'POST' });
        },
        { name, path, bytes },
      );
    };
    await put('hostile', 'model.pkl', [...Buffer.from("cposix\nsystem\n(S'echo inert'\ntR.")]);
    await page.getByText('scan refused').waitFor();
    await page.getByRole('link', { name: 'v1' }).click();
    await heading(/hostile/);
    await page.getByText('critical').first().waitFor();
    await page.getByText('Not approved yet:').waitFor();
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
    await page.getByRole('button', { name: 'Revoke' }).press('Enter');
    await page.getByLabel('Why').fill('a drill');
    await page.keyboard.press('Enter');
    await page.getByText('revoked', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('shows people, an empty list of incidents and a verified ledger', async () => {
    await page.getByRole('link', { name: 'People' }).click();
    await heading('People');
    await page.getByRole('cell', { name: 'ada@example.com' }).waitFor();
    await page.getByRole('link', { name: 'Incidents' }).click();
    await heading('Incidents');
    await page.getByText('No incidents.').waitFor();
    await page.getByRole('link', { name: 'Ledger' }).click();
    await heading('Ledger');
    await page.getByText('verified', { exact: true }).waitFor();
    await page.getByText('key.revoke', { exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('signs out, and in again with password and code', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading('Sign in');
    await page.getByLabel('E-mail').fill('ada@example.com');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await heading('Enter your code');
    await page.getByLabel(/Code of your/).fill(totp(secret, Date.now()));
    await page.getByRole('button', { name: 'Continue' }).click();
    await heading('Models');
    expect(faults).toEqual([]);
  });
});
