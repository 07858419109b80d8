/**
 * Calls whose result can be told without running anything: names put together from pieces, texts
 * that were encoded to hide them, modules imported by a text.
 */
import { inflateRawSync, inflateSync } from 'node:zlib';
import { list, number, path, result, type Taint, taintsOf, text, type Value } from './value.ts';

const outputBytesMax = 1 << 20;
const hidden: ReadonlySet<Taint> = new Set(['hidden']);
const decoders = /^(base64\.\w*decode\w*|binascii\.(a2b|unhexlify)\w*|codecs\.decode|.*\bfromhex)$/;
const unpackers = /^(zlib|gzip|bz2|lzma)\.decompress$/;
const networkReads =
  /^(urllib\.request\.url(open|retrieve)|urllib2?\.urlopen|requests\.\w+|httpx\.\w+|urllib3\.\w+)$/;
const privateReads =
  /^(os\.(environ|getenv|getlogin|uname)|socket\.gethostname|getpass\.\w+|platform\.\w+|pwd\.\w+)/;

/** The result of a call; `receiver` is the value whose method is called, if it is one. */
export function fold(
  callee: Value,
  args: readonly Value[],
  receiver: Value | null,
  method: string,
): Value {
  const taints = taintsOf(receiver === null ? args : [receiver, ...args]);
  const [first, second] = args;
  if (receiver?.kind === 'text') return foldMethod(receiver, method, args, taints);
  if (/^(builtins\.vars|builtins\.dir)$/.test(callee.path) && args[0]?.kind === 'path') {
    return { ...args[0], taints: hidden };
  }
  if (callee.path === 'operator.attrgetter' && args[0]?.kind === 'text') {
    return { ...result(callee.path, hidden), text: args[0].text };
  }
  if (callee.kind === 'result' && callee.path === 'operator.attrgetter') {
    const [target] = args;
    if (target?.kind === 'path')
      return { ...path(`${target.path}.${callee.text}`), taints: hidden };
  }
  if (callee.kind !== 'path') {
    if (callee.kind === 'result') return result(`${callee.path}()`, taints);
    return { ...text('', taints), kind: 'unknown' };
  }
  const name = callee.path;
  const firstText = first?.kind === 'text' ? first.text : null;
  if (/^(builtins\.__import__|importlib\.(import_module|__import__))$/.test(name)) {
    return firstText === null ? result(name, taints) : path(firstText);
  }
  if (/^(builtins|operator)\.(getattr|attrgetter)$/.test(name) && second?.kind === 'text') {
    if (first?.kind === 'path') return { ...path(`${first.path}.${second.text}`), taints: hidden };
  }
  if (name === 'builtins.chr' && first?.kind === 'number') {
    const point = Math.min(0x10ffff, Math.max(0, Number(first.text) || 0));
    return text(String.fromCodePoint(point), new Set(['decoded']));
  }
  if (name === 'builtins.map' && first?.path === 'builtins.chr' && second?.kind === 'list') {
    const letters = second.items.map((item) => fold(first, [item], null, ''));
    return list(letters.filter(({ kind }) => kind === 'text'));
  }
  if (name === 'builtins.bytes' && first?.kind === 'list') return bytesOf(first, taints);
  if (/^builtins\.(str|bytes|bytearray|memoryview)$/.test(name) && first !== undefined)
    return first;
  if (decoders.test(name)) return decode(name, args, with_(taints, 'decoded'));
  if (unpackers.test(name)) return unpack(first, with_(taints, 'decoded'));
  if (networkReads.test(name)) return result(name, with_(taints, 'network'));
  if (privateReads.test(name)) return result(name, with_(taints, 'private'));
  if (name === 'builtins.open') return result(name, with_(taints, 'file'));
  return result(name, taints);
}

/** Values that are private by themselves, such as the environment. */
export function taintOfPath(name: string): Taint | null {
  if (/^sys\.argv/.test(name)) return 'argument';
  return /^os\.environ/.test(name) ? 'private' : null;
}

function foldMethod(
  receiver: Value,
  method: string,
  args: readonly Value[],
  taints: ReadonlySet<Taint>,
): Value {
  const [first, second] = args;
  switch (method) {
    case 'join':
      return first?.kind === 'list' && first.items.every((item) => item.kind === 'text')
        ? text(first.items.map((item) => item.text).join(receiver.text), taints)
        : { ...text('', taints), kind: 'unknown' };
    case 'replace':
      return first?.kind === 'text' && second?.kind === 'text'
        ? text(receiver.text.replaceAll(first.text, second.text), taints)
        : receiver;
    case 'format':
      return text(formatted(receiver.text, args), taints);
    case 'split':
      return list(receiver.text.split(first?.text ?? ' ').map((part) => text(part)));
    case 'decode':
      return /^(rot_?13|hex|base64|zip|zlib)/.test(first?.text ?? '')
        ? decode('codecs.decode', [receiver, ...args], with_(taints, 'decoded'))
        : text(receiver.text, taints);
    case 'lower':
      return text(receiver.text.toLowerCase(), taints);
    case 'fromhex':
      return decode('bytes.fromhex', args, with_(taints, 'decoded'));
    default:
      return text(receiver.text, taints);
  }
}

function formatted(template: string, args: readonly Value[]): string {
  let next = 0;
  return template.replace(/\{(\d*)\}/g, (_, index: string) => {
    const value = args[index === '' ? next++ : Number(index)];
    return value?.text ?? '';
  });
}

function decode(name: string, args: readonly Value[], taints: ReadonlySet<Taint>): Value {
  const [first, codec] = args;
  if (first?.kind !== 'text') return result(name, taints);
  const hidden = first.text.trim();
  const isHex = /hex/.test(name) || /hex/.test(codec?.text ?? '');
  if (/rot_?13/.test(codec?.text ?? '')) return text(rotated(hidden), taints);
  if (isHex) return text(latin1Of(Buffer.from(hidden.replace(/\s/g, ''), 'hex')), taints);
  if (/b?85/.test(name) || /b32|b16/.test(name)) return result(name, taints);
  return text(latin1Of(Buffer.from(hidden, 'base64')), taints);
}

function unpack(value: Value | undefined, taints: ReadonlySet<Taint>): Value {
  if (value?.kind !== 'text') return result('zlib.decompress', taints);
  const packed = Buffer.from(value.text, 'latin1');
  const options = { maxOutputLength: outputBytesMax };
  for (const by of [inflateSync, inflateRawSync]) {
    try {
      return text(latin1Of(by(packed, options)), taints);
    } catch (error) {
      // What does not unpack stays hidden, and is judged by that.
      if (!(error instanceof Error)) throw error;
    }
  }
  return result('zlib.decompress', taints);
}

function bytesOf(value: Value, taints: ReadonlySet<Taint>): Value {
  const codes = value.items.map((item) => Number(item.text));
  if (!codes.every((code) => code >= 0 && code < 256)) return result('builtins.bytes', taints);
  return text(String.fromCharCode(...codes), with_(taints, 'decoded'));
}

/** A number's value, or a number made of one. */
export function numberOf(token: string): Value {
  return number(Number(token.replaceAll('_', '')));
}

function rotated(hidden: string): string {
  return hidden.replace(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });
}

function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function with_(taints: ReadonlySet<Taint>, more: Taint): ReadonlySet<Taint> {
  return new Set([...taints, more]);
}
