/** Providers of the root key, each started for real; homes that move; the recovery drill. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { utf8 } from '@merlon/core';
import {
  joinShares,
  type KeyWrapper,
  signManifest,
  splitSecret,
  verifyBundle,
} from '@merlon/vault';
import { afterAll, describe, expect, it } from 'vitest';
import { openHome } from '../src/home.ts';
import { kmsWrapper, readKmsUri } from '../src/keys/providers/aws-kms.ts';
import { pkcs11Signer, pkcs11Wrapper, readPkcs11Uri } from '../src/keys/providers/pkcs11.ts';
import { readTransitUri, transitWrapper } from '../src/keys/providers/transit.ts';
import { makeRecovery, moveRootKey, recoverHome } from '../src/keys/recovery.ts';
import { freshHome } from './support/platform.ts';
import { startMoto, startSoftHsm, startTransit } from './support/providers.ts';

const hsm = await startSoftHsm();
const moto = await startMoto();
const transit = await startTransit();
afterAll(() => {
  moto?.stop();
  transit?.stop();
  hsm?.stop();
});

const key = utf8('0123456789abcdef0123456789abcdef');

async function wraps(wrapper: KeyWrapper): Promise<void> {
  const wrapped = await wrapper.wrap(key, 'one');
  expect(Buffer.from(wrapped).includes(Buffer.from(key))).toBe(false);
  expect(await wrapper.unwrap(wrapped, 'one')).toEqual(key);
  await expect(wrapper.unwrap(wrapped, 'two')).rejects.toMatchObject({ code: 'cannot-open' });
  const changed = wrapped.slice();
  changed[changed.length - 3] = (changed[changed.length - 3] ?? 0) ^ 1;
  await expect(wrapper.unwrap(changed, 'one')).rejects.toMatchObject({ code: 'cannot-open' });
  wrapper.close();
}

describe.skipIf(hsm === null)('a PKCS #11 device', () => {
  const place = () => readPkcs11Uri(hsm?.uri ?? '');
  it('wraps, and finds its key again', async () => {
    const first = await pkcs11Wrapper(place(), hsm?.pin ?? '');
    const wrapped = await first.wrap(key, 'again');
    first.close();
    const second = await pkcs11Wrapper(place(), hsm?.pin ?? '');
    expect(await second.unwrap(wrapped, 'again')).toEqual(key);
    second.close();
    await wraps(await pkcs11Wrapper(place(), hsm?.pin ?? ''));
  });
  it('says what is wrong with a PIN, a token and a library', async () => {
    const opened = (uri: string, pin: string) => pkcs11Wrapper(readPkcs11Uri(uri), pin);
    const refusal = { code: 'provider-unavailable', hint: expect.stringContaining('PIN') };
    await expect(opened(hsm?.uri ?? '', '9999')).rejects.toMatchObject(refusal);
    const other = (hsm?.uri ?? '').replace(/token=[^;]*/, 'token=none');
    await expect(opened(other, '1234')).rejects.toMatchObject(refusal);
    const missing = 'pkcs11:token=a;object=b?module-path=/none.so';
    await expect(opened(missing, '1')).rejects.toMatchObject(refusal);
    expect(() => readPkcs11Uri('pkcs11:token=a')).toThrow('expected pkcs11:token=');
  });
  it('signs models with a key that stays in it', async () => {
    const { publicKeyPem, label } = hsm?.signingKey ?? { publicKeyPem: '', label: '' };
    const own = { ...place(), object: label };
    const signer = await pkcs11Signer(own, hsm?.pin ?? '', publicKeyPem);
    const files = [{ name: 'a', digest: `sha256:${'0'.repeat(64)}` }];
    for (let i = 0; i < 8; i++) {
      const bundle = signManifest(files, { modelName: 'm', signer });
      expect(verifyBundle(bundle, files, { publicKeyPem, strict: true }).errors).toEqual([]);
    }
    signer.close();
  });
});

describe.skipIf(moto === null)('AWS KMS', () => {
  it('wraps', async () => wraps(await kmsWrapper(readKmsUri(moto?.uri ?? ''))));
  it('that is down or has no such key is one sentence', async () => {
    const down = await kmsWrapper(readKmsUri('aws-kms:k?endpoint=http://127.0.0.1:9&region=x'));
    await expect(down.wrap(key, 'a')).rejects.toMatchObject({ code: 'provider-unavailable' });
    const none = await kmsWrapper(readKmsUri((moto?.uri ?? '').replace(/:[^:?]*\?/, ':none?')));
    await expect(none.wrap(key, 'a')).rejects.toMatchObject({ code: 'provider-unavailable' });
    expect(() => readKmsUri('aws-kms:')).toThrow('expected aws-kms:KEY');
  });
});

describe.skipIf(transit === null)('the Transit engine', () => {
  it('wraps', () =>
    wraps(transitWrapper(readTransitUri(transit?.uri ?? ''), transit?.token ?? '')));
});

describe('the Transit engine, without a server', () => {
  it('that is down is one sentence; clear addresses are refused', async () => {
    const down = transitWrapper(readTransitUri('transit:http://127.0.0.1:9/k'), 't');
    await expect(down.wrap(key, 'a')).rejects.toMatchObject({ code: 'provider-unavailable' });
    expect(() => readTransitUri('transit:http://vault.example/k')).toThrow('expected https');
    expect(() => readTransitUri('transit:nonsense')).toThrow('expected transit:https');
    expect(readTransitUri('transit:https://v.example:8200/a/b/key')).toEqual({
      address: 'https://v.example:8200',
      mount: 'a/b',
      key: 'key',
    });
  });
});

describe('a service that takes a request and never answers', () => {
  it('is one sentence once the time is over, and nothing is left of it', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    const uri = `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}`;
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
    const slow = [
      transitWrapper(readTransitUri(`transit:${uri}/k`), 't', 100),
      await kmsWrapper(readKmsUri(`aws-kms:k?endpoint=${uri}&region=x`), 100),
    ];
    for (const wrapper of slow) {
      const refusal = { code: 'provider-unavailable', hint: expect.stringContaining('try again') };
      await expect(wrapper.wrap(key, 'a')).rejects.toMatchObject(refusal);
      await expect(wrapper.unwrap(key, 'a')).rejects.toMatchObject(refusal);
      wrapper.close();
    }
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

describe('a home', () => {
  const secrets = {
    passphrase: 'a long passphrase',
    pkcs11Pin: hsm?.pin ?? '',
    transitToken: transit?.token ?? '',
  };
  it('moves between providers, and its keys stay what they are', { timeout: 60_000 }, async () => {
    const home = freshHome();
    const keyOf = async (): Promise<string> => {
      const opened = await openHome(home, secrets);
      const derived = Buffer.from(await opened.rootKey.derive('database')).toString('hex');
      opened.rootKey.close();
      return derived;
    };
    (await openHome(home)).rootKey.close();
    const first = await keyOf();
    const stations = [
      'passphrase',
      ...(hsm === null ? [] : [hsm.uri]),
      ...(moto === null ? [] : [moto.uri]),
      ...(transit === null ? [] : [transit.uri]),
      'key-file',
    ];
    for (const to of stations) {
      await moveRootKey(home, to, { from: secrets, to: secrets });
      expect(await keyOf()).toBe(first);
    }
    await expect(moveRootKey(home, 'drawer', { from: secrets, to: secrets })).rejects.toMatchObject(
      { code: 'bad-request' },
    );
    rmSync(home, { recursive: true });
  });

  it('drill: the root key is lost, two of three shares bring the home back', async () => {
    const home = freshHome();
    const before = await openHome(home);
    const derived = await before.rootKey.derive('database');
    before.rootKey.close();
    const printed = await splitSecret(await makeRecovery(home, {}), { shares: 3, threshold: 2 });
    // The disaster: the only copy of the root key is gone.
    rmSync(join(home, 'root.key'));
    await expect(openHome(home)).rejects.toMatchObject({
      code: 'home-unusable',
      hint: expect.stringContaining('merlon keys recover'),
    });
    const identity = await joinShares([printed[2] ?? '', printed[0] ?? '']);
    await recoverHome(home, identity, { rootKey: 'passphrase', secrets });
    const after = await openHome(home, secrets);
    expect(await after.rootKey.derive('database')).toEqual(derived);
    expect(after.keyFile).toBe(null);
    after.rootKey.close();
    await expect(openHome(home, { passphrase: 'another' })).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
    rmSync(home, { recursive: true });
  });

  it('opens for no other recovery key, and says when it has none', async () => {
    const [home, other] = [freshHome(), freshHome()];
    for (const each of [home, other]) (await openHome(each)).rootKey.close();
    const to = { rootKey: 'key-file', secrets: {} };
    const none = recoverHome(home, 'AGE-SECRET-KEY-1X', to);
    await expect(none).rejects.toMatchObject({ code: 'not-ready' });
    await makeRecovery(home, {});
    const foreign = await makeRecovery(other, {});
    await expect(recoverHome(home, foreign, to)).rejects.toMatchObject({ code: 'cannot-open' });
    const text = readFileSync(join(home, 'merlon.json'), 'utf8');
    expect(text).not.toMatch(/AGE-SECRET/);
    mkdirSync(join(home, 'x'));
    writeFileSync(join(home, 'x', 'merlon.json'), '{"format":2,"rootKey":{"provider":"cloud"}}');
    await expect(openHome(join(home, 'x'))).rejects.toMatchObject({ code: 'home-unusable' });
    for (const each of [home, other]) rmSync(each, { recursive: true });
  });
});
