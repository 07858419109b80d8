/** A real browser for tests, from npm alone; null where the system cannot run it. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sparticuz from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Starts a browser; tells why when it cannot. */
export async function openBrowser(): Promise<Browser | null> {
  try {
    return await chromium.launch({
      executablePath: await sparticuz.executablePath(),
      args: [...sparticuz.args, '--no-sandbox', '--disable-background-networking'],
      headless: true,
      env: { ...process.env, HOME: mkdtempSync(join(tmpdir(), 'merlon-browser-')) },
    });
  } catch (error) {
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
