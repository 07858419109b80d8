/**
 * Listens to the pickle machine and gathers what is to be told. A name is told once, with its
 * worst use; objects of a known library are told once a library.
 */
import { type Finding, severityRank } from '@merlon/core';
import { type Place, tell } from '../audit.ts';
import { classify, type Policy } from '../policy/classify.ts';
import { rules } from '../rules.ts';
import { secretIn } from '../text/secrets.ts';
import { rangeBomb } from './bomb.ts';
import {
  type Judgement,
  judgeCall,
  judgeName,
  judgeState,
  judgeStored,
  type Usage,
  usageOf,
} from './judge.ts';
import type { Listener } from './listener.ts';
import { type Call, fullName, type Global, picture, type Value } from './value.ts';

/** Something that is to be told. */
export interface Notice extends Judgement {
  readonly offset: number;
  readonly evidence: string;
  /** The import that it is about. */
  readonly global?: Global;
}

/** A literal that may hold something of its own. */
export interface Candidate {
  readonly offset: number;
  readonly length: number;
  /** The bytes themselves, when they were encoded as text. */
  readonly decoded: Uint8Array | null;
}

const namesMax = 10_000;
const noticesMax = 1000;
const candidatesMax = 64;
const secretsMax = 10;
const secretCharactersMin = 20;
const ranks: Record<Usage, number> = { referenced: 0, instantiated: 1, called: 2 };

interface Seen {
  readonly global: Global;
  usage: Usage;
  evidence: string;
  offset: number;
}

/** Gathers the notices of one stream. */
export class Collector implements Listener {
  /** True once anything happened that plain data does not need. */
  active = false;
  /** True once an import had the form of one. */
  plausible = false;
  /** Nested objects that loading would load as well. */
  readonly nested: Candidate[] = [];
  /** Literals that look like pickles of their own. */
  readonly suspects: Candidate[] = [];
  persistentIds = 0;
  torchStorages = 0;
  readonly #policy: Policy;
  readonly #names = new Map<string, Seen>();
  readonly #notices: Notice[] = [];
  #dropped = 0;
  #secrets = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  imported(global: Global): void {
    this.active = true;
    if (/^[A-Za-z_][\w.]*$/.test(global.module) && /^[A-Za-z_][\w.]*$/.test(global.name)) {
      this.plausible = true;
    }
    this.#see(global, 'referenced', () => fullName(global), global.offset);
  }

  computedName(module: Value, name: Value, offset: number): void {
    this.active = true;
    const evidence = () => `${picture(module)} . ${picture(name)}`;
    this.#add({ rule: 'MRL-PKL-012', why: 'the name is not in the file', offset, evidence });
  }

  called(call: Call): void {
    this.active = true;
    if (call.callee.kind === 'global') {
      this.#see(call.callee, usageOf(call, this.#policy), () => picture(call), call.offset);
      this.#notice(call.callee, call);
    }
    const bomb = rangeBomb(call);
    if (bomb !== null) {
      const evidence = () => picture(call);
      this.#add({ rule: 'MRL-PKL-013', why: bomb.evidence, offset: call.offset, evidence });
    }
    for (const judged of judgeCall(call, this.#policy)) {
      this.#add({ ...judged, offset: call.offset, evidence: () => picture(call) });
    }
  }

  built(target: Value, state: Value, offset: number): void {
    this.active = true;
    for (const judged of judgeState(target, state)) {
      const evidence = () => `${picture(target)} ← ${picture(state)}`;
      this.#add({ ...judged, offset, evidence });
    }
  }

  stored(target: Value, items: readonly Value[], offset: number): void {
    for (const judged of judgeStored(target)) {
      const shown = () => items.slice(0, 2).map((item) => picture(item, 1));
      this.#add({
        ...judged,
        offset,
        evidence: () => `${picture(target)} ← ${shown().join(', ')}`,
      });
    }
  }

  persistent(id: Value, _offset: number): void {
    this.persistentIds++;
    if (isTorchStorage(id)) this.torchStorages++;
  }

  extension(code: number, offset: number): void {
    this.active = true;
    const evidence = () => `extension code ${code}`;
    this.#add({ rule: 'MRL-PKL-008', why: 'registered in the program', offset, evidence });
  }

  literal(value: Value): void {
    if (value.kind === 'text' && value.text !== null && value.text.length >= secretCharactersMin) {
      this.#secret(value.text, value.offset);
    }
    if (this.suspects.length >= candidatesMax) return;
    if (value.kind === 'bytes' && looksLikePickle(value.head)) {
      const { offset, length } = value;
      this.suspects.push({ offset, length, decoded: null });
    } else if (value.kind === 'text' && value.text !== null && value.text.length >= 24) {
      const decoded = decodedText(value.text);
      const { offset, length } = value;
      if (decoded !== null) this.suspects.push({ offset, length, decoded });
    }
  }

  /**
   * Functions that are harmless by their arguments, imported where the stream breaks: what they
   * would have been given is lost.
   */
  cutOff(): Notice[] {
    const why = 'imported before the break; what it would get is not in the file';
    return [...this.#names.values()].flatMap(({ global, usage, offset }) => {
      const found = classify(global.module, global.name, this.#policy);
      if (usage !== 'referenced' || found.kind !== 'allowed' || found.use !== 'getattr') return [];
      const evidence = `${fullName(global)} (${why})`;
      return [{ rule: 'MRL-PKL-014', severity: 'high', why, offset, evidence, global }];
    });
  }

  /** All that is to be told, the worst first. */
  finish(): Notice[] {
    const notices = [...this.#notices];
    const libraries = new Map<string, Notice & { count: number }>();
    for (const { global, usage, evidence, offset } of this.#names.values()) {
      const judged = judgeName(global, usage, this.#policy);
      if (judged === null) continue;
      if (judged.library === undefined) {
        notices.push({ ...judged, offset, evidence: `${evidence} (${judged.why})`, global });
        continue;
      }
      const known = libraries.get(judged.library);
      if (known === undefined) {
        libraries.set(judged.library, { ...judged, offset, evidence: fullName(global), count: 1 });
      } else known.count++;
    }
    for (const { count, ...notice } of libraries.values()) {
      const more = count > 1 ? ` and ${count - 1} more of ${notice.library}` : '';
      notices.push({ ...notice, evidence: `${notice.evidence}${more}` });
    }
    if (this.#dropped > 0) {
      const evidence = `${this.#dropped} more names and calls are not listed`;
      notices.push({ rule: 'MRL-PKL-002', why: 'too many', offset: 0, evidence });
    }
    return notices.sort((a, b) => rankOf(b) - rankOf(a) || a.offset - b.offset);
  }

  #see(global: Global, usage: Usage, evidence: () => string, offset: number): void {
    const key = `${global.module} ${global.name}`;
    const seen = this.#names.get(key);
    if (seen === undefined) {
      if (this.#names.size >= namesMax) this.#dropped++;
      else this.#names.set(key, { global, usage, evidence: evidence(), offset });
    } else if (ranks[usage] > ranks[seen.usage]) {
      Object.assign(seen, { usage, evidence: evidence(), offset });
    }
  }

  /** Functions that load what they are given: their argument is audited in turn. */
  #notice(callee: Global, call: Call): void {
    const found = classify(callee.module, callee.name, this.#policy);
    const isNested = found.kind === 'allowed' && found.use === 'nested';
    const first = call.args.kind === 'tuple' ? call.args.items[0] : undefined;
    if (isNested && first?.kind === 'bytes' && this.nested.length < candidatesMax) {
      this.nested.push({ offset: first.offset, length: first.length, decoded: null });
    }
  }

  #secret(text: string, offset: number): void {
    const secret = this.#secrets < secretsMax ? secretIn(text) : null;
    if (secret === null) return;
    this.#secrets++;
    const evidence = () => secret;
    this.#add({ rule: 'MRL-SEC-001', why: 'kept in the object', offset, evidence });
  }

  /** Evidence is only drawn when it is kept. */
  #add(notice: Omit<Notice, 'evidence'> & { readonly evidence: () => string }): void {
    if (this.#notices.length >= noticesMax) this.#dropped++;
    else this.#notices.push({ ...notice, evidence: `${notice.evidence()} (${notice.why})` });
  }
}

/** Tells the notices at a place. */
export function tellNotices(place: Place, notices: readonly Notice[]): void {
  for (const { rule, severity, offset, evidence } of notices) {
    tell(place, rule, { evidence, offset, ...(severity === undefined ? {} : { severity }) });
  }
}

/** The severity of a notice. */
export function severityOf(notice: Notice): Finding['severity'] {
  return notice.severity ?? rules[notice.rule].severity;
}

/** True for bytes that begin as a pickle with imports would. */
export function looksLikePickle(head: Uint8Array): boolean {
  const [first = 0, second = 0] = head;
  if (first === 0x80 && second >= 2 && second <= 5) return true;
  if (first !== 0x63 && first !== 0x28) return false;
  const text = String.fromCharCode(...head.subarray(0, 64));
  return /^(\(?c|\(i)[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n/.test(text);
}

function rankOf(notice: Notice): number {
  return severityRank(severityOf(notice));
}

/** A storage beside the stream, or a class with its source text. */
function isTorchStorage(id: Value): boolean {
  const [tag, type] = id.kind === 'tuple' ? id.items : [];
  if (tag?.kind !== 'text' || type?.kind !== 'global') return false;
  if (tag.text === 'module') return true;
  return tag.text === 'storage' && /Storage$/.test(type.name) && type.module.startsWith('torch');
}

function decodedText(text: string): Uint8Array | null {
  const isHex = /^(80[0-9a-f]{2}|63|28)[0-9a-f]+$/i.test(text) && text.length % 2 === 0;
  if (isHex) return asPickle(Buffer.from(text, 'hex'));
  return /^(gA[I-X]|Y|KG)[A-Za-z0-9+/_-]+=*$/.test(text)
    ? asPickle(Buffer.from(text, 'base64'))
    : null;
}

function asPickle(bytes: Uint8Array): Uint8Array | null {
  return looksLikePickle(bytes) ? new Uint8Array(bytes) : null;
}
