/** The public surface of @merlon/core. */
export {
  type Bytes,
  base64,
  concat,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  utf8,
  wipe,
} from './bytes.ts';
export { type Clock, isoTime, type ManualClock, manualClock, systemClock } from './clock.ts';
export {
  type Digest,
  digestHex,
  digestOf,
  type Hasher,
  sha256,
  startDigest,
  toDigest,
} from './digest.ts';
export {
  type ErrorDetail,
  type ErrorReport,
  InputError,
  type InputErrorCode,
  MerlonError,
  messageOf,
} from './error.ts';
export {
  atLeast,
  type Finding,
  type Location,
  type Severity,
  safeEvidence,
  severities,
  severityRank,
  type Verdict,
} from './finding.ts';
export { isUuidv7, uuidv7 } from './id.ts';
export { canonicalJson, isJsonObject, type Json, type JsonObject } from './json.ts';
export type { OnProgress, Progress } from './progress.ts';
export { type Random, secureBytes, seeded } from './random.ts';
export {
  type SarifFile,
  type SarifResult,
  type SarifRule,
  type SarifRun,
  type SarifTool,
  sarifLog,
} from './sarif.ts';
export { type ByteSource, memorySource, readAll, windowOf } from './source.ts';
