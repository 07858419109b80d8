/** The public surface of @merlon/attack. */
export type { Batch } from './batch.ts';
export { boundaryAttack } from './decision/boundary-attack.ts';
export { geoda } from './decision/geoda.ts';
export { type HopSkipJumpOptions, hopSkipJump } from './decision/hop-skip-jump.ts';
export { type NoiseOptions, noise } from './decision/noise.ts';
export { signOpt } from './decision/sign-opt.ts';
export { type SurrogateOptions, surrogateTransfer } from './decision/surrogate.ts';
export type { WalkOptions } from './decision/walk.ts';
export { AttackError, type AttackErrorCode } from './error.ts';
export type { Example } from './example.ts';
export { findingOf, type RobustnessPolicy, robustnessRule } from './finding.ts';
export { type ApgdOptions, type ApgdResult, apgd } from './gradient/apgd.ts';
export { type FgsmOptions, fgsm } from './gradient/fgsm.ts';
export { type PatchOptions, patch } from './gradient/patch.ts';
export { type PgdOptions, type PgdResult, pgd } from './gradient/pgd.ts';
export { type UniversalOptions, universal } from './gradient/universal.ts';
export { type CarliniWagnerOptions, carliniWagner } from './minimal/carlini-wagner.ts';
export { type DdnOptions, ddn } from './minimal/ddn.ts';
export { type DeepFoolOptions, deepFool } from './minimal/deep-fool.ts';
export { type ElasticOptions, elastic } from './minimal/elastic.ts';
export { type FabOptions, fab } from './minimal/fab.ts';
export { type FmnOptions, fmn } from './minimal/fmn.ts';
export { type SaliencyOptions, saliency } from './minimal/saliency.ts';
export {
  type Classifier,
  type ClassifierOptions,
  classifier,
  type DifferentiableClassifier,
  differentiable,
  type LossGradient,
  type LossQuery,
  type Scores,
} from './model/classifier.ts';
export { type GradientSource, gradientSource, gradientsOfModel } from './model/sessions.ts';
export {
  type ExamplePictures,
  examplePictures,
  type PictureOptions,
  picture,
} from './picture.ts';
export {
  type ActivationOptions,
  type ActivationReport,
  activationClusters,
  type ClassClusters,
} from './poison/activation.ts';
export {
  type BackdoorOptions,
  type BackdoorReport,
  type ClassTrigger,
  neuralCleanse,
} from './poison/backdoor.ts';
export {
  conflictingDuplicates,
  type DuplicateGroup,
  type DuplicateOptions,
  type DuplicateReport,
} from './poison/duplicates.ts';
export type { LabelledFeatures } from './poison/features.ts';
export {
  type LabelIssue,
  type LabelOptions,
  type LabelReport,
  labelFlips,
} from './poison/labels.ts';
export {
  type SourceInfluence,
  type SourceOptions,
  type SourceReport,
  sourceInfluence,
} from './poison/sources.ts';
export {
  type ClassSpectrum,
  type SpectralOptions,
  type SpectralReport,
  spectralSignatures,
} from './poison/spectral.ts';
export { stamp, type Trigger } from './poison/trigger.ts';
export {
  type AttributeOptions,
  type AttributeReport,
  attributeInference,
} from './privacy/attribute.ts';
export { type ExtractionOptions, type ExtractionReport, extraction } from './privacy/extraction.ts';
export {
  type MembershipPolicy,
  membershipFindingOf,
  membershipRule,
} from './privacy/finding.ts';
export {
  type InversionOptions,
  type InversionReport,
  type InvertedClass,
  inversion,
} from './privacy/inversion.ts';
export { type MembershipReport, membership } from './privacy/membership.ts';
export { type Separation, type Share, separationOf } from './privacy/separation.ts';
export {
  liraOffline,
  liraOnline,
  type ReferenceShares,
  rmia,
  type ShadowSignals,
} from './privacy/shadow.ts';
export {
  type ShadowReport,
  type ShadowRoles,
  type ShadowTable,
  shadowMembership,
} from './privacy/shadow-membership.ts';
export { type MembershipSignals, membershipSignals } from './privacy/signals.ts';
export { type CurveLine, curveSvg } from './report/curve.ts';
export { type DocumentContent, htmlDocument } from './report/document.ts';
export { type ReportOptions, reportHtml } from './report/html.ts';
export { findingsSarif } from './report/sarif.ts';
export { escapeHtml, percent } from './report/text.ts';
export type { AttackJob, AttackRow, AttackSettings, Candidates, Suite } from './row.ts';
export { type AttackTarget, type RunOptions, type RunResult, runAttacks } from './run.ts';
export { type EstimateOptions, estimate } from './score/estimate.ts';
export { type SimbaOptions, simba } from './score/simba.ts';
export { type SquareOptions, square } from './score/square.ts';
export { type ZooOptions, zoo } from './score/zoo.ts';
export type { AttackCheckpoint, FinishedAttack } from './suite/checkpoint.ts';
export { attackNamed, attacksOf, attackTable, suites } from './table.ts';
export { type CapgdOptions, capgd } from './tabular/capgd.ts';
export {
  type Constraints,
  constraintsOf,
  type RowDistance,
  refuseBrokenRows,
} from './tabular/constraints.ts';
export { type EvolveOptions, evolve } from './tabular/evolve.ts';
export { type FeatureSearchOptions, featureSearch } from './tabular/search.ts';
export type { Pool } from './tabular/starts.ts';
export { type Encoder, readEncoder } from './text/encoder.ts';
export {
  type EncoderTarget,
  type SubstituteOptions,
  type Substitutions,
  substituteTokens,
  type TokenBatch,
} from './text/substitute.ts';
export { readVocabulary, type Vocabulary } from './text/vocabulary.ts';
export {
  type Bounds,
  type Budget,
  bounds,
  type Criterion,
  distance,
  isSuccess,
  type L0,
  type L1,
  type L2,
  type Linf,
  l0,
  l1,
  l2,
  linf,
  type Norm,
  parseEpsilon,
  targeted,
  untargeted,
} from './threat.ts';
export { type Proof, type VerifyOptions, verifyTrees } from './tree/exact/verify.ts';
export { compileForest, type Forest } from './tree/forest.ts';
export { type LeafTupleOptions, leafTuple } from './tree/leaf-tuple.ts';
export type { MeasureName } from './tree/measure.ts';
export {
  type AttackRecord,
  type AttackVerdict,
  type ClassRecord,
  type CurvePoint,
  type Judgement,
  judge,
  summarise,
  type ThreatModel,
} from './verdict.ts';
