/** Listening: on loopback (IPv4 and IPv6) unless told otherwise, and never in the clear outside. */
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
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

/** Takes the port; throws `port-taken` or `unsafe`. */
export async function openDoors(options: ListenOptions): Promise<Doors> {
  const { address, behindProxy = false } = options;
  if (address !== undefined && !loopback.includes(address) && !behindProxy) {
    throw new PlatformError('unsafe', `"${address}" is reachable by others and has no TLS`, {
      hint: 'put a TLS proxy in front and say --behind-proxy, or listen on loopback',
    });
  }
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
  for (const host of address === undefined ? loopback : [address]) {
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
      const why = cause.code === 'EADDRINUSE' ? `port ${port} is taken` : `cannot use port ${port}`;
      const hint = 'choose another with --port, or stop what uses it';
      reject(new PlatformError('port-taken', why, { hint, cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
