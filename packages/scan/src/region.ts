/** Audits a region of bytes: says what it is and hands it to every reader that fits. */
import { windowOf } from '@merlon/core';
import { type Compression, inflate } from './archive/inflate.ts';
import { scanTar } from './archive/tar.ts';
import { giveUp, notUnderstood, type Place, tell } from './audit.ts';
import { brokenPromise, extensionOf } from './extension.ts';
import { scanGguf } from './format/gguf.ts';
import { scanJpeg, scanPng } from './format/image.ts';
import { scanNpy } from './format/npy.ts';
import { scanOnnx } from './format/onnx.ts';
import { scanSafetensors } from './format/safetensors.ts';
import { type Format, identify } from './identify.ts';
import { scanHdf5 } from './keras/hdf5.ts';
import { scanPickle } from './pickle/scan.ts';
import { scanSavedModel } from './tensorflow/saved-model.ts';
import { scanText, type TextFormat, textFormats } from './text/text.ts';
import { scanZip } from './zip/scan.ts';

const legacyStreams = 5;
const pickleExtensions = new Set(['pkl', 'pickle', 'p', 'pk', 'joblib', 'dill', 'sav']);

/** Audits a region by its content. */
export async function scanRegion(place: Place): Promise<void> {
  const { audit } = place;
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
  else notUnderstood(place, 'unknown content');
}

async function read(place: Place, format: Format): Promise<void> {
  if (textFormats.has(format)) return scanText(place, format as TextFormat);
  switch (format) {
    case 'pickle':
      return scanPickle(place, { torch: place.torch === true });
    case 'torch-legacy':
      return scanPickle(place, { torch: true, streamsMax: legacyStreams });
    case 'zip':
      return scanZip(place);
    case 'safetensors':
      return scanSafetensors(place);
    case 'onnx':
      return scanOnnx(place);
    case 'npy':
      return scanNpy(place);
    case 'gguf':
      return scanGguf(place);
    case 'hdf5':
      return scanHdf5(place);
    case 'saved-model':
      return scanSavedModel(place);
    case 'tar':
      return scanTar(place);
    case 'png':
      return scanPng(place);
    case 'jpeg':
      return scanJpeg(place);
    case 'gzip':
    case 'zlib':
    case 'zstd':
      return unpack(place, format);
    case 'program':
      tell(place, 'MRL-FIL-003', { evidence: 'machine code' });
      return;
    case 'empty':
      return;
    default:
      notUnderstood(place, `${format} has no reader`);
  }
}

async function unpack(place: Place, compression: Compression): Promise<void> {
  if (place.depth >= place.audit.limits.depthMax) {
    giveUp(place, 'nested too deeply');
    return;
  }
  const packed = windowOf(place.source, 0, place.source.size);
  const { source, broken } = await inflate(place, packed, compression);
  if (broken !== null) giveUp(place, `unpacking failed: ${broken}`);
  if (source.size === 0) return;
  const inner = (place.member === '' ? place.audit.path : place.member).replace(
    /\.(gz|z|zst)$/i,
    '',
  );
  const last = inner.slice(Math.max(inner.lastIndexOf('/'), inner.lastIndexOf('!')) + 1);
  const member = place.member === '' ? last : `${place.member}!${last}`;
  await place.descend({ ...place, source, member, origin: 0, depth: place.depth + 1 });
}

function tellFormats(place: Place, name: string, formats: readonly Format[]): void {
  const broken = brokenPromise(name, formats);
  if (broken !== null) tell(place, 'MRL-FIL-001', broken);
  const strong = formats.filter((format) => !textFormats.has(format));
  if (strong.length > 1) tell(place, 'MRL-FIL-002', { evidence: strong.join(' and ') });
}
