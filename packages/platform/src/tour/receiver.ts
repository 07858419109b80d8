/** Stands in for a team's chat or pager while the tour runs: a webhook of its own on loopback. */
import { createServer } from 'node:http';
import type { Platform } from '../platform.ts';

/** A receiver that counts what it is told. */
export interface Receiver {
  readonly messages: readonly string[];
  close(): Promise<void>;
}

/** Listens where the operator configured no webhook; null where one is. */
export async function openReceiver({ webhook }: Platform): Promise<Receiver | null> {
  if (webhook.address !== null) return null;
  const messages: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      messages.push(body);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  webhook.address = `http://127.0.0.1:${port}/`;
  return {
    messages,
    close: () => {
      webhook.address = null;
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
