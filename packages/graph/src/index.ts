/** The public surface of @merlon/graph. */
export { type Dataset, pick, rowSize, type SampleOptions, sample, slice } from './data/dataset.ts';
export { DataError, type DataErrorCode } from './data/error.ts';
export { didYouMean, nearest } from './data/nearest.ts';
export { type DataFormat, type ReadOptions, readDataset } from './data/read.ts';
export {
  type DataSchema,
  type FeatureSchema,
  type ImageSchema,
  type Relation,
  readSchema,
  type TableSchema,
} from './data/schema.ts';
export type { OpenSession, Session, SessionOptions, ValueInfo } from './session.ts';
export {
  elementCount,
  type Tensor,
  type TensorData,
  type Tensors,
  type TensorType,
} from './tensor.ts';
