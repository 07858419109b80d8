/** A service over HTTP of the tests' own on loopback: keeps what it is sent, answers as told. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { end, listen } from './support.ts';

/** What it was sent. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** A running service. */
export interface Service {
  readonly origin: string;
  readonly asked: Asked[];
  close(): Promise<void>;
}

/** How it answers. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Starts one; what is no JSON is answered with 400, as the services do. */
export async function openService(answer: (asked: Asked) => Answer, port = 0): Promise<Service> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, path: url, headers, body: parsed(text) };
      asked.push(one);
      const {
        status,
        headers: more = {},
        body = '',
      } = one.body === undefined ? { status: 400 } : answer(one);
      response.writeHead(status, { connection: 'close', ...more }).end(body);
    });
  });
  const origin = `http://127.0.0.1:${await listen(server, port)}`;
  return { origin, asked, close: () => end(server) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
