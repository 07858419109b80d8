/**
 * Ways around other scanners, each by the id under which it became known. The payloads are inert
 * texts and nothing here is ever loaded.
 */
import { concat, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  blob,
  bytes,
  callWithText,
  frame,
  global,
  little,
  raw,
  rulesOf,
  scan,
  text,
  zip,
} from '../support.ts';

const harmless = bytes('\x80\x04', frame(bytes('}\x94', text('a'), '\x94K\x01s.')));
const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.');
const critical = 'MRL-PKL-001 critical';

/** Functions that deny lists missed, with an argument: one known dangerous call each. */
const missed: [string, string, string][] = [
  ['CVE-2025-1716', 'pip', 'main'],
  ['CVE-2025-10157', 'asyncio.unix_events', '_UnixSubprocessTransport._start'],
  ['CVE-2026-56315 uuid', 'uuid', '_get_command_stdout'],
  ['CVE-2026-56315 imaplib', 'imaplib', 'IMAP4_stream'],
  ['CVE-2026-56315 pyrepl', '_pyrepl.pager', 'pipe_pager'],
  ['CVE-2026-56315 osx', '_osx_support', '_read_output'],
  ['CVE-2026-56315 aix', '_aix_support', '_read_cmd_output'],
  ['CVE-2026-56304', 'logging', 'FileHandler'],
  ['GHSA-r7v6 pty', 'pty', 'spawn'],
  ['GHSA-565g marshal', 'marshal', 'loads'],
  ['GHSA-565g types', 'types', 'FunctionType'],
  ['GHSA-wfq2 runpy', 'runpy', '_run_code'],
  ['GHSA-q5qq runpy', 'runpy', 'run_path'],
  ['GHSA-p523 cProfile', 'cProfile', 'run'],
  ['ctypes for all', 'ctypes', 'CDLL'],
  ['numpy f2py', 'numpy.f2py.crackfortran', 'getlincoef'],
  ['torch loaders', 'torch', 'load'],
  ['torch dynamo', 'torch._dynamo.guards', 'GuardBuilder.get'],
  ['torch collect_env', 'torch.utils.collect_env', 'run'],
  ['torch bottleneck', 'torch.utils.bottleneck.__main__', 'run_cprofile'],
  ['indirect loading', 'transformers', 'AutoModel.from_pretrained'],
  ['code', 'code', 'InteractiveInterpreter.runcode'],
  ['idlelib', 'idlelib.pyshell', 'ModifiedInterpreter.runcode'],
  ['lib2to3', 'lib2to3.pgen2.grammar', 'Grammar.loads'],
  ['doctest', 'doctest', 'debug_script'],
  ['ensurepip', 'ensurepip', '_run_pip'],
  ['pydoc', 'pydoc', 'pipepager'],
  ['timeit', 'timeit', 'timeit'],
  ['operator', 'operator', 'methodcaller'],
  ['Python 2 names', '__builtin__', 'execfile'],
  ['private twins', 'posix', 'system'],
  ['Windows twins', 'nt', 'system'],
];

describe('functions that deny lists missed', () => {
  it.each(missed)('%s', async (_, module, name) => {
    const dotted = name.includes('.');
    const make = dotted
      ? bytes(text(module), text(name), '\x93', text('echo inert'), '\x85R')
      : callWithText(module, name, 'echo inert');
    const report = await scan(bytes('\x80\x04', make, '.'));
    expect(report.verdict).toBe('flagged');
    expect(rulesOf(report)[0]).toMatch(/^MRL-PKL-00[12] (critical|high)$/);
  });

  it('are not needed: any function that is not on the allow list is flagged', async () => {
    const report = await scan(
      bytes('\x80\x02', callWithText('some_new_module', 'helper', 'x'), '.'),
    );
    expect(rulesOf(report)).toEqual(['MRL-PKL-002 high']);
  });
});

describe('names', () => {
  const stackGlobal = (module: string, name: string) =>
    bytes('\x80\x04', text(module), text(name), '\x93)R.');
  it.each([
    ['ShadowPickle: a module behind an allowed one', 'collections', '_sys.modules.get'],
    ['ShadowPickle: a class behind an allowed one', 'collections', 'OrderedDict.__init__'],
    ['builtins introspection', 'builtins', 'object.__subclasses__'],
    ['a module as an attribute', 'sklearn.utils', 'os.system'],
    ['a dunder of a library class', 'sklearn.svm', 'SVC.__class__'],
  ])('%s', async (_, module, name) => {
    const report = await scan(stackGlobal(module, name));
    expect(report.verdict).toBe('flagged');
    expect(rulesOf(report)[0]).toMatch(/critical|high/);
  });

  it('STACK_GLOBAL type confusion keeps what ran before', async () => {
    const report = await scan(
      bytes('\x80\x04', callWithText('os', 'system', 'x'), 'K\x01K\x02\x93.'),
    );
    expect(rulesOf(report)).toEqual([critical, 'MRL-PKL-007 low']);
  });

  it('STACK_GLOBAL with a computed name', async () => {
    const encoded = bytes(global('_codecs', 'encode'), text('x'), '\x85R');
    const report = await scan(bytes('\x80\x04', text('os'), encoded, '\x93)R.'));
    expect(rulesOf(report)).toContain('MRL-PKL-012 high');
  });

  it('a missing memo entry hides nothing that stands before it', async () => {
    const report = await scan(bytes('\x80\x04', callWithText('os', 'system', 'x'), 'h\x63.'));
    expect(rulesOf(report)[0]).toBe(critical);
  });
});

describe('opcodes', () => {
  it('OBJ and POP leave no trace on the stack, but in the report', async () => {
    const report = await scan(bytes('\x80\x02(', global('os', 'system'), text('x'), 'o0N.'));
    expect(rulesOf(report)).toEqual([critical, 'MRL-PKL-016 medium']);
  });
  it('INST', async () => {
    const report = await scan(bytes("(S'x'\nios\nsystem\n."));
    expect(rulesOf(report)).toEqual([critical]);
  });
  it('BUILD that overwrites an imported name', async () => {
    const state = bytes('}', text('path'), text('x'), 's');
    const report = await scan(bytes('\x80\x02', global('collections', 'OrderedDict'), state, 'b.'));
    expect(rulesOf(report)).toEqual(['MRL-PKL-005 critical']);
  });
  it('BUILD that plants __setstate__ for the next BUILD', async () => {
    const object = bytes(global('argparse', 'Namespace'), ')R');
    const plant = bytes('}', text('__setstate__'), global('operator', 'add'), 'sb');
    const report = await scan(bytes('\x80\x02', object, plant, text('x'), 'b.'));
    expect(rulesOf(report)[0]).toBe('MRL-PKL-005 high');
  });
  it('SETITEM on sys.modules', async () => {
    const modules = bytes(text('sys'), text('modules'), '\x93');
    const report = await scan(bytes('\x80\x04', modules, text('os'), text('x'), 's.'));
    expect(rulesOf(report)).toContain('MRL-PKL-005 critical');
  });
  it('the extension registry', async () => {
    expect(rulesOf(await scan(bytes('\x80\x02\x82\x01)R.')))).toContain('MRL-PKL-008 high');
  });
  it('partial, map and defaultdict over a dangerous function', async () => {
    const list = bytes(text('x'), '\x85');
    for (const [module, name] of [
      ['builtins', 'map'],
      ['functools', 'partial'],
      ['collections', 'defaultdict'],
    ]) {
      const call = bytes(global(module ?? '', name ?? ''), global('os', 'system'), list, '\x86R.');
      const report = await scan(bytes('\x80\x02', call));
      expect(rulesOf(report)[0], name).toMatch(/MRL-PKL-00[13] (critical|high)/);
    }
  });
  it('a reconstructor over a dangerous base', async () => {
    const args = bytes(
      '(',
      global('builtins', 'dict'),
      global('subprocess', 'Popen'),
      text('x'),
      't',
    );
    const report = await scan(bytes('\x80\x02', global('copyreg', '_reconstructor'), args, 'R.'));
    expect(rulesOf(report)[0]).toBe(critical);
  });
  it('a call of what getattr gives', async () => {
    const target = bytes(global('numpy', 'ndarray'), text('tofile'), '\x86');
    const call = bytes(global('builtins', 'getattr'), target, 'R', text('x'), '\x85R.');
    expect(rulesOf(await scan(bytes('\x80\x02', call)))).toContain('MRL-PKL-002 high');
  });
  it("NumPy's import by name", async () => {
    const args = bytes(text('os'), text('system'), '\x86');
    const call = bytes(global('numpy.core', '_ufunc_reconstruct'), args, 'R.');
    expect(rulesOf(await scan(bytes('\x80\x02', call)))[0]).toBe('MRL-PKL-003 high');
  });
});

describe('streams', () => {
  it('nullifAI: a stream that breaks after the payload', async () => {
    const report = await scan(bytes(evil.slice(0, -1), '\xff\xff'));
    expect(report.verdict).toBe('flagged');
    expect(rulesOf(report)).toEqual([critical, 'MRL-PKL-007 low']);
  });
  it('a second stream behind a harmless one', async () => {
    expect(rulesOf(await scan(concat([harmless, evil])))).toEqual([critical]);
  });
  it('a second stream behind bytes that are none', async () => {
    const report = await scan(concat([harmless, raw('\0\0\0'), evil]));
    expect(rulesOf(report)).toContain('MRL-PKL-015 low');
    expect(report.verdict).not.toBe('clean');
  });
  it("PyTorch's magic number computed by a call", async () => {
    const magic = bytes(
      '\x80\x02',
      callWithText('builtins', 'eval', '119547037146038801333356'),
      '.',
    );
    const report = await scan(concat([magic, harmless, harmless]), { path: 'model.pt' });
    expect(rulesOf(report)).toContain(critical);
  });
  it('a frame whose border an instruction crosses', async () => {
    const body = bytes(text('0123456789'), '0N.');
    const report = await scan(bytes('\x80\x04\x95', little(5, 8), body));
    expect(rulesOf(report)).toContain('MRL-PKL-006 medium');
  });
  it('a memo index that asks for gigabytes', async () => {
    const report = await scan(bytes('\x80\x02Nr\xff\xff\xff\x7f.'));
    expect(rulesOf(report)).toEqual(['MRL-PKL-013 high']);
  });
  it('a pickle inside a value, as bytes, hexadecimal or base64', async () => {
    const hexadecimal = text(Buffer.from(evil).toString('hex'));
    const base64 = text(Buffer.from(evil).toString('base64'));
    for (const hidden of [blob(evil), hexadecimal, base64]) {
      const report = await scan(bytes('\x80\x04}', text('weights'), hidden, 's.'));
      expect(rulesOf(report)).toEqual(['MRL-PKL-011 high']);
    }
  });
  it('a tensor that is loaded from bytes', async () => {
    const loader = bytes(
      '\x80\x02',
      global('torch.storage', '_load_from_bytes'),
      blob(evil),
      '\x85R.',
    );
    expect(rulesOf(await scan(loader))).toEqual([critical]);
    const safe = bytes(
      '\x80\x02',
      global('torch.storage', '_load_from_bytes'),
      blob(harmless),
      '\x85R.',
    );
    expect((await scan(safe)).verdict).toBe('clean');
  });
  it('raw bytes that joblib skips and a plain unpickler runs', async () => {
    const wrapper = bytes(global('joblib.numpy_pickle', 'NumpyArrayWrapper'), ')\x81');
    const dtype = bytes(global('numpy', 'dtype'), text('u1'), '\x85R');
    const payload = bytes(callWithText('os', 'system', 'x'), '.');
    const state = bytes(
      '}(',
      text('shape'),
      'K',
      payload.length,
      '\x85',
      text('dtype'),
      dtype,
      'ub',
    );
    const report = await scan(bytes('\x80\x04', wrapper, state, payload, '.'));
    expect(rulesOf(report)[0]).toBe(critical);
  });
});

describe('files', () => {
  it('CVE-2025-1889: a pickle by any other name', async () => {
    for (const path of ['config.p', 'weights.safetensors', 'README.md', 'model', 'x.json']) {
      expect(rulesOf(await scan(evil, { path }))[0], path).toBe(critical);
    }
  });
  it('CVE-2025-10155: a plain pickle named .bin or .pt', async () => {
    for (const path of ['a.bin', 'a.pt'])
      expect((await scan(evil, { path })).formats).toEqual(['pickle']);
  });
  it('a protocol 0 pickle, which is text', async () => {
    const report = await scan(bytes(global('os', 'system'), "(S'x'\ntR."), { path: 'notes.txt' });
    expect(rulesOf(report)).toEqual([critical, 'MRL-FIL-001 medium']);
  });
  it('a text that happens to parse as opcodes is none', async () => {
    for (const css of ['c {\n color: red;\n}\n.a { b: c }\n', 'I am a text.\n', 'N.B. this\n']) {
      expect((await scan(utf8(css), { path: 'a.css' })).formats).toEqual(['text']);
    }
  });
  it('a pickle and an archive in one', async () => {
    const polyglot = concat([evil, zip([{ name: 'a.txt', content: utf8('a') }])]);
    const rules = rulesOf(await scan(polyglot));
    expect(rules).toContain(critical);
    expect(rules).toContain('MRL-FIL-002 medium');
  });
});
