import { describe, expect, it } from 'vitest';
import { isoTime, manualClock } from '../src/clock.ts';
import { InputError, MerlonError, messageOf } from '../src/error.ts';
import { atLeast, safeEvidence, severities } from '../src/finding.ts';
import { isUuidv7, uuidv7 } from '../src/id.ts';

describe('uuidv7', () => {
  it('carries the time, and sorts in the order of making', () => {
    const clock = manualClock(Date.UTC(2099, 0, 1));
    const made = Array.from({ length: 5000 }, () => uuidv7(clock));
    expect(made.every(isUuidv7)).toBe(true);
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
    const ms = Number.parseInt((made[0] ?? '').replace('-', '').slice(0, 12), 16);
    expect(ms).toBe(clock.nowMs());
  });
  it('never goes back when the clock does', () => {
    const late = uuidv7(manualClock(Date.UTC(2100, 0, 1)));
    expect(uuidv7(manualClock(Date.UTC(2020, 0, 1))) > late).toBe(true);
  });
  it('knows its own form only', () => {
    expect(isUuidv7('01902d6e-7a1b-4c3d-8e4f-0123456789ab')).toBe(false);
    expect(isUuidv7('01902d6e7a1b7c3d8e4f0123456789ab')).toBe(false);
  });
});

describe('errors', () => {
  it('report a code, a sentence and what to do, and keep the cause to themselves', () => {
    const cause = new Error('inner');
    const error = new InputError('bad-input', '"x" expected y, got z', { hint: 'do w', cause });
    expect(error.report()).toEqual({
      code: 'bad-input',
      message: '"x" expected y, got z',
      hint: 'do w',
    });
    expect([error.name, error.cause]).toEqual(['InputError', cause]);
    expect(new MerlonError('x', 'm')).not.toHaveProperty('cause');
    expect([messageOf(error), messageOf('thrown text')]).toEqual([error.message, 'thrown text']);
  });
});

describe('findings', () => {
  it('are ordered by severity', () => {
    const reached = severities.map((severity) => atLeast({ severity }, 'medium'));
    expect(reached).toEqual([false, false, true, true, true]);
  });
  it('show evidence that is safe to print', () => {
    expect(safeEvidence('a\x1b[2Jé\u202e')).toBe('a\\x1b[2J\\xe9\\u202e');
    expect(safeEvidence('x'.repeat(200), 10)).toBe(`${'x'.repeat(10)}…`);
  });
});

describe('clock', () => {
  it('stands until it is moved', () => {
    const clock = manualClock(0);
    clock.advance(1500);
    expect(isoTime(clock.nowMs())).toBe('1970-01-01T00:00:01.500Z');
  });
});
