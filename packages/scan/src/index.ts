/** The public surface of @merlon/scan: bytes → findings, without running or deserialising them. */
export { type Advisories, readAdvisories, trimAdvisories } from './advisories.ts';
export type { Skipped } from './audit.ts';
export { type Change, compareReports } from './compare.ts';
export { ScanError, type ScanErrorCode } from './error.ts';
export { plainArchive } from './fix/archive.ts';
export { FixError, type FixErrorCode } from './fix/error.ts';
export { bytesOfPieces, type Piece, type Repair } from './fix/piece.ts';
export { weightsAsSafetensors } from './fix/weights.ts';
export { type Format, identify } from './identify.ts';
export { type Accepted, accept, type IgnoreRule, passedOver, readIgnore } from './ignore.ts';
export { type ScanLimits, scanLimitsDefault } from './limits.ts';
export {
  type Classification,
  classify,
  type Policy,
  type Profile,
  policyOf,
  policyVersion,
} from './policy/classify.ts';
export { type PolicyDocument, policyFromJson, shippedPolicy } from './policy/document.ts';
export {
  type BillOptions,
  toCycloneDx,
  type VulnerabilityPlace,
  vulnerabilityOf,
} from './report/cyclonedx.ts';
export { toSarif } from './report/sarif.ts';
export { type Summary, summarize } from './report/summary.ts';
export { toText } from './report/text.ts';
export { type Rule, type RuleId, rules } from './rules.ts';
export {
  type Coverage,
  type FileReport,
  reportLink,
  type ScanOptions,
  scanSource,
} from './scan.ts';
