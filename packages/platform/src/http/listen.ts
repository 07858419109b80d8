/** Listening: on loopback (IPv4 and IPv6) unless told otherwise, and never in the clear outside. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { messageOf } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import { addressHeader } from '../people/identity.ts';

/** Where to listen. */
export interface ListenOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Address besides loopback; needs `behindProxy`, since TLS ends there. */
  readonly address?: string;
  readonly behindProxy?: boolean;
}

/** Takes a request off the bare server, or says that it does not. */
export type Lane = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

/** Open doors, still closed to requests until `serve` is called. */
export interface Doors {
  readonly port: number;
  /** A lane is asked first; what it does not take goes to `fetch`. */
  serve(fetch: (request: Request) => Response | Promise<Response>, lane?: Lane): void;
  /** Takes no more requests, and lets those that came end, at most so long (default 10 s). */
  close(patienceMs?: number): Promise<void>;
}

const drainMsMax = 10_000;
const loopback = ['127.0.0.1', '::1'];

/** The addresses to listen on; throws `unsafe` for one that others reach in the clear. */
export function addressesOf({
  address,
  behindProxy = false,
}: Omit<ListenOptions, 'port'>): readonly string[] {
  if (address !== undefined && !loopback.includes(address) && !behindProxy) {
    throw new PlatformError('unsafe', `"${address}" is reachable by others and has no TLS`, {
      hint: 'put a TLS proxy in front and say --behind-proxy, or listen on loopback',
    });
  }
  return address === undefined ? loopback : [address];
}

/** Takes the port; throws `port-taken` or `unsafe`. */
export async function openDoors(options: ListenOptions): Promise<Doors> {
  const addresses = addressesOf(options);
  let handler: ((request: Request) => Response | Promise<Response>) | null = null;
  let lane: Lane | undefined;
  const make = (): Server => {
    const answer = getRequestListener(
      (request: Request) => handler?.(request) ?? new Response('starting', { status: 503 }),
      { overrideGlobalObjects: false },
    );
    const server = createServer((incoming, outgoing) => {
      if (lane?.(incoming, outgoing)) return;
      // Only we may say where a request came from.
      incoming.headers[addressHeader] = incoming.socket.remoteAddress ?? '';
      incoming.rawHeaders.push(addressHeader, incoming.socket.remoteAddress ?? '');
      void answer(incoming, outgoing);
    });
    track(server);
    return server;
  };
  const servers: Server[] = [];
  let { port } = options;
  for (const host of addresses) {
    const server = make();
    const taken = await listen(server, port, host);
    if (taken === null) continue;
    port = taken;
    servers.push(server);
  }
  return {
    port,
    serve: (fetch, short) => {
      handler = fetch;
      lane = short;
    },
    close: async (patienceMs = drainMsMax) => {
      await Promise.all(servers.map((server) => closed(server, patienceMs)));
    },
  };
}

/** The port, or null where the machine has no such address (IPv6 is not everywhere). */
function listen(server: Server, port: number, host: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'EAFNOSUPPORT') {
        resolve(null);
        return;
      }
      reject(portFault(cause, port, '--port'));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Why a port cannot be had. */
export function portFault(cause: unknown, port: number, option: string): PlatformError {
  const isTaken = messageOf(cause).includes('EADDRINUSE');
  const why = isTaken ? `port ${port} is taken` : `cannot use port ${port}`;
  const hint = `choose another with ${option}, or stop what uses it`;
  return new PlatformError('port-taken', why, { hint, cause });
}

function closed(server: Server, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), patienceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    // A connection is idle only once its answer is out, and then it would be kept alive.
    server.on('request', (_, outgoing: ServerResponse) => hangUp(server, outgoing));
    for (const outgoing of open.get(server) ?? []) hangUp(server, outgoing);
    server.closeIdleConnections();
  });
}

function hangUp(server: Server, outgoing: ServerResponse): void {
  outgoing.once('close', () => setImmediate(() => server.closeIdleConnections()));
  // A stream of events has no end to wait for; its reader comes back by itself.
  const type = String(outgoing.getHeader('content-type'));
  if (type.startsWith('text/event-stream')) outgoing.destroy();
}

/** Answers that are not out yet. */
const open = new WeakMap<Server, Set<ServerResponse>>();

function track(server: Server): void {
  const answers = new Set<ServerResponse>();
  open.set(server, answers);
  server.on('request', (_, outgoing: ServerResponse) => {
    answers.add(outgoing);
    outgoing.once('close', () => answers.delete(outgoing));
  });
}
