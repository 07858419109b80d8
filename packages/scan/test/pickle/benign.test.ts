/** What ordinary models hold is not flagged, by either profile where it is only weights. */
import { describe, expect, it } from 'vitest';
import { blob, bytes, global, rulesOf, scan, text, zip } from '../support.ts';

const proto = '\x80\x02';
const storage = bytes(
  '(',
  text('storage'),
  global('torch', 'FloatStorage'),
  text('0'),
  text('cpu'),
  'K\x04tQ',
);
const tensor = bytes(
  global('torch._utils', '_rebuild_tensor_v2'),
  '(',
  storage,
  'K\x00K\x04\x85K\x01\x85\x89',
  global('collections', 'OrderedDict'),
  ')RtR',
);
const stateDict = bytes(global('collections', 'OrderedDict'), ')R', text('weight'), tensor, 's.');

const rows: [string, Uint8Array, boolean][] = [
  ['plain data', bytes(proto, '}', text('a'), ']K\x01aN\x86s.'), true],
  ['an ordered dictionary', bytes(proto, global('collections', 'OrderedDict'), ')R.'), true],
  [
    'bytes of Python 3 in protocol 2',
    bytes(proto, global('_codecs', 'encode'), text('a'), text('latin1'), '\x86R.'),
    true,
  ],
  [
    'a NumPy array',
    bytes(
      proto,
      global('numpy.core.multiarray', '_reconstruct'),
      global('numpy', 'ndarray'),
      'K\x00\x85C\x01b\x87R(K\x01K\x02\x85',
      global('numpy', 'dtype'),
      text('f8'),
      '\x89\x88\x87R',
      '\x89',
      blob(new Uint8Array(16)),
      'tb.',
    ),
    true,
  ],
  [
    'a NumPy 2 array',
    bytes(
      proto,
      global('numpy._core.multiarray', '_reconstruct'),
      global('numpy', 'ndarray'),
      'K\x00\x85C\x01b\x87R.',
    ),
    true,
  ],
  [
    'a defaultdict of lists',
    bytes(proto, global('collections', 'defaultdict'), global('builtins', 'list'), '\x85R.'),
    true,
  ],
  [
    'arguments of a training run',
    bytes(proto, global('argparse', 'Namespace'), ')R}', text('lr'), 'K\x01sb.'),
    false,
  ],
  [
    'a bound method',
    bytes(
      proto,
      global('builtins', 'getattr'),
      global('sklearn.svm', 'SVC'),
      ')\x81',
      text('fit'),
      '\x86R.',
    ),
    false,
  ],
  [
    'a scikit-learn model',
    bytes(
      proto,
      global('sklearn.linear_model._logistic', 'LogisticRegression'),
      ')\x81}',
      text('C'),
      'K\x01sb.',
    ),
    false,
  ],
  [
    'a compiled class of it',
    bytes(proto, global('sklearn.tree._tree', 'Tree'), 'K\x01K\x02K\x03\x87R.'),
    false,
  ],
  ['a function that it keeps', bytes(proto, '}', text('f'), global('numpy', 'log1p'), 's.'), false],
  [
    'a PyTorch module',
    bytes(proto, global('torch.nn.modules.linear', 'Linear'), ')\x81}b.'),
    false,
  ],
  ['a date', bytes(proto, global('datetime', 'date'), 'C\x04abcd\x85R.'), false],
];

describe('ordinary pickles', () => {
  it.each(rows)('%s', async (_, stream, weightsOnly) => {
    const report = await scan(stream, { path: 'model.pkl' });
    expect(rulesOf(report)).toEqual([]);
    expect(report.verdict).toBe('clean');
    const strict = await scan(stream, { path: 'model.pkl', profile: 'strict' });
    expect(strict.verdict).toBe(weightsOnly ? 'clean' : 'flagged');
  });

  it('tell which library they restore', async () => {
    const stream = bytes(
      proto,
      ']',
      global('sklearn.svm', 'SVC'),
      ')\x81a',
      global('sklearn.svm', 'NuSVC'),
      ')\x81a.',
    );
    expect((await scan(stream)).findings).toMatchObject([
      {
        rule: 'MRL-PKL-010',
        severity: 'note',
        evidence: 'sklearn.svm.SVC and 1 more of sklearn',
      },
    ]);
  });

  it('of a class of their own are told as medium', async () => {
    const stream = bytes(proto, global('__main__', 'Net'), ')\x81}b.');
    expect(rulesOf(await scan(stream))).toEqual(['MRL-PKL-004 medium']);
  });
});

describe('PyTorch archives', () => {
  const members = [
    { name: 'model/data.pkl', content: bytes(proto, stateDict) },
    { name: 'model/byteorder', content: bytes('little') },
    { name: 'model/data/0', content: new Uint8Array(16).fill(200) },
    { name: 'model/version', content: bytes('3\n') },
  ];
  it('of weights are clean, and tell what was data', async () => {
    const report = await scan(zip(members), { path: 'model.pt', profile: 'strict' });
    expect(report).toMatchObject({ formats: ['torch-zip'], verdict: 'clean', findings: [] });
    expect(report.coverage).toMatchObject({ members: 4, dataBytes: 16 });
  });
  it('with storages outside an archive say so', async () => {
    const report = await scan(bytes(proto, stateDict));
    expect(rulesOf(report)).toEqual(['MRL-PKL-009 low']);
  });
});
