/** A line to a server that breaks when it is told to. */
import { connect, createServer, type Socket } from 'node:net';

/** A proxy for TCP. */
export interface BrokenLine {
  readonly uri: string;
  /** Breaks all connections, and as many of those to come. */
  breakNext(count: number): void;
  /** How many of those to come were broken. */
  broken(): number;
  stop(): void;
}

/** Listens on loopback and hands everything on to the address. */
export async function brokenLine(address: string): Promise<BrokenLine> {
  const { hostname, port } = new URL(address);
  const open = new Set<Socket>();
  let left = 0;
  let broken = 0;
  const server = createServer((near) => {
    near.on('error', () => near.destroy());
    if (left > 0) {
      left--;
      broken++;
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  const end = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    uri: `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}`,
    breakNext: (count) => {
      left = count;
      end();
    },
    broken: () => broken,
    stop: () => {
      end();
      server.close();
    },
  };
}
