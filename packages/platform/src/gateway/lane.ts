/**
 * The short way in: questions to models are answered on the bare HTTP server, without the layers
 * that people's requests pass, since most requests are of this kind. Everything else, and whatever
 * looks like a browser's, takes the long way, which answers questions alike.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Lane } from '../http/listen.ts';
import { badTensor } from './elements.ts';
import type { Front } from './front.ts';
import { inferReply, type RestReply } from './rest.ts';
import { bodyBytesMax, tooLarge } from './wire.ts';

/** Bytes of a refused request that are read for the sake of its connection. */
const skippedMax = 1 << 16;
const inferPath = /^\/v2\/models\/([^/?]+)(?:\/versions\/([^/?]+))?\/infer$/;

/** A lane for those who call one of these hosts (null: any). */
export function inferLane(front: Front, hosts: ReadonlySet<string> | null): Lane {
  return (incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    if (method !== 'POST' || headers.origin !== undefined) return false;
    if (hosts !== null && !hosts.has(headers.host ?? '')) return false;
    const found = inferPath.exec(url);
    const [name, version] = [decoded(found?.[1]), decoded(found?.[2])];
    if (found === null || name === null) return false;
    const header = (each: string): string | null => {
      const value = headers[each];
      return typeof value === 'string' ? value : null;
    };
    const question = { name, version, header, body: () => bodyOf(incoming) };
    void inferReply(front, question).then((reply) => send(incoming, outgoing, reply));
    return true;
  };
}

/** Null for what is missing or no name. */
function decoded(part: string | undefined): string | null {
  try {
    return part === undefined ? null : decodeURIComponent(part);
  } catch {
    return null;
  }
}

function bodyOf(incoming: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let length = 0;
    incoming.on('data', (part: Buffer) => {
      length += part.length;
      if (length > bodyBytesMax) {
        incoming.pause();
        reject(tooLarge());
      } else parts.push(part);
    });
    incoming.once('end', () => {
      const [only] = parts;
      resolve(only !== undefined && parts.length === 1 ? only : Buffer.concat(parts, length));
    });
    incoming.once('error', (cause) => reject(badTensor('the body was cut off', cause)));
  });
}

function send(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, headers, body }: RestReply,
): void {
  // What was not read belongs to a request that is refused: little is read over, and a connection
  // with much ends with it.
  const isCut = !incoming.complete && !(Number(incoming.headers['content-length']) <= skippedMax);
  if (!isCut) incoming.resume();
  outgoing.writeHead(status, {
    ...headers,
    ...securityHeaders,
    'content-length': body.length,
    ...(isCut && { connection: 'close' }),
  });
  outgoing.end(body, () => {
    if (isCut) incoming.destroy();
  });
}

const securityHeaders = { 'x-content-type-options': 'nosniff' };
