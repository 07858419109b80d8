/** File keys that a recipient's key wraps (age v1, "Recipient stanza": ChaCha20-Poly1305). */
import { createDecipheriv } from 'node:crypto';
import { concat, wipe } from '@merlon/core';

const fileKeyBytes = 16;
const tagBytes = 16;

/**
 * The file key in a stanza's body; null where it was wrapped by another key. The wrapping key is
 * wiped either way.
 */
export function unwrapped(
  wrapping: Uint8Array,
  nonce: Uint8Array,
  body: Uint8Array,
): Uint8Array | null {
  const cipher = createDecipheriv('chacha20-poly1305', wrapping, nonce, {
    authTagLength: tagBytes,
  });
  cipher.setAuthTag(body.subarray(fileKeyBytes));
  try {
    return concat([cipher.update(body.subarray(0, fileKeyBytes)), cipher.final()]);
  } catch {
    // A key that does not fit is how strangers are told apart.
    return null;
  } finally {
    wipe(wrapping);
  }
}
