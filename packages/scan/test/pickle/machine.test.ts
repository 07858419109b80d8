/** The abstract machine, opcode by opcode: what it sees is what CPython would do. */
import { memorySource } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { Cursor } from '../../src/cursor.ts';
import type { Listener } from '../../src/pickle/listener.ts';
import { type Outcome, runPickle } from '../../src/pickle/machine.ts';
import { opcodes } from '../../src/pickle/opcode.ts';
import { fullName, picture } from '../../src/pickle/value.ts';
import { blob, bytes, frame, global, little, text } from '../support.ts';

interface Trace {
  events: string[];
  outcome: Outcome;
  value: string;
}

async function run(content: Uint8Array, lenient = false): Promise<Trace> {
  const events: string[] = [];
  const listener: Listener = {
    imported: (g) => events.push(`import ${fullName(g)}`),
    computedName: (module, name) => events.push(`computed ${picture(module)} ${picture(name)}`),
    called: (call) => events.push(`${call.how} ${picture(call)}`),
    built: (target, state) => events.push(`build ${picture(target)} ${picture(state)}`),
    stored: (target, items) =>
      events.push(`store ${picture(target)} ${items.map((item) => picture(item)).join(' ')}`),
    persistent: (id) => events.push(`persistent ${picture(id)}`),
    extension: (code) => events.push(`extension ${code}`),
    literal: () => undefined,
  };
  const outcome = await runPickle(new Cursor(memorySource(content)), listener, {
    opcodesMax: 1e6,
    retainedBytesMax: 1e6,
    lenient,
  });
  return { events, outcome, value: outcome.value === null ? '' : picture(outcome.value) };
}

const value = async (...parts: Parameters<typeof bytes>): Promise<string> => {
  const trace = await run(bytes(...parts, '.'));
  return trace.outcome.broken ?? trace.value;
};

describe('constants', () => {
  it.each([
    ['NONE', 'N', 'none'],
    ['NEWTRUE', '\x88', 'true'],
    ['NEWFALSE', '\x89', 'false'],
    ['INT', 'I42\n', '42'],
    ['INT true', 'I01\n', 'true'],
    ['INT false', 'I00\n', 'false'],
    ['LONG', 'L12345678901234567890L\n', 'long'],
    ['BININT', 'J\xff\xff\xff\xff', '-1'],
    ['BININT1', 'K\x07', '7'],
    ['BININT2', 'M\x01\x02', '513'],
    ['LONG1', '\x8a\x02\x00\xff', '-256'],
    ['LONG1 empty', '\x8a\x00', '0'],
    ['LONG4', '\x8b\x01\x00\x00\x00\x05', '5'],
    ['FLOAT', 'F1.5\n', 'float'],
    ['BINFLOAT', 'G\x3f\xf8\x00\x00\x00\x00\x00\x00', 'float'],
    ['STRING', "S'a\\x41\\n'\n", '"aA\\n"'],
    ['BINSTRING', 'T\x02\x00\x00\x00ab', '"ab"'],
    ['SHORT_BINSTRING', 'U\x02ab', '"ab"'],
    ['UNICODE', 'Va\\u0041\n', '"aA"'],
    ['BINUNICODE', 'X\x02\x00\x00\x00ab', '"ab"'],
    ['SHORT_BINUNICODE', '\x8c\x02ab', '"ab"'],
    ['BINUNICODE8', '\x8d\x02\x00\x00\x00\x00\x00\x00\x00ab', '"ab"'],
    ['BINBYTES', 'B\x02\x00\x00\x00ab', '<2 bytes>'],
    ['SHORT_BINBYTES', 'C\x02ab', '<2 bytes>'],
    ['BINBYTES8', '\x8e\x02\x00\x00\x00\x00\x00\x00\x00ab', '<2 bytes>'],
    ['BYTEARRAY8', '\x96\x02\x00\x00\x00\x00\x00\x00\x00ab', '<2 bytes>'],
    ['NEXT_BUFFER', '\x97', 'buffer'],
    ['READONLY_BUFFER', '\x97\x98', 'buffer'],
    ['PROTO', '\x80\x05N', 'none'],
  ])('%s', async (_, stream, expected) => {
    expect(await value(stream)).toBe(expected);
  });
});

describe('containers', () => {
  it.each([
    ['EMPTY_TUPLE', ')', '()'],
    ['TUPLE', '(K\x01K\x02t', '(1, 2)'],
    ['TUPLE1', 'K\x01\x85', '(1)'],
    ['TUPLE2', 'K\x01K\x02\x86', '(1, 2)'],
    ['TUPLE3', 'K\x01K\x02K\x03\x87', '(1, 2, 3)'],
    ['EMPTY_LIST', ']', '[]'],
    ['LIST', '(K\x01l', '[1]'],
    ['APPEND', ']K\x01a', '[1]'],
    ['APPENDS', '](K\x01K\x02e', '[1, 2]'],
    ['EMPTY_DICT', '}', '{}'],
    ['DICT', '(K\x01K\x02d', '{1, 2}'],
    ['SETITEM', '}K\x01K\x02s', '{1, 2}'],
    ['SETITEMS', '}(K\x01K\x02u', '{1, 2}'],
    ['EMPTY_SET', '\x8f', '{}'],
    ['ADDITEMS', '\x8f(K\x01\x90', '{1}'],
    ['FROZENSET', '(K\x01\x91', '{1}'],
    ['MARK and POP_MARK', 'K\x01(K\x02K\x031', '1'],
    ['POP', 'K\x01K\x020', '1'],
    ['POP of a mark', 'K\x01(0', '1'],
    ['DUP', 'K\x012\x86', '(1, 1)'],
  ])('%s', async (_, stream, expected) => {
    expect(await value(stream)).toBe(expected);
  });
});

describe('memo', () => {
  it.each([
    ['PUT and GET', 'K\x05p7\n0g7\n', '5'],
    ['BINPUT and BINGET', 'K\x05q\x070h\x07', '5'],
    ['LONG_BINPUT and LONG_BINGET', 'K\x05r\x00\x01\x00\x000j\x00\x01\x00\x00', '5'],
    ['MEMOIZE counts entries', 'K\x05\x94K\x06\x9400h\x01', '6'],
    ['PUT again replaces', 'K\x05q\x00K\x06q\x0000h\x00', '6'],
    ['GET of nothing', 'h\x05', 'memo entry missing'],
    ['PUT of nothing', 'q\x05', 'stack underflow'],
    ['negative PUT', 'Np-1\n', 'negative memo index'],
  ])('%s', async (_, stream, expected) => {
    expect(await value(stream)).toBe(expected);
  });
  it('follows a list that grows after it was memoized', async () => {
    expect(await value(']\x94K\x01a0h\x00')).toBe('[1]');
  });
});

describe('objects', () => {
  const os = global('os', 'system');
  it.each<[string, Uint8Array, string[]]>([
    [
      'GLOBAL and REDUCE',
      bytes(os, "S'echo'\n\x85R."),
      ['import os.system', 'reduce os.system("echo")'],
    ],
    [
      'STACK_GLOBAL',
      bytes(text('os'), text('system'), '\x93)R.'),
      ['import os.system', 'reduce os.system()'],
    ],
    [
      'STACK_GLOBAL from the memo',
      bytes(text('os'), '\x94', text('system'), '\x9400h\x00h\x01\x93)R.'),
      ['import os.system', 'reduce os.system()'],
    ],
    ['INST', bytes("(S'echo'\nios\nsystem\n."), ['import os.system', 'inst os.system("echo")']],
    ['OBJ', bytes('(', os, "S'echo'\no."), ['import os.system', 'obj os.system("echo")']],
    ['NEWOBJ', bytes(os, ')\x81.'), ['import os.system', 'newobj os.system()']],
    ['NEWOBJ_EX', bytes(os, ')}\x92.'), ['import os.system', 'newobj os.system({})']],
    [
      'BUILD',
      bytes(os, ')\x81}b.'),
      ['import os.system', 'newobj os.system()', 'build os.system() {}'],
    ],
    ['PERSID', bytes('Pid\n.'), ['persistent "id"']],
    ['BINPERSID', bytes(text('id'), 'Q.'), ['persistent "id"']],
    ['EXT1', bytes('\x82\x05.'), ['extension 5']],
    ['EXT2', bytes('\x83\x05\x01.'), ['extension 261']],
    ['EXT4', bytes('\x84\x05\x00\x00\x01.'), ['extension 16777221']],
    [
      'SETITEM on an object',
      bytes(os, text('k'), text('v'), 's.'),
      ['import os.system', 'store os.system "k" "v"'],
    ],
    [
      'APPEND on an object',
      bytes(os, text('v'), 'a.'),
      ['import os.system', 'store os.system "v"'],
    ],
    [
      'a result that is called',
      bytes(global('builtins', 'getattr'), global('os', 'x'), text('y'), '\x86R)R.'),
      [
        'import builtins.getattr',
        'import os.x',
        'reduce builtins.getattr(os.x, "y")',
        'reduce builtins.getattr(os.x, "y")()',
      ],
    ],
  ])('%s', async (_, stream, expected) => {
    const { events, outcome } = await run(stream);
    expect(events).toEqual(expected);
    expect(outcome).toMatchObject({ stopped: true, broken: null });
  });

  it('tells names that are computed, and refuses what can be no name', async () => {
    const call = bytes(global('a', 'b'), ')R', text('system'), '\x93.');
    expect((await run(call)).events.at(-1)).toBe('computed a.b() "system"');
    const numbers = await run(bytes('K\x01', text('system'), '\x93.'));
    expect(numbers.outcome.broken).toBe('STACK_GLOBAL needs two texts');
  });

  it('covers every opcode that pickletools knows', () => {
    expect(opcodes.filter((opcode) => opcode !== undefined)).toHaveLength(68);
  });
});

describe('broken streams', () => {
  it.each([
    ['an unknown opcode', bytes('\xff'), 'unknown opcode'],
    ['an empty stack', bytes('R'), 'stack underflow'],
    ['values below a mark', bytes('N(R'), 'stack underflow'],
    ['no mark', bytes('t'), 'no mark'],
    ['a cut number', bytes('J\x01'), 'ends inside an instruction'],
    ['a cut line', bytes('cos\nsyst'), 'ends inside an instruction'],
    ['a cut text', bytes('X\xff\x00\x00\x00ab'), 'ends inside an instruction'],
    ['a negative length', bytes('T\xff\xff\xff\xff'), 'negative length'],
    ['nothing', bytes(), 'ends inside an instruction'],
    ['a protocol that does not exist', bytes('\x80\x09N.'), 'unsupported protocol'],
    ['an unquoted string', bytes('Sabc\n.'), 'unquoted string'],
    ['a zero extension', bytes('\x82\x00.'), 'extension code must be positive'],
  ])('%s stops as in CPython', async (_, stream, expected) => {
    const { outcome } = await run(stream);
    expect(outcome).toMatchObject({ stopped: false, broken: expected });
  });

  it('keep what would have run before the break', async () => {
    const { events, outcome } = await run(bytes(global('os', 'system'), text('x'), '\x85R\xff'));
    expect(outcome.broken).toBe('unknown opcode');
    expect(events).toContain('reduce os.system("x")');
  });

  it('go on with unknown values when asked to', async () => {
    const { events } = await run(bytes('00', global('os', 'system'), 'tR.'), true);
    expect(events[0]).toBe('import os.system');
  });
});

describe('frames', () => {
  const body = bytes(text('0123456789'), '0N.');
  it('of a pickler are no cause for remark', async () => {
    const { outcome } = await run(bytes('\x80\x04', frame(body)));
    expect(outcome).toMatchObject({ straddles: [], oddFrames: [], stopped: true });
  });
  it('may end before a large literal', async () => {
    const large = blob(new Uint8Array(70_000));
    const stream = bytes('\x80\x04', frame(bytes(']\x94(NN')), large, frame(bytes('\x94Ne.')));
    const { outcome } = await run(stream);
    expect(outcome).toMatchObject({ straddles: [], oddFrames: [], stopped: true });
  });
  it('that an instruction crosses are told', async () => {
    const cut = bytes('\x80\x04\x95', little(5, 8), body);
    expect((await run(cut)).outcome.straddles).toEqual([11]);
    const inside = bytes('\x80\x04', frame(bytes('N0', frame(bytes('N0N0')), 'N.')));
    expect((await run(inside)).outcome.straddles).toEqual([13]);
  });
  it('that are longer than the file are told', async () => {
    const { outcome } = await run(bytes('\x80\x04\x95', little(500, 8), 'N.'));
    expect(outcome).toMatchObject({ straddles: [2], stopped: true });
  });
  it('that no pickler writes are told', async () => {
    const early = await run(bytes('\x80\x04', frame(bytes('NNNN000')), '.'));
    expect(early.outcome.oddFrames).toHaveLength(1);
    const late = await run(bytes('\x80\x04NNNN0000', frame(bytes('NNN00.'))));
    expect(late.outcome.oddFrames).toHaveLength(1);
  });
});

describe('bounds', () => {
  it('passes over long literals without reading them', async () => {
    let read = 0;
    const size = 500_000_000;
    const head = bytes('\x80\x04\x8e', little(size, 8));
    const source = {
      size: head.length + size + 1,
      read: async (offset: number, length: number) => {
        read += length;
        const out = new Uint8Array(Math.min(length, head.length + size + 1 - offset)).fill(0x2e);
        if (offset < head.length) out.set(head.subarray(offset));
        return out;
      },
    };
    const ignore = (): void => undefined;
    const listener: Listener = {
      imported: ignore,
      computedName: ignore,
      called: ignore,
      built: ignore,
      stored: ignore,
      persistent: ignore,
      extension: ignore,
      literal: ignore,
    };
    const options = { opcodesMax: 100, retainedBytesMax: 1000 };
    const outcome = await runPickle(new Cursor(source), listener, options);
    expect(outcome).toMatchObject({ stopped: true, opcodes: 3 });
    expect(read).toBeLessThan(1_000_000);
  });

  it('stops when the budget of instructions is spent', async () => {
    const { outcome } = await run(bytes('N0'.repeat(600_000)));
    expect(outcome).toMatchObject({ spent: true, stopped: false, opcodes: 1e6 });
  });

  it('keeps names when the budget of memory is spent', async () => {
    const filler = Array.from({ length: 20_000 }, (_, i) =>
      bytes(text(`filler text number ${i}`), '\x940'),
    );
    const names = bytes(
      text('os'),
      '\x94',
      text('system'),
      '\x930',
      text('os'),
      '\x94',
      text('system'),
      '\x93.',
    );
    const { events } = await run(bytes(...filler, names));
    expect(events).toEqual(['import os.system', 'import os.system']);
  });

  it.each([
    ['tuples in tuples', ')', '\x85'],
    ['results of results', `${global('a', 'b')}`, ')R'],
    ['values left on the stack', 'N', ')'],
  ])('does not keep %s without end', async (_, start, more) => {
    const before = process.memoryUsage().heapUsed;
    const { outcome } = await run(bytes(start, more.repeat(300_000)));
    expect(outcome.broken).toMatch(/^(needs too much memory|ends inside an instruction)$/);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2e8);
  });

  it('shows any value in a bounded picture', async () => {
    const deep = bytes(')'.padEnd(5000, '\x85'), '.');
    const { value: shown } = await run(deep);
    expect(shown.length).toBeLessThan(100);
  });
});
