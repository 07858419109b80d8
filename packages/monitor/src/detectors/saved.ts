/**
 * State of detectors as bytes: JSON with typed arrays in base64, behind the SHA-256 of the text,
 * so that what comes back is whole and of the same detector under the same settings.
 */
import {
  base64,
  concat,
  equalBytes,
  fromBase64,
  fromUtf8,
  isJsonObject,
  sha256,
  utf8,
} from '@merlon/core';
import { MonitorError } from '../error.ts';

/** Whose state it is. */
export interface StateHead {
  readonly detector: string;
  /** Settings that the state depends on; state under others is refused. */
  readonly settings: string;
}

const digestBytes = 32;
const kinds = { Float32Array, Float64Array, Int8Array, Int32Array, Uint8Array, Uint32Array };
type Kind = keyof typeof kinds;

/** Plain data and typed arrays (float, int8, int32, uint8, uint32) as bytes. */
export function packState(head: StateHead, body: unknown): Uint8Array {
  const text = utf8(JSON.stringify({ ...head, body }, (_, value: unknown) => packed(value)));
  return concat([sha256(text), text]);
}

/**
 * What `packState` was given. The checksum vouches for the shape: only bytes that `packState`
 * made pass. Throws `bad-state` for anything else and for another head.
 */
export function unpackState<Body>(bytes: Uint8Array, head: StateHead): Body {
  const text = bytes.subarray(digestBytes);
  if (!equalBytes(bytes.subarray(0, digestBytes), sha256(text))) {
    throw new MonitorError('bad-state', `state of "${head.detector}" expected whole, got damaged`);
  }
  const found: unknown = JSON.parse(fromUtf8(text), (_, value: unknown) => unpacked(value));
  const same =
    isJsonObject(found) && found.detector === head.detector && found.settings === head.settings;
  if (!same) {
    const wanted = `"${head.detector}" under ${head.settings}`;
    throw new MonitorError('bad-state', `state expected of ${wanted}, got another`, {
      hint: 'start the detector without saved state, or with the settings it was saved under',
    });
  }
  return found.body as Body;
}

function packed(value: unknown): unknown {
  if (!ArrayBuffer.isView(value)) return value;
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return { $: value.constructor.name, base64: base64(bytes) };
}

function unpacked(value: unknown): unknown {
  if (!isJsonObject(value) || typeof value.$ !== 'string') return value;
  if (typeof value.base64 !== 'string' || !(value.$ in kinds)) return value;
  const { buffer } = fromBase64(value.base64).slice();
  return new kinds[value.$ as Kind](buffer);
}
