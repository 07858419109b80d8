/** Audits a region that holds pickle streams: one after the other, and what stands between them. */
import { type ByteSource, memorySource, severityRank, windowOf } from '@merlon/core';
import { giveUp, memberName, type Place, tell, tooDeep } from '../audit.ts';
import { isScrambled } from '../bytes.ts';
import { Cursor } from '../cursor.ts';
import type { ScanLimits } from '../limits.ts';
import type { Policy } from '../policy/classify.ts';
import { bombIn } from './bomb.ts';
import {
  type Candidate,
  Collector,
  looksLikePickle,
  type Notice,
  severityOf,
  tellNotices,
} from './collect.ts';
import { joblibArray } from './joblib.ts';
import { type Outcome, rawOffsetsMax, runPickle } from './machine.ts';
import type { Global } from './value.ts';

/** How to read the streams. */
export interface PickleOptions {
  /** True inside PyTorch files, where storages are objects outside the stream. */
  readonly torch?: boolean;
  /** Streams after which the rest is raw data (PyTorch's legacy files have five). */
  readonly streamsMax?: number;
}

/** What a look at a region says about its being a pickle. */
export interface Probe {
  readonly isPickle: boolean;
  readonly protocol: number;
}

const streamsDefault = 10_000;
const probeOpcodesMax = 20_000;
const probeRetainedBytesMax = 1 << 20;
const memoSlack = 1000;
const rawOpcodesMax = 500;
const nestedDepthMax = 4;
const graveRules: ReadonlySet<string> = new Set(['MRL-PKL-001', 'MRL-PKL-002', 'MRL-PKL-003']);

/**
 * Whether the bytes at the cursor are a pickle. Parsing is not enough, since any text does; it
 * takes a protocol mark, or an import or call by a plausible name, or a stream that ends with the
 * bytes.
 */
export async function probePickle(cursor: Cursor, policy: Policy): Promise<Probe> {
  await cursor.need(64);
  if (cursor.ready === 0) return { isPickle: false, protocol: 0 };
  const marked = cursor.peek() === 0x80 && cursor.peek(1) >= 2 && cursor.peek(1) <= 5;
  const collector = new Collector(policy);
  const outcome = await runPickle(cursor, collector, {
    opcodesMax: probeOpcodesMax,
    retainedBytesMax: probeRetainedBytesMax,
    rawAfter: joblibArray,
  });
  const { protocol, opcodes } = outcome;
  const whole = outcome.stopped && opcodes >= 2 && cursor.left === 0;
  const runs = collector.plausible && (outcome.stopped || collector.active);
  const long = marked && (outcome.stopped || outcome.spent || opcodes >= 8);
  return { isPickle: (marked && opcodes >= 2 && runs) || long || runs || whole, protocol };
}

/** Audits all pickle streams of a region. */
export async function scanPickle(place: Place, options: PickleOptions = {}): Promise<void> {
  const streamsMax = options.streamsMax ?? streamsDefault;
  const cursor = new Cursor(place.source);
  for (let stream = 0; stream < streamsMax && cursor.left > 0; stream++) {
    const start = cursor.at;
    if (stream > 0 && !(await continues(place, start))) {
      await scanRest(place, start);
      return;
    }
    const outcome = await scanStream(place, cursor, options);
    if (!outcome.stopped) {
      if (outcome.broken !== null) await scanAfterBreak(place, outcome.end);
      return;
    }
  }
  place.audit.dataBytes.count += cursor.left;
}

async function scanStream(place: Place, cursor: Cursor, options: PickleOptions) {
  const { limits } = place.audit;
  const start = cursor.at;
  const collector = new Collector(place.audit.policy);
  const outcome = await runPickle(cursor, collector, {
    opcodesMax: Math.max(0, limits.opcodesMax - place.audit.opcodes),
    retainedBytesMax: limits.retainedBytesMax,
    rawAfter: joblibArray,
  });
  place.audit.opcodes += outcome.opcodes;
  place.audit.dataBytes.count += outcome.rawBytes;
  tellNotices(place, collector.finish());
  if (outcome.broken !== null) tellNotices(place, collector.cutOff());
  tellOutcome(place, outcome, start);
  tellOutside(place, collector, options, start);
  // To a plain unpickler the raw bytes of an array are instructions.
  for (const offset of outcome.rawOffsets) await scanLenient(place, offset, rawOpcodesMax);
  if (outcome.rawOffsets.length >= rawOffsetsMax) giveUp(place, 'too many arrays in the stream');
  for (const candidate of collector.nested) await scanNested(place, candidate);
  const loaded = new Set(collector.nested.map((candidate) => candidate.offset));
  for (const candidate of collector.suspects) {
    if (loaded.has(candidate.offset)) continue;
    await scanSuspect(place, candidate, limits, nestedDepthMax);
  }
  return outcome;
}

/** Objects outside the stream; those of a PyTorch archive stand beside it. */
function tellOutside(
  place: Place,
  { persistentIds, torchStorages }: Collector,
  { torch }: PickleOptions,
  offset: number,
): void {
  const strangers = persistentIds - torchStorages;
  const count = torch === true ? strangers : persistentIds;
  if (count === 0) return;
  const evidence = `${count} references by persistent id`;
  const severity = strangers > 0 && torch !== true ? 'medium' : 'low';
  tell(place, 'MRL-PKL-009', { evidence, severity, offset });
}

function tellOutcome(place: Place, outcome: Outcome, start: number): void {
  for (const offset of outcome.straddles) {
    const evidence = 'an instruction crosses the border of its frame';
    tell(place, 'MRL-PKL-006', { evidence, offset });
  }
  for (const offset of outcome.oddFrames.slice(0, 1)) {
    tell(place, 'MRL-PKL-016', { evidence: 'a frame of another length', offset });
  }
  if (outcome.thrownAway !== null && outcome.stopped) {
    const evidence = 'a value that is built and thrown away';
    tell(place, 'MRL-PKL-016', { evidence, offset: outcome.thrownAway });
  }
  const bomb = outcome.value === null ? null : bombIn(outcome.value);
  if (bomb !== null) tell(place, 'MRL-PKL-013', { ...bomb, offset: start });
  if (outcome.highestMemoIndex > 8 * outcome.opcodes + memoSlack) {
    const evidence = `memo index ${outcome.highestMemoIndex} in ${outcome.opcodes} instructions`;
    tell(place, 'MRL-PKL-013', { evidence, offset: start });
  }
  if (outcome.broken !== null) {
    // No version of Python writes it: whoever did wants readers to stop here.
    const severity = outcome.broken === 'unsupported protocol' ? 'medium' : 'low';
    tell(place, 'MRL-PKL-007', { evidence: outcome.broken, severity, offset: outcome.end });
    giveUp(place, `the pickle breaks at byte ${place.origin + outcome.end}: ${outcome.broken}`);
  } else if (outcome.spent) {
    giveUp(place, `more than ${place.audit.limits.opcodesMax} pickle instructions`);
  }
}

async function continues(place: Place, at: number): Promise<boolean> {
  return (await probePickle(new Cursor(place.source, at), place.audit.policy)).isPickle;
}

/** What follows the last stream is audited by its own content. */
async function scanRest(place: Place, at: number): Promise<void> {
  const size = place.source.size - at;
  const severity = isScrambled(await place.source.read(at, Math.min(size, 4096)))
    ? 'medium'
    : 'low';
  tell(place, 'MRL-PKL-015', { evidence: `${size} bytes`, severity, offset: at, length: size });
  await scanLenient(place, at);
  if (place.depth >= place.audit.limits.depthMax) tooDeep(place);
  else {
    const source = windowOf(place.source, at, size);
    await place.descend({ ...place, source, origin: place.origin + at, depth: place.depth + 1 });
  }
}

/** A loader that recovers, or another format around it, may go on where this one broke. */
async function scanAfterBreak(place: Place, at: number): Promise<void> {
  const cursor = new Cursor(place.source, at);
  await cursor.need(2);
  const size = place.source.size - at;
  if (size > 2 && cursor.peek() === 0x80 && place.depth < place.audit.limits.depthMax) {
    const source = windowOf(place.source, at, size);
    await place.descend({ ...place, source, origin: place.origin + at, depth: place.depth + 1 });
  }
}

/** Reads the bytes as instructions whatever was before them, and tells only what is dangerous. */
async function scanLenient(place: Place, at: number, opcodesMax = probeOpcodesMax): Promise<void> {
  const collector = new Collector(place.audit.policy);
  await runPickle(new Cursor(place.source, at), collector, {
    opcodesMax,
    retainedBytesMax: probeRetainedBytesMax,
    lenient: true,
  });
  tellNotices(place, collector.finish().filter(isGrave));
}

/** A dangerous name that is one: bytes that are no stream name anything. */
function isGrave({ rule, global }: Notice): boolean {
  return graveRules.has(rule) && global !== undefined && isPlain(global);
}

/** What a stream that begins at an offset would do, when it is grave; for bytes of any kind. */
export async function dangerAt(place: Place, at: number): Promise<string | null> {
  const collector = new Collector(place.audit.policy);
  await runPickle(new Cursor(place.source, at), collector, {
    opcodesMax: rawOpcodesMax,
    retainedBytesMax: probeRetainedBytesMax,
    lenient: true,
  });
  const [grave] = collector.finish().filter(isGrave);
  return grave?.evidence ?? null;
}

/** What a source would do that is one pickle from its first byte to its last, when it is grave. */
export async function wholeDanger(place: Place, source: ByteSource): Promise<string | null> {
  if (!looksLikePickle(await source.read(0, Math.min(64, source.size)))) return null;
  const collector = new Collector(place.audit.policy);
  const { stopped, end } = await runPickle(new Cursor(source), collector, {
    opcodesMax: probeOpcodesMax,
    retainedBytesMax: probeRetainedBytesMax,
  });
  if (!stopped || end !== source.size) return null;
  const [worst] = collector.finish();
  return worst !== undefined && severityOf(worst) !== 'note' ? worst.evidence : null;
}

/** Bytes that loading would load in turn. */
async function scanNested(place: Place, candidate: Candidate): Promise<void> {
  if (place.depth >= place.audit.limits.depthMax) {
    tooDeep(place);
    return;
  }
  const source = windowOf(place.source, candidate.offset, candidate.length);
  const member = memberName(place, `bytes@${place.origin + candidate.offset}`);
  await place.descend({ ...place, source, member, origin: 0, depth: place.depth + 1 });
}

/** Bytes that only look like a pickle: told when that pickle would do harm. */
async function scanSuspect(
  place: Place,
  candidate: Candidate,
  limits: ScanLimits,
  depthLeft: number,
): Promise<void> {
  const { offset, length, decoded } = candidate;
  const source = decoded === null ? windowOf(place.source, offset, length) : memorySource(decoded);
  const collector = new Collector(place.audit.policy);
  const outcome = await runPickle(new Cursor(source), collector, {
    opcodesMax: Math.max(0, limits.opcodesMax - place.audit.opcodes),
    retainedBytesMax: probeRetainedBytesMax,
  });
  place.audit.opcodes += outcome.opcodes;
  const [worst] = collector.finish();
  if (worst !== undefined && severityRank(severityOf(worst)) >= severityRank('medium')) {
    tell(place, 'MRL-PKL-011', { evidence: worst.evidence, offset, length });
  } else if (outcome.stopped && collector.suspects.length > 0 && depthLeft > 0) {
    for (const inner of collector.suspects.slice(0, 4)) {
      if (inner.decoded === null && decoded !== null) continue;
      const shifted = decoded === null ? { ...inner, offset: offset + inner.offset } : inner;
      await scanSuspect(place, shifted, limits, depthLeft - 1);
    }
  }
}

function isPlain(global: Global): boolean {
  return /^[A-Za-z_][\w.]*$/.test(global.module) && /^[A-Za-z_][\w.]*$/.test(global.name);
}
