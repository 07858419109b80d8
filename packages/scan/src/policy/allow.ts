/**
 * The allow list, as data: what may be imported, and how it may be used. A name counts only as it
 * stands here; a dotted name inherits nothing from its beginning.
 *
 * Uses: `inert` may be called with anything; `class` may also be instantiated; `constant` may only
 * be referred to; `typed` gets a class first, which is judged; `callable` gets a function first,
 * which is judged; `restore` may be instantiated and given state, but not called. The others are
 * argument rules of `judge.ts`.
 */

/** How an allowed name may be used. */
export type Use =
  | 'inert'
  | 'class'
  | 'constant'
  | 'typed'
  | 'callable'
  | 'restore'
  | 'getattr'
  | 'encode'
  | 'nested'
  | 'typeOf'
  | 'sized'
  | 'ufunc'
  | 'typeRebuild';

/** Rows of a module: names by use, separated by spaces. */
export type AllowRow = Partial<Record<Use, string>>;

/** Weights and plain containers: what PyTorch's `weights_only` loader takes as well. */
export const allowStrict: Readonly<Record<string, AllowRow>> = {
  builtins: {
    class: 'set frozenset list tuple dict complex int float str bool object range slice',
    sized: 'bytearray bytes',
    constant: 'NotImplemented Ellipsis None True False',
    typeOf: 'type',
  },
  collections: { class: 'OrderedDict Counter deque UserDict UserList', callable: 'defaultdict' },
  copyreg: { typed: '_reconstructor __newobj__ __newobj_ex__' },
  _codecs: { encode: 'encode' },
  torch: {
    class: 'Size device Tensor Generator',
    constant: [
      'FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage',
      'CharStorage ByteStorage BoolStorage ComplexFloatStorage ComplexDoubleStorage QInt8Storage',
      'QUInt8Storage QInt32Storage QUInt4x2Storage QUInt2x4Storage UntypedStorage TypedStorage',
      'float float16 float32 float64 half double bfloat16 int int8 int16 int32 int64 long short',
      'uint8 uint16 uint32 uint64 bool complex32 complex64 complex128 cfloat cdouble dtype layout',
      'quint8 qint8 qint32 quint4x2 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz',
      'strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc contiguous_format',
      'channels_last preserve_format per_tensor_affine per_channel_affine memory_format',
      'FloatTensor DoubleTensor HalfTensor LongTensor IntTensor ByteTensor BoolTensor',
    ].join(' '),
  },
  'torch.cuda': {
    constant: 'FloatStorage DoubleStorage HalfStorage LongStorage IntStorage ByteStorage',
  },
  'torch._utils': {
    inert: [
      '_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_qtensor',
      '_rebuild_parameter_with_state _rebuild_sparse_tensor _rebuild_sparse_csr_tensor',
      '_rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor',
      '_rebuild_meta_tensor_no_storage _rebuild_nested_tensor _rebuild_xla_tensor',
    ].join(' '),
    typed: '_rebuild_wrapper_subclass',
  },
  'torch._tensor': { typeRebuild: '_rebuild_from_type_v2 _rebuild_from_type' },
  'torch.nn.parameter': { class: 'Parameter Buffer UninitializedParameter UninitializedBuffer' },
  'torch.serialization': { inert: '_get_layout' },
  'torch.storage': {
    constant: 'TypedStorage UntypedStorage _TypedStorage _UntypedStorage',
    nested: '_load_from_bytes',
  },
  'torch.jit._pickle': {
    inert: [
      'build_intlist build_tensorlist build_doublelist build_boollist restore_type_tag',
      'build_tensor_from_id',
    ].join(' '),
  },
  numpy: {
    class: [
      'dtype ndarray bool_ bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 intc intp uintc',
      'uintp longlong ulonglong float16 float32 float64 longdouble complex64 complex128',
      'clongdouble str_ bytes_ void object_ datetime64 timedelta64 generic number integer',
      'floating inexact signedinteger unsignedinteger matrix record recarray int_ uint float_',
      'poly1d vectorize',
    ].join(' '),
    constant: 'nan inf pi e newaxis',
  },
  'numpy.core.multiarray': { typed: '_reconstruct', inert: 'scalar' },
  'numpy.core.numeric': { inert: '_frombuffer' },
};

/** What ordinary models of the common libraries need besides. */
export const allowMl: Readonly<Record<string, AllowRow>> = {
  builtins: {
    inert: 'len abs min max sum round sorted repr hash ord chr divmod',
    callable: 'map filter',
    getattr: 'getattr',
    class: [
      'Exception ValueError TypeError KeyError IndexError RuntimeError StopIteration OSError',
      'AttributeError NotImplementedError ArithmeticError ZeroDivisionError reversed enumerate zip',
      'memoryview property staticmethod classmethod UserWarning DeprecationWarning Warning',
    ].join(' '),
  },
  collections: { class: 'ChainMap UserString' },
  argparse: { class: 'Namespace' },
  datetime: { class: 'datetime date time timedelta timezone tzinfo' },
  decimal: { class: 'Decimal' },
  enum: { constant: 'Enum IntEnum Flag IntFlag' },
  fractions: { class: 'Fraction' },
  functools: { callable: 'partial' },
  io: { class: 'BytesIO StringIO' },
  ipaddress: { class: 'IPv4Address IPv6Address IPv4Network IPv6Network' },
  itertools: { class: 'count cycle repeat chain product islice' },
  logging: { inert: 'getLogger' },
  math: { inert: 'sqrt exp log log2 log10 log1p expm1 sin cos tan tanh floor ceil pow fabs erf' },
  operator: {
    inert: 'itemgetter add sub mul truediv floordiv mod neg eq ne lt le gt ge and_ or_ not_',
  },
  pathlib: { class: 'Path PurePath PosixPath WindowsPath PurePosixPath PureWindowsPath' },
  'pathlib._local': { class: 'Path PurePath PosixPath WindowsPath PurePosixPath PureWindowsPath' },
  random: { class: 'Random' },
  re: { inert: '_compile' },
  string: { constant: 'ascii_letters digits punctuation' },
  types: { class: 'SimpleNamespace MappingProxyType' },
  typing: { constant: 'Any Union Optional List Dict Tuple Callable Generic' },
  uuid: { class: 'UUID', constant: 'SafeUUID' },
  zoneinfo: { class: 'ZoneInfo' },
  'zoneinfo.ZoneInfo': {},
  pytz: { inert: '_UTC _p' },
  'dateutil.tz.tz': { class: 'tzutc tzlocal' },
  'joblib.numpy_pickle': { class: 'NumpyArrayWrapper NDArrayWrapper ZNDArrayWrapper' },
  'numpy.core': { ufunc: '_ufunc_reconstruct' },
  'numpy.core._internal': { inert: '_convert_to_stringdtype_kwargs' },
  'numpy.lib.polynomial': { class: 'poly1d' },
  'numpy.lib._polynomial_impl': { class: 'poly1d' },
  'numpy.ma': { class: 'MaskedArray' },
  'numpy.ma.core': { typed: '_mareconstruct', class: 'MaskedArray MaskedConstant' },
  'numpy.matrixlib.defmatrix': { class: 'matrix' },
  'numpy.rec': { class: 'record recarray' },
  'numpy.random': { class: 'RandomState Generator' },
  'numpy.random._pickle': {
    inert: '__generator_ctor __bit_generator_ctor __randomstate_ctor',
  },
  'numpy.random.mtrand': { inert: '__RandomState_ctor', class: 'RandomState' },
  'numpy.random._generator': { class: 'Generator' },
  'numpy.random._mt19937': { class: 'MT19937' },
  'numpy.random._pcg64': { class: 'PCG64 PCG64DXSM' },
  'numpy.random._philox': { class: 'Philox' },
  'numpy.random._sfc64': { class: 'SFC64' },
  'numpy.random.bit_generator': { class: 'SeedSequence', typed: '__pyx_unpickle_SeedSequence' },
  pandas: {
    class: [
      'DataFrame Series Index RangeIndex MultiIndex DatetimeIndex TimedeltaIndex PeriodIndex',
      'IntervalIndex CategoricalIndex Categorical Timestamp Timedelta Period Interval StringDtype',
      'CategoricalDtype PeriodDtype IntervalDtype DatetimeTZDtype BooleanDtype Int8Dtype',
      'Int16Dtype Int32Dtype Int64Dtype UInt8Dtype UInt16Dtype UInt32Dtype UInt64Dtype',
      'Float32Dtype Float64Dtype SparseDtype',
    ].join(' '),
    constant: 'NA NaT',
  },
  'pandas._libs.missing': { class: 'NAType', constant: 'NA' },
  'pandas.core.indexes.interval': { typed: '_new_IntervalIndex' },
  'pandas._libs.internals': { inert: '_unpickle_block', class: 'BlockManager BlockPlacement' },
  'pandas._libs.tslibs.timestamps': { inert: '_unpickle_timestamp' },
  'pandas._libs.tslibs.timedeltas': { inert: '_timedelta_unpickle' },
  'pandas._libs.tslibs.nattype': { inert: '_nat_unpickle' },
  'pandas._libs.tslibs.period': { class: 'Period' },
  'pandas.core.indexes.base': { typed: '_new_Index', class: 'Index' },
  'pandas.core.indexes.datetimes': { typed: '_new_DatetimeIndex' },
  'pandas.core.indexes.period': { typed: '_new_PeriodIndex' },
  'pandas.core.internals.blocks': { inert: 'new_block' },
  'pandas.core.internals.managers': { class: 'BlockManager SingleBlockManager' },
  'pandas.core.dtypes.dtypes': { class: 'CategoricalDtype DatetimeTZDtype IntervalDtype' },
  'sklearn.neighbors._kd_tree': { typed: 'newObj' },
  'sklearn.neighbors._ball_tree': { typed: 'newObj' },
  'sklearn.neighbors.kd_tree': { typed: 'newObj' },
  'sklearn.neighbors.ball_tree': { typed: 'newObj' },
  'sklearn.metrics._dist_metrics': { typed: 'newObj' },
  'sklearn.neighbors._dist_metrics': { typed: 'newObj' },
  'sklearn.neighbors.dist_metrics': { typed: 'newObj' },
  'sklearn.utils._bunch': { class: 'Bunch' },
  'sklearn.utils': { class: 'Bunch' },
  'sklearn.preprocessing._function_transformer': { inert: '_identity' },
  'scipy.interpolate._bsplines': { class: 'BSpline' },
  'torch.nn.backends.thnn': { inert: '_get_thnn_function_backend' },
  'torch.utils.hooks': { restore: 'RemovableHandle BackwardHook' },
  'torch._C': { constant: '_nn' },
  'torch._C._nn': { inert: 'gelu silu linear' },
  'torch.nn.functional': {
    inert: [
      'relu gelu silu softmax log_softmax elu leaky_relu tanh sigmoid softplus mish hardswish',
      'relu6 selu celu glu dropout layer_norm cross_entropy mse_loss nll_loss',
    ].join(' '),
  },
};

/** Modules of compiled classes whose constructors only allocate. */
export const allowConstructors: readonly string[] = [
  'sklearn.tree._tree',
  'sklearn.tree._criterion',
  'sklearn.tree._splitter',
  'sklearn.linear_model._sgd_fast',
  'sklearn.linear_model.sgd_fast',
  'sklearn._loss._loss',
  'sklearn._loss.loss',
  'sklearn._loss.link',
  'sklearn.neighbors._quad_tree',
  'sklearn.ensemble._hist_gradient_boosting.common',
  'sklearn.ensemble._hist_gradient_boosting.predictor',
  'sklearn.gaussian_process.kernels',
  'numpy.dtypes',
  'pandas._libs.tslibs.offsets',
  'pandas.core.arrays.integer',
  'pandas.core.arrays.floating',
  'pandas.core.arrays.boolean',
  'pandas.core.arrays.string_',
  'tokenizers',
  'tokenizers.models',
  'tokenizers.pre_tokenizers',
  'tokenizers.decoders',
  'tokenizers.processors',
  'tokenizers.normalizers',
];

/**
 * Libraries whose classes may be restored (`__new__` without `__init__`, then state). Their
 * functions may not be called, nor their constructors.
 */
export const allowLibraries: readonly string[] = [
  'sklearn',
  'xgboost',
  'lightgbm',
  'catboost',
  'imblearn',
  'category_encoders',
  'feature_engine',
  'statsmodels',
  'hdbscan',
  'umap',
  'lifelines',
  'prophet',
  'pandas.core',
  'pandas.arrays',
  'pandas._libs',
  'scipy',
  'torch.nn.modules',
  'torch.nn.quantized',
  'torch.optim',
  'torch.distributions',
  'torchvision.models',
  'torchvision.ops',
  'torchvision.transforms',
  'torchaudio.models',
  'timm',
  'transformers',
  'tokenizers',
  'sentence_transformers',
  'diffusers.models',
  'diffusers.schedulers',
  'peft',
  'accelerate',
  'pytorch_lightning',
  'lightning',
  'lightning_fabric',
  'omegaconf',
  'ultralytics.nn',
  'ultralytics.utils',
  'keras.src.models',
  'keras.src.layers',
  'keras.models',
  'keras.layers',
  'gensim.models',
  'gensim.corpora',
  'spacy',
  'thinc',
  'einops.layers',
  'skorch',
  'river',
  '__torch__',
];

/** Functions of number libraries that models refer to, such as NumPy's universal functions. */
export const allowFunctions: Readonly<Record<string, string>> = {
  numpy: [
    'abs absolute add arccos arcsin arctan ceil clip cos cosh divide exp exp2 expm1 fabs floor',
    'isfinite isinf isnan log log10 log1p log2 logaddexp maximum mean median minimum mod multiply',
    'negative nanmean nanmedian power rint round sign sin sinh sqrt square std subtract sum tan',
    'tanh true_divide var where ravel reshape zeros ones array asarray argmax argmin max min',
  ].join(' '),
  'scipy.special': 'expit logit log1p expm1 softmax logsumexp erf gamma gammaln digamma boxcox',
  'scipy.special._ufuncs': 'expit logit log1p expm1 erf gamma gammaln digamma psi boxcox xlogy',
  'scipy.stats._continuous_distns': 'norm uniform expon',
  'sklearn.feature_selection._univariate_selection': 'f_classif f_regression chi2 f_oneway',
  'sklearn.feature_selection._mutual_info': 'mutual_info_classif mutual_info_regression',
  'sklearn.metrics._classification':
    'accuracy_score f1_score log_loss precision_score recall_score',
  'sklearn.metrics._regression': 'mean_squared_error r2_score mean_absolute_error',
  'sklearn.metrics._ranking': 'roc_auc_score average_precision_score',
  'sklearn.metrics._scorer': '_passthrough_scorer',
  'sklearn.metrics.pairwise': 'rbf_kernel linear_kernel cosine_similarity euclidean_distances',
};
