/**
 * Identities (private) and recipients (public) of age v1, as text: X25519 (`AGE-SECRET-KEY-1…`,
 * `age1…`), the post-quantum hybrid ML-KEM-768 with X25519 (`AGE-SECRET-KEY-PQ-1…`, `age1pq1…`),
 * and SSH keys.
 */
import {
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  type Identity,
  identityToRecipient,
  type Recipient,
} from 'age-encryption';
import { VaultError } from '../error.ts';
import {
  hasNativeHybrid,
  hybridRecipient,
  hybridRecipientOf,
  isHybridIdentity,
  isHybridRecipient,
  newHybridIdentity,
} from './hybrid.ts';
import { isSshIdentity, isSshRecipient, sshRecipient, sshRecipientOf } from './ssh.ts';

/** A key pair as text. */
export interface IdentityPair {
  /** Private: whoever has it opens what was sealed to `recipient`. */
  readonly identity: string;
  /** Public. */
  readonly recipient: string;
}

/**
 * Whom to seal to: recipients as text (age or a public SSH line), or a passphrase from
 * `passphraseRecipient`.
 */
export type SealRecipient = string | Recipient;

/**
 * Who opens: identities as text (age or a private SSH key file), or a passphrase from
 * `passphraseIdentity`.
 */
export type OpenIdentity = string | Identity;

/** A new key pair; X25519 unless `postQuantum` is asked for (2 kB recipients). */
export async function generateIdentity(
  options: { readonly postQuantum?: boolean } = {},
): Promise<IdentityPair> {
  if (options.postQuantum && hasNativeHybrid) {
    const identity = newHybridIdentity();
    return { identity, recipient: hybridRecipientOf(identity) };
  }
  const identity = options.postQuantum
    ? await generateHybridIdentity()
    : await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** The public half of an identity; throws `bad-identity`. */
export async function recipientOf(identity: string): Promise<string> {
  if (isSshIdentity(identity)) return sshRecipientOf(identity);
  if (hasNativeHybrid && isHybridIdentity(identity)) return hybridRecipientOf(identity);
  try {
    return await identityToRecipient(identity);
  } catch (thrown) {
    throw badIdentity(thrown);
  }
}

/** True for text that can be sealed to. */
export function isRecipient(text: string): boolean {
  try {
    if (isSshRecipient(text)) sshRecipient(text);
    else if (hasNativeHybrid && isHybridRecipient(text)) hybridRecipient(text);
    else new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The identities in a key file as `age-keygen` writes it: one a line, `#` begins a comment; or the
 * one key of a private SSH key file.
 * Throws `bad-identity` that names the line, never its text.
 */
export async function parseIdentities(text: string): Promise<string[]> {
  if (isSshIdentity(text)) {
    sshRecipientOf(text);
    return [text];
  }
  const identities: string[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    try {
      await recipientOf(line);
    } catch (thrown) {
      throw badIdentity(thrown, ` in line ${index + 1}`);
    }
    identities.push(line);
  }
  if (identities.length === 0) throw badIdentity(undefined, ', got none');
  return identities;
}

/** The text of a key file that `age -i` and `parseIdentities` read; keep it with mode 0600. */
export function formatIdentity(pair: IdentityPair, createdAt?: string): string {
  const created = createdAt === undefined ? '' : `# created: ${createdAt}\n`;
  return `${created}# public key: ${pair.recipient}\n${pair.identity}\n`;
}

function badIdentity(cause: unknown, where = ''): VaultError {
  return new VaultError('bad-identity', `expected AGE-SECRET-KEY-1… or -PQ-1…${where}`, {
    hint: 'make one with "merlon keys new" or "age-keygen"',
    cause,
  });
}
