/** The public surface of @merlon/graph. */
export { blockChannels, type OpenModel, openFastest } from './blocked/open.ts';
export { type Dataset, pick, rowSize, type SampleOptions, sample, slice } from './data/dataset.ts';
export { DataError, type DataErrorCode } from './data/error.ts';
export { type LabeledPicture, type PictureOptions, readPictures } from './data/images.ts';
export { didYouMean, nearest } from './data/nearest.ts';
export { readParquet } from './data/parquet.ts';
export { type DataFormat, type ReadOptions, readAnyDataset, readDataset } from './data/read.ts';
export { type LinearRelation, type LinearTerm, parseRelation } from './data/relation.ts';
export {
  type DataSchema,
  type FeatureSchema,
  type ImageSchema,
  type Relation,
  readSchema,
  type TableSchema,
} from './data/schema.ts';
export { GraphError, type GraphErrorCode } from './error.ts';
export type { Approximation } from './gradient/forward.ts';
export {
  differentiableOperators,
  type GradientModel,
  type GradientOptions,
  gradientModel,
} from './gradient/gradient.ts';
export { classesMin, type Loss, losses } from './gradient/loss.ts';
export { floatCopy } from './gradient/lower/float-copy.ts';
export { type OperatorStatus, operatorStatuses } from './gradient/statuses.ts';
export {
  type ExternalPart,
  externalParts,
  type ReadExternal,
  withExternalData,
} from './onnx/external.ts';
export { inlineFunctions } from './onnx/functions.ts';
export {
  elementTypes,
  float,
  floatsIn,
  floatTensor,
  int,
  ints,
  intTensor,
  node,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnx/model.ts';
export { readOnnx } from './onnx/read.ts';
export { stripped } from './onnx/strip.ts';
export { writeOnnx } from './onnx/write.ts';
export { openSession } from './runtime.ts';
export type { OpenSession, Session, SessionOptions, ValueInfo } from './session.ts';
export {
  elementCount,
  type Tensor,
  type TensorData,
  type Tensors,
  type TensorType,
} from './tensor.ts';
export { type Column, follow, type Step } from './tree/columns.ts';
export {
  type Aggregate,
  branchModes,
  type Decision,
  holds,
  leafMode,
  type Transform,
  type TreeEnsemble,
  type TreeModel,
} from './tree/ensemble.ts';
export { evaluateTrees, leafOf, type TreeAnswers } from './tree/evaluate.ts';
export { classNames, mapKeys, readTrees, withoutZipMap } from './tree/read.ts';
