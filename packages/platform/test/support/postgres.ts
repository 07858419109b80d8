/** A PostgreSQL server of the tests' own, on a socket in a temporary folder. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './providers.ts';

/** A running server. */
export interface PostgresServer {
  readonly url: string;
  /** Port on loopback, where TLS was asked for; otherwise 0. */
  readonly port: number;
  stop(): Promise<void>;
}

/** Where the server programs are, or null when they are not installed. */
export function postgresPrograms(): string | null {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  for (const folder of [...versions.map((v) => join(base, v, 'bin')), '/usr/local/bin']) {
    if (existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) return folder;
  }
  return null;
}

/** Starts a server; PostgreSQL refuses to run as root, so root hands it to another user. */
export async function startPostgres(
  programs: string,
  options: { readonly tls?: { readonly certificate: string; readonly key: string } } = {},
): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'merlon-pg-'));
  const identity = process.getuid?.() === 0 ? otherUser() : null;
  if (identity !== null) chownSync(folder, identity.uid, identity.gid);
  chmodSync(folder, 0o700);
  const data = join(folder, 'data');
  const env = { PATH: process.env.PATH ?? '', LC_ALL: 'C', HOME: folder };
  const made = spawnSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'merlon', '--auth=trust', '-N', '-E', 'UTF8'],
    { env, cwd: folder, encoding: 'utf8', ...identity },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const { tls } = options;
  const port = tls === undefined ? 0 : await freePort();
  if (tls !== undefined && identity !== null) chownSync(tls.key, identity.uid, identity.gid);
  const listen =
    tls === undefined
      ? ['-c', 'listen_addresses=']
      : ['-c', 'listen_addresses=127.0.0.1', '-p', String(port), '-c', 'ssl=on'];
  const files =
    tls === undefined
      ? []
      : ['-c', `ssl_cert_file=${tls.certificate}`, '-c', `ssl_key_file=${tls.key}`];
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-k', folder, ...listen, ...files, '-c', 'fsync=off'],
    { env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...identity },
  );
  await new Promise<void>((resolve, reject) => {
    let log = '';
    server.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('database system is ready to accept connections')) resolve();
    });
    server.once('exit', (code) => reject(new Error(`postgres ended with ${code}: ${log}`)));
  });
  return {
    port,
    url: `postgres://merlon@/postgres?host=${encodeURIComponent(folder)}`,
    stop: async () => {
      server.kill('SIGINT');
      await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function otherUser(): { uid: number; gid: number } {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout),
    );
    if (uid !== undefined && gid !== undefined && uid > 0) return { uid, gid };
  }
  throw new Error('no user to run PostgreSQL as');
}
