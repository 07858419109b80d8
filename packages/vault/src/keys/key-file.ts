/** A root key in a text file: comment lines that begin with `#`, and one line with the key. */
import { type Bytes, fromBase64, fromHex, hex } from '@merlon/core';
import { VaultError } from '../error.ts';
import { localProvider, type RootKeyProvider, rootKeyBytes } from './root.ts';

/** The most characters a key file may have. */
export const keyFileCharactersMax = 4096;

/** The text of a key file; write it with mode 0600 and move it away from the data. */
export function formatKeyFile(rootKey: Uint8Array): string {
  const comment = '# merlon root key: whoever has this line opens everything. Keep it apart.';
  return `${comment}\n${hex(rootKey)}\n`;
}

/** The root key in a key file (hexadecimal or base64); throws `bad-key`, never showing the key. */
export function parseKeyFile(text: string): Bytes {
  if (text.length > keyFileCharactersMax) {
    throw badKeyFile(`at most ${keyFileCharactersMax} characters, got ${text.length}`);
  }
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ text: line.trim(), number: index + 1 }))
    .filter((line) => line.text !== '' && !line.text.startsWith('#'));
  const [line, second] = lines;
  if (line === undefined) throw badKeyFile('one line with a key, got none');
  if (second !== undefined) throw badKeyFile(`one key, got a second in line ${second.number}`);
  const key = decodeKey(line.text);
  if (key === null) throw badKeyFile(`hexadecimal or base64 in line ${line.number}`);
  if (key.length !== rootKeyBytes) {
    throw badKeyFile(`${rootKeyBytes} bytes in line ${line.number}, got ${key.length}`);
  }
  return key;
}

/** A provider whose root key stands in a key file. Throws `bad-key`. */
export function keyFileProvider(text: string): RootKeyProvider {
  return localProvider('key-file', parseKeyFile(text));
}

function decodeKey(text: string): Bytes | null {
  if (/^([0-9a-f]{2})+$/i.test(text)) return fromHex(text);
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return fromBase64(text);
  return null;
}

function badKeyFile(expected: string): VaultError {
  return new VaultError('bad-key', `key file expected ${expected}`, {
    hint: 'restore the key file that the home was made with',
  });
}
