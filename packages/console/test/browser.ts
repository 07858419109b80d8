/** A real browser for tests, from npm alone; null where the system cannot run it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sparticuz from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/**
 * Arguments of the package that a test must not have: with one process, contexts share their
 * cookies (two people become one); without web security, faults across origins stay hidden.
 */
const unwanted = ['--single-process', '--disable-web-security'];

/** Starts a browser; tells why when it cannot. */
export async function openBrowser(): Promise<Browser | null> {
  const home = mkdtempSync(join(tmpdir(), 'merlon-browser-'));
  const clean = (): void => rmSync(home, { recursive: true, force: true });
  try {
    const browser = await chromium.launch({
      executablePath: await sparticuz.executablePath(),
      args: [
        ...sparticuz.args.filter((argument) => !unwanted.includes(argument)),
        '--no-sandbox',
        '--disable-background-networking',
      ],
      headless: true,
      env: { ...process.env, HOME: home },
    });
    browser.on('disconnected', clean);
    return browser;
  } catch (error) {
    clean();
    console.warn(`skipped: no browser can run here (${String(error).split('\n')[0]})`);
    return null;
  }
}

/** A page that remembers everything it complained about. */
export async function openPage(context: BrowserContext): Promise<{ page: Page; faults: string[] }> {
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  return { page, faults };
}

/** A device that makes and uses passkeys without asking anybody (WebAuthn automation). */
export async function addPasskeyDevice(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

/** Brings a model of one file in, with the session of the page. */
export async function bring(
  page: Page,
  file: { readonly name: string; readonly path: string; readonly bytes: readonly number[] },
): Promise<void> {
  await page.evaluate(async ({ name, path, bytes }) => {
    const answer = await fetch('/api/v1/models', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    const { id } = (await answer.json()) as { id: string };
    const at = `/api/v1/versions/${id}`;
    await fetch(`${at}/files/${path}`, { method: 'PUT', body: new Uint8Array(bytes) });
    await fetch(`${at}/complete`, { method: 'POST' });
  }, file);
}

/**
 * What stands in the way of a reader: fields and buttons without a name, headings out of order,
 * ids used twice, no single main part, content wider than the window.
 */
export function faultsOfUse(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const field of document.querySelectorAll('input, select, textarea')) {
      const { labels, ariaLabel } = field as HTMLInputElement;
      if ((labels?.length ?? 0) === 0 && !ariaLabel) found.push(`no label: ${field.outerHTML}`);
    }
    for (const control of document.querySelectorAll('button, a')) {
      const name = control.ariaLabel ?? control.textContent ?? '';
      if (name.trim() === '') found.push(`no name: ${control.outerHTML}`);
    }
    let level = 0;
    for (const { tagName } of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
      const next = Number(tagName.slice(1));
      if (next > level + 1) found.push(`heading ${next} after ${level}`);
      level = next;
    }
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    if (new Set(ids).size < ids.length) found.push('an id is used twice');
    const mains = document.querySelectorAll('main').length;
    if (mains !== 1) found.push(`${mains} main parts`);
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) found.push(`wider than the window by ${over} px`);
    return found;
  });
}
