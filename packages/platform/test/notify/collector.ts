/** A syslog receiver of the tests' own on loopback: octet counts and RFC 5424, nothing else. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { end, listen } from './support.ts';

/** A message of RFC 5424. */
export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  readonly at: string;
  readonly host: string;
  readonly app: string;
  readonly process: string;
  readonly id: string;
  readonly data: string;
  readonly text: string;
}

/** A running receiver. */
export interface Collector {
  readonly port: number;
  readonly messages: SyslogMessage[];
  readonly faults: Error[];
  close(): Promise<void>;
}

/** Starts one, by TLS when it is given a key and certificate. */
export async function openCollector({
  tls = null,
  port = 0,
}: {
  tls?: { key: string; cert: string } | null;
  port?: number;
} = {}): Promise<Collector> {
  const messages: SyslogMessage[] = [];
  const faults: Error[] = [];
  const take = (socket: Socket): void => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
    socket.on('error', (error) => faults.push(error));
    socket.on('end', () => {
      try {
        messages.push(...framesIn(Buffer.concat(chunks)).map(parseMessage));
      } catch (error) {
        faults.push(error as Error);
      }
    });
  };
  const server: Server = tls === null ? createServer(take) : createTlsServer(tls, take);
  server.on('tlsClientError', (error: Error) => faults.push(error));
  return { port: await listen(server, port), messages, faults, close: () => end(server) };
}

/** Messages in frames (RFC 6587, section 3.4.1): a count without leading zero, a space, octets. */
function framesIn(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at);
    const count = bytes.toString('ascii', at, space);
    if (!/^[1-9]\d*$/.test(count)) throw new Error(`no octet count: "${count.slice(0, 20)}"`);
    const to = space + 1 + Number(count);
    if (to > bytes.length) throw new Error(`${bytes.length} bytes, expected ${to}`);
    found.push(bytes.toString('utf8', space + 1, to));
    at = to;
  }
  return found;
}

/** The grammar of section 6, with its limits of length. */
const grammar = new RegExp(
  [
    /^<(0|[1-9]\d{0,2})>1 /,
    /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) /,
    /([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) (-|\[.*?\])(?: ([ -~]*))?$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

function parseMessage(message: string): SyslogMessage {
  const parts = grammar.exec(message);
  if (parts === null) throw new Error(`no message of RFC 5424: ${message}`);
  const [, priority, at = '', host = '', app = '', process = '', id = '', data = '', text = ''] =
    parts;
  const [facility, severity] = [Math.floor(Number(priority) / 8), Number(priority) % 8];
  if (facility > 23) throw new Error(`no facility: ${facility}`);
  return { facility, severity, at, host, app, process, id, data, text };
}
