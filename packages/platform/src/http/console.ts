/** Serves the built console; every path that is not a file shows its start page. */
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import type { App } from './route.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
};

const notBuilt = `<!doctype html><title>Merlon</title><p>The console is not built yet. Run
<code>npm run console</code>, then reload.
The API is at <a href="/api/v1/openapi.json">/api/v1</a>.`;

/** Adds the routes; they come last, since they answer for every other path. */
export function consoleRoutes(app: App, folder: string | null): void {
  app.get('*', async (context, next) => {
    const { path } = context.req;
    if (/^\/(api|v2|taxii2)(\/|$)/.test(path)) return next();
    if (folder === null) return context.html(notBuilt, 503);
    const wanted = normalize(path).replace(/^([/\\.])+/, '');
    const type = types[extname(wanted)];
    const file = type === undefined ? null : await contentOf(join(folder, wanted));
    if (file !== null && type !== undefined) {
      const immutable = wanted.startsWith('assets/') ? 'public, max-age=31536000, immutable' : '';
      return context.body(file, 200, {
        'content-type': type,
        'cache-control': immutable || 'no-cache',
      });
    }
    const page = type === undefined ? await contentOf(join(folder, 'index.html')) : null;
    if (page === null) return next();
    return context.body(page, 200, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
    });
  });
}

async function contentOf(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return null;
    throw error;
  }
}
