/**
 * The control socket: one running platform a home, and a door for the machine's own user. Whoever
 * may open the socket may read the home's files anyway, so it needs no key of its own.
 */
import { createHash } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlatformError } from './errors.ts';

/** What the socket offers. */
export interface ControlHandlers {
  /** Facts about the running platform. */
  status(): object;
  /** Takes the tour; each line is told as it comes. */
  tour(onLine: (line: object) => void): Promise<object>;
  /** Makes an invite for a role and returns its link. */
  invite(role: string): Promise<object>;
}

/** A held socket. */
export interface Control {
  /** Begins to answer. */
  serve(handlers: ControlHandlers): void;
  close(): Promise<void>;
}

const pathBytesMax = 100;

/** Where a home's socket is; long paths do not fit a socket's name, so they get a short one. */
export function controlPath(home: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\merlon-${digest(home)}`;
  const path = join(home, 'control.sock');
  return Buffer.byteLength(path) <= pathBytesMax
    ? path
    : join(tmpdir(), `merlon-${digest(home)}.sock`);
}

/** Takes the home for this process; throws `conflict` when another one has it. */
export async function takeControl(home: string): Promise<Control> {
  const path = controlPath(home);
  const running = await controlStatus(home);
  if (running !== null) {
    throw new PlatformError('conflict', `this home is already running at ${running.origin}`, {
      hint: 'use the running one, stop it, or choose another --home',
    });
  }
  if (process.platform !== 'win32') rmSync(path, { force: true });
  let handlers: ControlHandlers | null = null;
  const server = createServer((incoming, response) => void answer(handlers, incoming, response));
  await listen(server, path);
  if (process.platform !== 'win32') chmodSync(path, 0o600);
  return {
    serve: (given) => {
      handlers = given;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The status of the platform that runs in a home, or null when none does. */
export async function controlStatus(home: string): Promise<{ origin: string } | null> {
  const lines: object[] = [];
  try {
    await controlCall(home, '/status', (line) => lines.push(line));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ECONNRESET'].includes(code)) return null;
    throw error;
  }
  return (lines[0] as { origin: string } | undefined) ?? { origin: 'an address not told yet' };
}

/** Asks the running platform; each line of its answer is told as it comes. */
export function controlCall(
  home: string,
  path: string,
  onLine: (line: object) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: controlPath(home), path, method: 'POST' }, (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) onLine(JSON.parse(line) as object);
      });
      response.on('end', resolve);
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function answer(
  handlers: ControlHandlers | null,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const tell = (line: object): void => void response.write(`${JSON.stringify(line)}\n`);
  try {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://control');
    if (handlers === null) tell({ origin: 'an address not told yet' });
    else if (pathname === '/status') tell(handlers.status());
    else if (pathname === '/invite') tell(await handlers.invite(searchParams.get('role') ?? ''));
    else if (pathname === '/tour') tell({ done: await handlers.tour((line) => tell({ line })) });
    else tell({ error: { code: 'not-found', message: `no ${pathname}`, hint: '' } });
  } catch (error) {
    const report =
      error instanceof PlatformError
        ? error.report()
        : { code: 'internal', message: String(error), hint: '' };
    tell({ error: report });
  }
  response.end();
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new PlatformError('home-unusable', `cannot make "${path}"`, { cause }));
    });
    server.listen(path, () => resolve());
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
