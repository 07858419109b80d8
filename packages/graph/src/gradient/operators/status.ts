/** Operators without a rule: those that carry no gradient, and those that are refused, and why. */

/** Operators of floats that are flat wherever they have a gradient. */
export const flat: ReadonlySet<string> = new Set([
  ...['BitCast', 'Bernoulli', 'Ceil', 'Floor', 'Hardmax', 'Round', 'Sign'],
]);

/** Operators that round, whose gradient is taken as if they did not. */
export const straightThrough: ReadonlySet<string> = new Set([
  ...['DynamicQuantizeLinear', 'QuantizeLinear'],
]);

/** Operators whose results are no floats, or that have no float that could depend on the input. */
export const ungraded: readonly string[] = [
  ...['And', 'ArgMax', 'ArgMin', 'BitShift', 'BitwiseAnd', 'BitwiseNot', 'BitwiseOr', 'BitwiseXor'],
  ...['BlackmanWindow', 'Constant', 'ConstantOfShape', 'Equal', 'EyeLike', 'Greater'],
  ...['GreaterOrEqual', 'HammingWindow', 'HannWindow', 'ImageDecoder', 'IsInf', 'IsNaN', 'Less'],
  ...['LessOrEqual', 'MelWeightMatrix', 'Multinomial', 'NonMaxSuppression', 'NonZero', 'Not'],
  ...['OneHot', 'OptionalHasElement', 'Or', 'RandomNormal', 'RandomNormalLike', 'RandomUniform'],
  ...['RandomUniformLike', 'RegexFullMatch', 'SequenceLength', 'Shape', 'Size', 'StringConcat'],
  ...['StringNormalizer', 'StringSplit', 'TfIdfVectorizer', 'Xor'],
];

const sequence = 'sequences hold no tensors that a gradient could be added to';
const newer = 'the runtime does not compute it yet';

/** Why an operator is refused when a gradient reaches it. */
export const refusals: Readonly<Record<string, string>> = {
  CausalConvWithState: newer,
  ConcatFromSequence: sequence,
  CumProd: newer,
  Det: 'it needs the inverse',
  FlexAttention: newer,
  LinearAttention: newer,
  MaxRoiPool: 'its regions are an input',
  Optional: sequence,
  OptionalGetElement: sequence,
  SequenceAt: sequence,
  SequenceConstruct: sequence,
  SequenceEmpty: sequence,
  SequenceErase: sequence,
  SequenceInsert: sequence,
  SequenceMap: sequence,
  SplitToSequence: sequence,
  SwiGLU: newer,
  'ai.onnx.ml.Binarizer': 'it is flat, so that no gradient comes through',
  'ai.onnx.ml.CastMap': 'it takes no tensors',
  'ai.onnx.ml.CategoryMapper': 'categories have no gradient',
  'ai.onnx.ml.DictVectorizer': 'it takes no tensors',
  'ai.onnx.ml.LabelEncoder': 'categories have no gradient',
  'ai.onnx.ml.OneHotEncoder': 'categories have no gradient',
  'ai.onnx.ml.SVMClassifier': 'support vectors are not covered',
  'ai.onnx.ml.SVMRegressor': 'support vectors are not covered',
  'ai.onnx.ml.TreeEnsemble': 'trees are flat, so that no gradient comes through',
  'ai.onnx.ml.TreeEnsembleClassifier': 'trees are flat, so that no gradient comes through',
  'ai.onnx.ml.TreeEnsembleRegressor': 'trees are flat, so that no gradient comes through',
  'ai.onnx.ml.ZipMap': 'it gives no tensors',
};
