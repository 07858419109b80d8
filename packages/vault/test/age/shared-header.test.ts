/** A second header over one payload, and which half of a file did not open. */
import { memorySource } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  generateIdentity,
  headerFor,
  openFaultOf,
  openRandomAccess,
  passphraseIdentity,
  passphraseRecipient,
  rotate,
  seal,
} from '../../src/index.ts';
import { gather, inPieces, sampleBytes } from '../support.ts';

const [first, second, third] = await Promise.all([
  generateIdentity({ postQuantum: true }),
  generateIdentity({ postQuantum: true }),
  generateIdentity(),
]);
const clear = sampleBytes(2 * 65536 + 77);
const file = await gather(seal(inPieces(clear), { recipients: [first.recipient] }));
const recipients = [second.recipient];
const header = await headerFor(memorySource(file), { identities: [first.identity], recipients });

async function read(bytes: Uint8Array, identity: string, apart?: Uint8Array): Promise<Uint8Array> {
  const by = { identities: [identity], ...(apart === undefined ? {} : { header: apart }) };
  const source = await openRandomAccess(memorySource(bytes), by);
  return source.read(0, source.size);
}

async function faultOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'opened',
    (error: Error) => [error.message, openFaultOf(error)],
  );
}

const message = 'cannot open: wrong key, or the data was cut or changed';
const wrongKey = [message, 'wrong-key'];
const damaged = [message, 'damaged'];

describe('a header apart', () => {
  it('opens for its own reader, and the file for its first', async () => {
    expect(await read(file, second.identity, header)).toEqual(clear);
    expect(await read(file, first.identity)).toEqual(clear);
    expect(await faultOf(read(file, second.identity))).toEqual(wrongKey);
    expect(await faultOf(read(file, first.identity, header))).toEqual(wrongKey);
  });

  it('goes on when the own header of the file changes, and can change itself', async () => {
    const source = memorySource(file);
    const to = { identities: [first.identity], recipients: [third.recipient] };
    const rotated = await gather(rotate(source, to));
    expect(rotated.length).not.toBe(file.length);
    expect(await read(rotated, second.identity, header)).toEqual(clear);
    const by = { identities: [second.identity], header, recipients: [third.recipient] };
    const next = await headerFor(memorySource(rotated), by);
    expect(await read(rotated, third.identity, next)).toEqual(clear);
  });

  it('of another file opens nothing', async () => {
    const other = await gather(seal(inPieces(clear), { recipients: [first.recipient] }));
    expect(await faultOf(read(other, second.identity, header))).toEqual(damaged);
  });
});

describe('openFaultOf', () => {
  it('tells a wrong key from damage, in one message', async () => {
    expect(await faultOf(read(file, third.identity))).toEqual(wrongKey);
    const changed = file.slice();
    changed[file.length - 9] = (changed[file.length - 9] ?? 0) ^ 1;
    expect(await faultOf(read(changed, first.identity))).toEqual(damaged);
    expect(await faultOf(read(file.subarray(0, file.length - 1), first.identity))).toEqual(damaged);
    const mac = file.slice();
    const at = Buffer.from(mac).indexOf('\n--- ') + 8;
    mac[at] = mac[at] === 65 ? 66 : 65;
    expect(await faultOf(read(mac, first.identity))).toEqual(damaged);
    expect(openFaultOf(new Error('other'))).toBe(null);
    expect(openFaultOf('other')).toBe(null);
  });

  it('knows a wrong passphrase', async () => {
    const sealed = await gather(
      seal(inPieces(clear.subarray(0, 10)), { recipients: [passphraseRecipient('right', 10)] }),
    );
    const open = openRandomAccess(memorySource(sealed), {
      identities: [passphraseIdentity('wrong')],
    });
    expect(await faultOf(open)).toEqual(wrongKey);
  });
});
