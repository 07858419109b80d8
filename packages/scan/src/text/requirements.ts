/**
 * Audits `requirements.txt` (pip, Requirements File Format): what installing it would run, and
 * from where.
 */

import { type Place, tell } from '../audit.ts';
import { pattern } from './pattern.ts';
import { scanPin } from './versions.ts';

/** Names that look like well-known packages and are not; compared at a distance of one. */
const wellKnown = new Set(
  [
    'torch torchvision torchaudio tensorflow keras numpy pandas scipy scikit-learn requests',
    'urllib3',
    'transformers tokenizers huggingface-hub datasets accelerate diffusers safetensors xgboost',
    'lightgbm catboost matplotlib pillow opencv-python protobuf fastapi flask django pydantic',
    'sentencepiece onnx onnxruntime langchain openai boto3 cryptography pyyaml jinja2 joblib',
    'gradio',
    'streamlit bitsandbytes peft einops timm tqdm setuptools wheel sympy networkx psutil colorama',
  ]
    .join(' ')
    .split(' '),
);
/** Neighbours of these names that are real packages of their own. */
const neighbours = new Set([
  'torchx',
  'kera',
  'flask2',
  'scipy',
  'wheels',
  'pillow',
  'jax',
  'tqdm',
  'timm',
  'peft',
  'onnx',
  'ray',
  'dask',
]);
const lineMax = 2000;
const indexHosts = pattern('requirements.indexHosts');

/** True for files that hold requirements, by name and by content. */
export function looksLikeRequirements(text: string, name: string): boolean {
  if (/(^|[/\\!])(requirements[\w.-]*|constraints[\w.-]*)\.(txt|in)$/i.test(name)) return true;
  const lines = text.split('\n', 200).filter((line) => line.trim() !== '' && !/^\s*#/.test(line));
  const fits =
    /^\s*([A-Za-z0-9][\w.-]*(\[[\w,-]+\])?\s*([=~<>!]=?.*)?|-r .*|--(extra-)?index-url .*)$/;
  const pinned = lines.filter((line) => /[=~<>]=\s*\d/.test(line)).length;
  return pinned >= 2 && lines.every((line) => fits.test(line));
}

/** Audits every line. */
export function scanRequirements(place: Place, text: string): void {
  let number = 0;
  for (const raw of text.split('\n')) {
    number++;
    const line = raw
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .slice(0, lineMax);
    if (line === '') continue;
    scanPin(place, line, `line ${number}`);
    scanRequirement(place, line, `line ${number}`);
  }
}

/** Audits one line, wherever it stands. */
export function scanRequirement(place: Place, line: string, pointer: string): void {
  const found = faultOf(line);
  if (found === null) return;
  const evidence = `${line} (${found.why})`;
  tell(place, 'MRL-REQ-001', { evidence, severity: found.severity, pointer });
}

function faultOf(line: string): { severity: 'low' | 'medium' | 'high'; why: string } | null {
  const option = /^(--?[a-z-]+)[=\s]+(\S+)/.exec(line);
  const [, name = '', value = ''] = option ?? [];
  if (/^(--extra-index-url|--index-url|-i|--find-links|-f)$/.test(name)) {
    if (/^http:/.test(value)) return { severity: 'high', why: 'an index without encryption' };
    if (/\d{1,3}(\.\d{1,3}){3}/.test(value))
      return { severity: 'high', why: 'an index by address' };
    if (indexHosts.test(value) || !/^https?:/.test(value)) return null;
    return { severity: 'medium', why: 'another index, whose packages may stand in for known ones' };
  }
  if (name === '--trusted-host')
    return { severity: 'high', why: 'trusts a host without encryption' };
  const link = /(?:^|@\s*|^-e\s+)((?:git\+|hg\+|svn\+)?(?:https?|ssh|git|file|ftp):\/\/\S+)/.exec(
    line,
  )?.[1];
  if (link !== undefined) {
    if (/^(git\+)?(http|ftp|git):/.test(link))
      return { severity: 'high', why: 'fetched without encryption' };
    if (/\d{1,3}(\.\d{1,3}){3}/.test(link)) return { severity: 'high', why: 'fetched by address' };
    if (indexHosts.test(link.replace(/^\w+\+/, ''))) {
      const moves =
        /^git\+/.test(link) && !/\.git@[\w.-]*\d|@(v?\d[\w.-]*|[0-9a-f]{7,40})(#|$)/.test(link);
      if (moves && !pattern('trust.owners').test(link.replace(/^[^:]*:\/\/[^/]*\//, ''))) {
        return { severity: 'medium', why: 'fetched from outside the index, whatever it will be' };
      }
      return { severity: 'low', why: 'fetched from outside the index' };
    }
    return { severity: 'medium', why: 'fetched from outside the index' };
  }
  if (/;\s*(import|exec|os\.)|`|\$\(|&&|\|\s*sh/.test(line))
    return { severity: 'high', why: 'holds a command' };
  const wanted = /^([A-Za-z0-9][\w.-]*)/.exec(line)?.[1]?.toLowerCase().replace(/[._]+/g, '-');
  const like = wanted === undefined ? null : lookAlike(wanted);
  return like === null ? null : { severity: 'medium', why: `looks like ${like}` };
}

function lookAlike(name: string): string | null {
  if (wellKnown.has(name) || neighbours.has(name) || name.length < 5) return null;
  for (const known of wellKnown) {
    if (known.length >= 5 && isNear(name, known)) return known;
  }
  return null;
}

/** One letter more, less, other, or two swapped. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || a === b) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const swapped = a.slice(at, at + 2) === [...b.slice(at, at + 2)].reverse().join('');
  if (a.length === b.length && swapped && a.slice(at + 2) === b.slice(at + 2)) return true;
  // A digit at the end is a version of the same maker far more often than a forgery.
  if (/^\d$/.test(a.slice(at)) || /^\d$/.test(b.slice(at))) return false;
  return (
    a.slice(at + 1) === b.slice(at + 1) ||
    a.slice(at + 1) === b.slice(at) ||
    a.slice(at) === b.slice(at + 1)
  );
}
