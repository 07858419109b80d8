/** The public surface of @merlon/scan: bytes → findings, without running or deserialising them. */
export type { Skipped } from './audit.ts';
export { ScanError, type ScanErrorCode } from './error.ts';
export { type Format, identify } from './identify.ts';
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
export { type Summary, summarize, toSarif, toText } from './report.ts';
export { type Rule, type RuleId, rules } from './rules.ts';
export { type Coverage, type FileReport, type ScanOptions, scanSource } from './scan.ts';
