/** Listening: on loopback (IPv4 and IPv6) unless told otherwise, and never in the clear outside. */
import { createServer, type Server } from 'node:http';
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

/** Open doors, still closed to requests until `serve` is called. */
export interface Doors {
  readonly port: number;
  serve(fetch: (request: Request) => Response | Promise<Response>): void;
  close(): Promise<void>;
}

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
  const make = (): Server => {
    const answer = getRequestListener(
      (request: Request) => handler?.(request) ?? new Response('starting', { status: 503 }),
      { overrideGlobalObjects: false },
    );
    return createServer((incoming, outgoing) => {
      // Only we may say where a request came from.
      incoming.headers[addressHeader] = incoming.socket.remoteAddress ?? '';
      incoming.rawHeaders.push(addressHeader, incoming.socket.remoteAddress ?? '');
      void answer(incoming, outgoing);
    });
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
    serve: (fetch) => {
      handler = fetch;
    },
    close: async () => {
      await Promise.all(servers.map(closed));
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

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
