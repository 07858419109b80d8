/** Sealing and opening: the round trip, and everything that must not open. */
import { concat, utf8 } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  armor,
  generateIdentity,
  open,
  passphraseIdentity,
  passphraseRecipient,
  seal,
  sealedPayloadBytes,
} from '../../src/index.ts';
import { gather, inPieces, sampleBytes } from '../support.ts';

const alice = await generateIdentity();
const bob = await generateIdentity();
const quantum = await generateIdentity({ postQuantum: true });
const refusal = { code: 'cannot-open' };

async function sealed(clear: Uint8Array, recipient = alice.recipient): Promise<Uint8Array> {
  return gather(seal(inPieces(clear), { recipients: [recipient] }));
}

async function opened(file: Uint8Array, identity = alice.identity, piece = 9_999) {
  return gather(open(inPieces(file, piece), { identities: [identity] }));
}

describe('seal and open', () => {
  const sizes = [0, 1, 65535, 65536, 65537, 131072, 200_000];
  it.each(sizes)('gives back %i bytes, whole or in small pieces', async (size) => {
    const clear = sampleBytes(size);
    const file = await sealed(clear);
    expect(await opened(file)).toEqual(clear);
    expect(await opened(file, alice.identity, 100_001)).toEqual(clear);
    const payload = file.length - sealedPayloadBytes(size);
    expect(new TextDecoder().decode(file.subarray(0, payload))).toMatch(/\n--- \S{43}\n$/);
  });

  it('is the identity for any bytes in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 500 }),
        async (clear, inBytes, outBytes) => {
          const file = await gather(
            seal(inPieces(clear, inBytes), { recipients: [alice.recipient] }),
          );
          expect(await opened(file, alice.identity, outBytes)).toEqual(clear);
        },
      ),
      { numRuns: 25, seed: 1 },
    );
  });

  it('opens for every recipient, in any order of identities', async () => {
    const recipients = [alice.recipient, bob.recipient];
    const file = await gather(seal(inPieces(utf8('both')), { recipients }));
    expect(await opened(file, alice.identity)).toEqual(utf8('both'));
    expect(await opened(file, bob.identity)).toEqual(utf8('both'));
    const either = open(inPieces(file), { identities: [quantum.identity, bob.identity] });
    expect(await gather(either)).toEqual(utf8('both'));
  });

  it('seals to a post-quantum recipient', async () => {
    expect(quantum.recipient).toMatch(/^age1pq1/);
    const file = await sealed(sampleBytes(70_000), quantum.recipient);
    expect(await opened(file, quantum.identity)).toEqual(sampleBytes(70_000));
    await expect(opened(file, alice.identity)).rejects.toMatchObject(refusal);
  });

  it('seals to a passphrase', async () => {
    const recipients = [passphraseRecipient('a long passphrase', 10)];
    const file = await gather(seal(inPieces(utf8('secret')), { recipients }));
    const good = open(inPieces(file), { identities: [passphraseIdentity('a long passphrase')] });
    expect(await gather(good)).toEqual(utf8('secret'));
    const wrong = open(inPieces(file), { identities: [passphraseIdentity('another')] });
    await expect(gather(wrong)).rejects.toMatchObject(refusal);
    const key = open(inPieces(file), { identities: [alice.identity] });
    await expect(gather(key)).rejects.toMatchObject(refusal);
  });

  it('reads and writes armor', async () => {
    for (const size of [0, 1, 48, 47, 100_000]) {
      const file = await sealed(sampleBytes(size));
      const text = await gather(armor(inPieces(file, 77)));
      expect(new TextDecoder().decode(text)).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/);
      for (const piece of [1000, 100_000_000]) {
        expect(await opened(text, alice.identity, piece)).toEqual(sampleBytes(size));
      }
      const cut = text.slice(0, text.length - 3);
      await expect(opened(cut)).rejects.toMatchObject(refusal);
    }
  });

  it('holds one chunk at a time', async () => {
    let asked = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        asked += 1000;
        yield new Uint8Array(1000);
      }
    }
    const stream = seal(endless(), { recipients: [alice.recipient] });
    for (let i = 0; i < 4; i++) await stream.next();
    expect(asked).toBeLessThan(4 * 65536);
    await stream.return();
  });
});

describe('refusals', () => {
  it('refuses recipients and identities that are none', async () => {
    const recipients = async (...list: (string | ReturnType<typeof passphraseRecipient>)[]) =>
      gather(seal(inPieces(utf8('x')), { recipients: list }));
    await expect(recipients()).rejects.toMatchObject({
      code: 'bad-recipient',
      message: 'expected at least one recipient, got none',
    });
    await expect(recipients('age1nonsense')).rejects.toMatchObject({ code: 'bad-recipient' });
    await expect(recipients(alice.identity)).rejects.toMatchObject({ code: 'bad-recipient' });
    await expect(recipients(alice.recipient, quantum.recipient)).rejects.toMatchObject({
      code: 'bad-recipient',
      message: 'expected recipients of one kind, got classical, post-quantum',
    });
    const both = recipients(alice.recipient, passphraseRecipient('p', 10));
    await expect(both).rejects.toMatchObject({ code: 'bad-recipient' });
    const file = await sealed(utf8('x'));
    await expect(opened(file, 'AGE-SECRET-KEY-1X')).rejects.toMatchObject({ code: 'bad-identity' });
    const none = gather(open(inPieces(file), { identities: [] }));
    await expect(none).rejects.toMatchObject({ code: 'bad-identity' });
    expect(() => passphraseRecipient('')).toThrow('passphrase expected text, got none');
    expect(() => passphraseRecipient('x', 40)).toThrow('"workFactor" expected 1 … 20, got 40');
  });

  it('never names the identity in an error', async () => {
    const thrown = await opened(await sealed(utf8('x')), `${alice.identity}x`).catch((e) => e);
    expect(String(thrown)).not.toContain(alice.identity);
  });

  it('gives a wrong key and a wrong MAC the same error', async () => {
    const file = await sealed(utf8('x'));
    const wrongKey = await opened(file, bob.identity).catch((e) => e);
    const changed = file.slice();
    const mac = new TextDecoder('latin1').decode(file).indexOf('--- ') + 6;
    changed[mac] = changed[mac] === 65 ? 66 : 65;
    const wrongMac = await opened(changed).catch((e) => e);
    expect(wrongKey.report()).toEqual(wrongMac.report());
    expect(wrongKey).toMatchObject({
      ...refusal,
      message: 'cannot open: wrong key, or the data was cut or changed',
    });
  });

  it('refuses every change of a byte', async () => {
    const file = await sealed(utf8('eleven byte'));
    for (let at = 0; at < file.length; at++) {
      for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const changed = file.slice();
        changed[at] = (changed[at] ?? 0) ^ mask;
        await expect(opened(changed), `byte ${at}`).rejects.toMatchObject(refusal);
      }
    }
  });

  it('refuses every cut and every addition', async () => {
    const file = await sealed(utf8('eleven byte'));
    for (let length = 0; length < file.length; length++) {
      await expect(opened(file.slice(0, length))).rejects.toMatchObject(refusal);
    }
    await expect(opened(concat([file, Uint8Array.of(0)]))).rejects.toMatchObject(refusal);
    await expect(opened(concat([file, file]))).rejects.toMatchObject(refusal);
  });

  it('refuses cuts at chunk borders, swapped, repeated and dropped chunks', async () => {
    const file = await sealed(sampleBytes(3 * 65536 + 5));
    const start = file.length - sealedPayloadBytes(3 * 65536 + 5) + 16;
    const chunk = (n: number) => file.slice(start + n * 65552, start + (n + 1) * 65552);
    const head = file.slice(0, start);
    const orders = [[0], [0, 1], [0, 1, 2], [1, 0, 2, 3], [0, 1, 1, 2, 3], [0, 2, 3], []];
    for (const order of orders) {
      const changed = concat([head, ...order.map(chunk)]);
      await expect(opened(changed), order.join()).rejects.toMatchObject(refusal);
    }
    expect(await opened(concat([head, ...[0, 1, 2, 3].map(chunk)]))).toHaveLength(3 * 65536 + 5);
  });

  it('emits nothing of a chunk whose tag is wrong', async () => {
    const file = await sealed(sampleBytes(2 * 65536));
    file[file.length - 20] = (file[file.length - 20] ?? 0) ^ 1;
    const got: number[] = [];
    const read = async () => {
      for await (const part of open(inPieces(file), { identities: [alice.identity] })) {
        got.push(part.length);
      }
    };
    await expect(read()).rejects.toMatchObject(refusal);
    expect(got).toEqual([65536]);
  });

  it('says of other files that they are not sealed', async () => {
    await expect(opened(utf8('PK\u0003\u0004 a zip file'))).rejects.toMatchObject({
      code: 'cannot-open',
      message: 'cannot open: expected a file that begins with "age-encryption.org/v1"',
    });
  });

  it('reads at most a bounded header', async () => {
    async function* hostile(): AsyncGenerator<Uint8Array> {
      yield utf8('age-encryption.org/v1\n');
      for (;;) yield new Uint8Array(65536).fill(65);
    }
    const stream = gather(open(hostile(), { identities: [alice.identity] }));
    await expect(stream).rejects.toMatchObject(refusal);
  });

  it('passes errors of the source through and lets go of it', async () => {
    let released = false;
    async function* failing(): AsyncGenerator<Uint8Array> {
      try {
        yield sampleBytes(10);
        throw new Error('disk gone');
      } finally {
        released = true;
      }
    }
    const stream = gather(seal(failing(), { recipients: [alice.recipient] }));
    await expect(stream).rejects.toThrow('disk gone');
    expect(released).toBe(true);
  });
});
