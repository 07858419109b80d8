/** The public surface of @merlon/graph. */
export type { OpenSession, Session, SessionOptions, ValueInfo } from './session.ts';
export {
  elementCount,
  type Tensor,
  type TensorData,
  type Tensors,
  type TensorType,
} from './tensor.ts';
