/** Audits a region of bytes: says what it is and hands it to every reader that fits. */
import { windowOf } from '@merlon/core';
import { type Compression, inflate } from './archive/inflate.ts';
import { scanSevenZip } from './archive/sevenzip.ts';
import { scanTar } from './archive/tar.ts';
import { giveUp, isLate, notUnderstood, type Place, tell, tooDeep } from './audit.ts';
import { brokenPromise, extensionOf } from './extension.ts';
import { scanBson } from './format/bson.ts';
import { scanCatboost, scanExecutorch } from './format/buffers.ts';
import { scanGguf } from './format/gguf.ts';
import { scanJpeg, scanPng } from './format/image.ts';
import { scanJava } from './format/java.ts';
import { scanMessage } from './format/messages.ts';
import { scanMsgpack } from './format/msgpack.ts';
import { scanNpy } from './format/npy.ts';
import { scanOnnx } from './format/onnx.ts';
import { scanRds } from './format/rds.ts';
import { scanSafetensors } from './format/safetensors.ts';
import { scanArrow, scanParquet } from './format/table.ts';
import { scanUbjson } from './format/ubjson.ts';
import { scanUnread } from './format/unread.ts';
import { scanHdf5 } from './hdf5/scan.ts';
import { type Format, identify, looksLikeNumbers } from './identify.ts';
import { scanMarshal } from './keras/marshal.ts';
import { scanPickle } from './pickle/scan.ts';
import { scanGraph } from './tensorflow/graph.ts';
import { scanTflite } from './tensorflow/tflite.ts';
import { scanText, type TextFormat, textFormats } from './text/text.ts';
import { scanZip } from './zip/scan.ts';

const legacyStreams = 5;
const rawHeadBytes = 512;
const bytecodeBytesMax = 1 << 24;
const pickleExtensions = new Set(['pkl', 'pickle', 'p', 'pk', 'joblib', 'dill', 'sav']);
/** Pairs that belong together: TensorFlow Lite appends its labels as an archive. */
const pairs = new Set(['zip and tflite', 'tflite and zip']);

const readers: Readonly<Partial<Record<Format, (place: Place) => Promise<void>>>> = {
  pickle: (place) => scanPickle(place, { torch: place.torch === true }),
  'torch-legacy': (place) => scanPickle(place, { torch: true, streamsMax: legacyStreams }),
  zip: scanZip,
  safetensors: scanSafetensors,
  onnx: scanOnnx,
  npy: scanNpy,
  gguf: scanGguf,
  hdf5: scanHdf5,
  'saved-model': (place) => scanGraph(place, 'saved-model'),
  'meta-graph': (place) => scanGraph(place, 'meta-graph'),
  'graph-def': (place) => scanGraph(place, 'graph-def'),
  'keras-metadata': (place) => scanGraph(place, 'keras-metadata'),
  tflite: scanTflite,
  executorch: scanExecutorch,
  catboost: scanCatboost,
  coreml: (place) => scanMessage(place, 'coreml'),
  paddle: (place) => scanMessage(place, 'paddle'),
  rds: scanRds,
  java: scanJava,
  bson: scanBson,
  ubjson: scanUbjson,
  msgpack: scanMsgpack,
  tar: scanTar,
  '7z': scanSevenZip,
  parquet: scanParquet,
  arrow: scanArrow,
  idx: async () => undefined,
  png: scanPng,
  jpeg: scanJpeg,
  gzip: (place) => unpack(place, 'gzip'),
  zlib: (place) => unpack(place, 'zlib'),
  zstd: (place) => unpack(place, 'zstd'),
  xz: (place) => unpack(place, 'xz'),
  lzma: (place) => unpack(place, 'lzma'),
  bzip2: (place) => unpack(place, 'bzip2'),
  lz4: (place) => unpack(place, 'lz4'),
  zfile: (place) => unpack(place, 'zfile'),
  'tf-index': scanIndex,
  bytecode: scanBytecode,
  program: scanProgram,
  rar: scanRar,
  empty: async () => undefined,
};

/** Audits a region by its content. */
export async function scanRegion(place: Place): Promise<void> {
  const { audit } = place;
  if (isLate(audit)) {
    giveUp(place, 'the audit took too long');
    return;
  }
  if (place.raw === true && looksLikeNumbers(await place.source.read(0, rawHeadBytes))) {
    audit.dataBytes.count += place.source.size;
    return;
  }
  const name = place.member === '' ? audit.path : place.member;
  const formats = await identify(place.source, name, audit.policy);
  tellFormats(place, name, formats);
  for (const format of formats) {
    // What is inside an archive counts for the file only where the file is nothing else.
    if (place.member === '' && format !== 'zip') audit.formats.add(format);
    await read(place, format);
  }
  if (formats.length > 0) return;
  if (place.raw === true) audit.dataBytes.count += place.source.size;
  else if (pickleExtensions.has(extensionOf(name))) await scanPickle(place);
  else {
    notUnderstood(place, 'unknown content');
    await scanUnread(place);
  }
}

async function read(place: Place, format: Format): Promise<void> {
  const reader = readers[format];
  if (reader !== undefined) await reader(place);
  else if (textFormats.has(format)) await scanText(place, format as TextFormat);
  else {
    notUnderstood(place, `${format} has no reader`);
    await scanUnread(place);
  }
}

async function unpack(place: Place, compression: Compression): Promise<void> {
  if (place.depth >= place.audit.limits.depthMax) {
    tooDeep(place);
    return;
  }
  const packed = windowOf(place.source, 0, place.source.size);
  const { source, broken } = await inflate(place, packed, compression);
  if (broken !== null) giveUp(place, `unpacking failed: ${broken}`);
  if (source.size === 0) return;
  const whole = place.member === '' ? place.audit.path : place.member;
  const inner = whole.replace(/\.(gz|z|zst|xz|lzma|bz2|lz4)$/i, '');
  const last = inner.slice(Math.max(inner.lastIndexOf('/'), inner.lastIndexOf('!')) + 1);
  const member = place.member === '' ? last : `${place.member}!${last}`;
  await place.descend({ ...place, source, member, origin: 0, depth: place.depth + 1 });
}

/** The index of a checkpoint lists tensors by name; their numbers stand in files beside it. */
async function scanIndex(place: Place): Promise<void> {
  place.audit.dataBytes.count += place.source.size;
}

async function scanBytecode(place: Place): Promise<void> {
  tell(place, 'MRL-FIL-003', { evidence: 'compiled Python', severity: 'medium' });
  const bytes = Math.min(place.source.size, bytecodeBytesMax);
  scanMarshal(place, await place.source.read(0, bytes), 'code');
  notUnderstood(place, 'compiled Python is only searched for names');
}

/** Known for what it is, but no free reader unpacks it: what lies inside is not examined. */
async function scanRar(place: Place): Promise<void> {
  giveUp(place, 'RAR archives are not unpacked; unpack it and scan what comes out');
  await scanUnread(place);
}

async function scanProgram(place: Place): Promise<void> {
  tell(place, 'MRL-FIL-003', { evidence: 'machine code' });
  notUnderstood(place, 'machine code');
}

function tellFormats(place: Place, name: string, formats: readonly Format[]): void {
  const broken = brokenPromise(name, formats);
  if (broken !== null) tell(place, 'MRL-FIL-001', broken);
  const strong = formats.filter((format) => !textFormats.has(format)).join(' and ');
  if (!strong.includes(' and ') || pairs.has(strong)) return;
  tell(place, 'MRL-FIL-002', { evidence: strong });
}
