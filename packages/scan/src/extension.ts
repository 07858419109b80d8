/** What the ending of a name promises, to be held against what the content is. */

const promises: Readonly<Record<string, readonly string[]>> = {
  safetensors: ['safetensors'],
  onnx: ['onnx'],
  gguf: ['gguf'],
  npy: ['npy'],
  npz: ['zip'],
  h5: ['hdf5'],
  hdf5: ['hdf5'],
  keras: ['zip', 'hdf5'],
  skops: ['zip'],
  json: ['json'],
  csv: ['csv', 'text'],
  parquet: ['parquet'],
  arrow: ['arrow'],
  feather: ['arrow'],
  txt: ['text', 'template', 'csv', 'json', 'requirements', 'lightgbm', 'yaml', 'python'],
  md: ['text', 'template'],
  yaml: ['yaml', 'text', 'json'],
  yml: ['yaml', 'text', 'json'],
  png: ['png'],
  jpg: ['jpeg'],
  jpeg: ['jpeg'],
  zip: ['zip'],
  tar: ['tar'],
  gz: ['gzip'],
  tgz: ['gzip'],
  pt: ['zip', 'torch-legacy', 'pickle', 'tar'],
  pth: ['zip', 'torch-legacy', 'pickle', 'tar'],
  ckpt: ['zip', 'torch-legacy', 'pickle', 'hdf5'],
  pkl: ['pickle', 'gzip', 'zlib', 'torch-legacy', 'zip'],
  pickle: ['pickle', 'gzip', 'zlib', 'torch-legacy', 'zip'],
  joblib: ['pickle', 'gzip', 'zlib', 'xz', 'lzma', 'bzip2', 'lz4'],
};
/** Endings that make people believe a file cannot run anything. */
const trusted = new Set(
  'safetensors onnx gguf json csv parquet txt md png jpg h5 hdf5 keras npy npz skops'.split(' '),
);
/** Packers that no loader of weights opens, but that hide what is inside from a scanner. */
const strangePackers = /^(7z|rar)$/;
const weightNames = /^(bin|pt|pth|ckpt|pkl|pickle|safetensors|onnx|gguf|h5|npy)$/;

/** The ending of a name in lower case, without the dot. */
export function extensionOf(name: string): string {
  return /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

/** How the content breaks the promise of the name, or null. */
export function brokenPromise(
  name: string,
  formats: readonly string[],
): { readonly severity: 'low' | 'medium' | 'high'; readonly evidence: string } | null {
  const extension = extensionOf(name);
  const promised = promises[extension];
  if (weightNames.test(extension) && formats.some((format) => strangePackers.test(format))) {
    return { severity: 'medium', evidence: `.${extension} holds ${formats.join(' and ')}` };
  }
  if (promised === undefined || formats.length === 0) return null;
  // An empty text is a text; an empty model is none, and whoever relies on it is misled.
  if (formats[0] === 'empty') {
    if (promised.includes('text')) return null;
    return { severity: 'medium', evidence: `.${extension} holds nothing` };
  }
  if (formats.some((format) => promised.includes(format))) return null;
  const runs = formats.some((each) => /pickle|legacy|program|zip/.test(each));
  // Words under a model's name hold no model: somebody is misled, or the file was cut short.
  const wordsOnly = !promised.includes('text') && formats.every((each) => each === 'text');
  // Someone is meant to run it, or a system that goes by its first line.
  const script = weightNames.test(extension) && formats.includes('script');
  const severity = script
    ? 'high'
    : wordsOnly || (runs && trusted.has(extension))
      ? 'medium'
      : 'low';
  return { severity, evidence: `.${extension} holds ${formats.join(' and ')}` };
}
