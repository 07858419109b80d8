/** JSON, YAML, tables, documents and the templates in them. */
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { templateFaults } from '../../src/text/chat/template.ts';
import { parseJson } from '../../src/text/json.ts';
import { rulesOf, scan } from '../support.ts';

const read = (text: string, path: string) => scan(utf8(text), { path });

describe('templates', () => {
  it.each([
    "{{ ''.__class__ }}",
    "{{ x['__cla' ~ 'ss__'] }}",
    "{{ x['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ x|attr('__globals__') }}",
    "{{ ['__', 'init', '__']|join }}",
    '{{ cycler.a }}',
    "{{ lipsum.__globals__['os'].popen('id') }}",
    '{{ request.application }}',
    '{{ self._TemplateReference__context.eval_ctx.environment }}',
    "{{ ''|attr('%c%cclass%c%c'|format(95, 95, 95, 95)) }}",
    '{% set a = x.__mro__ %}',
    "{{ open('/etc/passwd').read() }}",
    '{{ self._TemplateReference__context.cycler.__init__ }}',
    '{% for c in ().__class__.__base__.__subclasses__() %}{% endfor %}',
  ])('%s is grave', (text) => {
    expect(templateFaults(text)[0]).toMatchObject({ grave: true });
  });
  it.each([
    "{{ x|attr('name') }}",
    "{% include 'other' %}",
    '{% for i in range(999999999) %}{% endfor %}',
    '{% for i in range(10**10) %}{% endfor %}',
    "{{ 'A' * 10**11 }}",
    "{{ '%c%c'|format(111, 115) }}",
  ])('%s is odd', (text) => {
    expect(templateFaults(text)[0]).toMatchObject({ grave: false });
  });
  it.each([
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m.content}}{% endfor %}",
    "{% if not loop.first and ns is defined %}{{ raise_exception('no') }}{% endif %}",
    '{%- set n = namespace(found=false) -%}{% for t in tools %}{{ t | tojson }}{% endfor %}',
    "{{ bos_token }}{{ strftime_now('%d %b %Y') }}{{ text.split('</think>')[-1].strip('\\n') }}",
    'Call os.system or eval(x) only as a last resort; __init__ is a method.',
    "{{ 'never use __import__ or eval' }}",
    '{{ system_message if settings.verbose else bos_token }}',
    '{% macro open_tag(name) %}<{{ name }}>{% endmacro %}',
  ])('%s is harmless', (text) => {
    expect(templateFaults(text)).toEqual([]);
  });
});

describe('JSON', () => {
  it('is parsed as JSON.parse does', () => {
    const texts = [
      'null',
      '[1,-2.5e3,true]',
      '{"a":{"b":"\\u00e9\\n"}}',
      ' [ ] ',
      '"\ud83d\ude00"',
      '0',
    ];
    for (const text of texts) expect(parseJson(text)?.value).toEqual(JSON.parse(text));
    for (const text of ['', '{', '01', '[1,]', '{"a"}', 'nul', '"\n"', "{'a':1}", '1 2']) {
      expect(parseJson(text), text).toBeNull();
    }
    expect(parseJson('['.repeat(1000))).toBeNull();
    expect(parseJson('{"a":{"b":1,"b":2}}')?.duplicates).toEqual(['/a/b']);
    expect(parseJson('{"__proto__":{"x":1}}')?.value).not.toHaveProperty('x');
    expect(parseJson('[NaN,-Infinity]')?.value).toEqual([null, null]);
  });

  it('of a configuration is clean', async () => {
    const report = await read('{"model_type":"bert","layers":12}', 'config.json');
    expect(report).toMatchObject({ formats: ['json'], verdict: 'clean', findings: [] });
  });

  it.each([
    ['{"auto_map":{"AutoModel":"modeling_x.X"}}', 'MRL-JSN-002 medium'],
    ['{"trust_remote_code":true}', 'MRL-JSN-002 medium'],
    ['{"a":1,"a":2}', 'MRL-JSN-001 medium'],
    ['{"config":{"layers":[{"class_name":"Lambda"}]}}', 'MRL-JSN-003 high'],
    ['{"module":"builtins","class_name":"function","config":"eval"}', 'MRL-KER-001 critical'],
    ['{"_target_":"os.system","_args_":["x"]}', 'MRL-CFG-001 critical'],
    ['{"chat_template":"{{ x.__class__ }}"}', 'MRL-TPL-001 critical'],
    [
      '{"chat_template":[{"name":"default","template":"{{ x.__class__ }}"}]}',
      'MRL-TPL-001 critical',
    ],
  ])('%s is flagged', async (text, expected) => {
    expect(rulesOf(await read(text, 'config.json'))).toEqual([expected]);
  });

  it('that breaks is not clean', async () => {
    expect((await read('{"a": ', 'config.json')).verdict).toBe('not-understood');
  });
});

describe('other texts', () => {
  it('documents and tables are clean', async () => {
    expect(await read('# A model\n\nUse it.\n', 'README.md')).toMatchObject({
      formats: ['text'],
      verdict: 'clean',
    });
    expect(await read('a,b\n1,2\n', 'd.csv')).toMatchObject({ formats: ['csv'], verdict: 'clean' });
    expect(await read('naïve café\n', 'notes')).toMatchObject({ verdict: 'clean' });
  });
  it('programs of other languages than Python are not understood, and say so', async () => {
    expect(await read('import os\n', 'modeling.py')).toMatchObject({
      formats: ['python'],
      verdict: 'clean',
    });
    expect((await read('#!/bin/sh\nls\n', 'run')).verdict).toBe('not-understood');
  });
  it('YAML that builds objects is flagged', async () => {
    for (const tag of [
      '!!python/object/apply:os.system',
      '!<tag:yaml.org,2002:python/name:os.system>',
    ]) {
      expect(rulesOf(await read(`a: ${tag} ["x"]\n`, 'conf.yaml'))).toEqual([
        'MRL-YML-001 critical',
      ]);
    }
    expect((await read('a: 1\n', 'conf.yaml')).verdict).toBe('clean');
  });
  it('texts that go on as something else are not clean', async () => {
    const content = new Uint8Array(10_000).fill(97);
    content[9000] = 0;
    expect((await scan(content, { path: 'a.txt' })).verdict).toBe('not-understood');
  });
});

describe('long texts', () => {
  const limits = { textBytesMax: 1000 };
  it('are read piece by piece', async () => {
    const long = utf8(`${'ä,1\n'.repeat(600_000)}`);
    expect(await scan(long, { path: 'a.csv', limits })).toMatchObject({ verdict: 'clean' });
    const hidden = utf8(`${'ä,1\n'.repeat(600_000)}{{ x.__class__ }}`);
    expect(rulesOf(await scan(hidden, { path: 'a.txt', limits }))).toEqual([
      'MRL-TPL-001 critical',
    ]);
    const broken = long.slice();
    broken[2_000_000] = 0;
    expect((await scan(broken, { path: 'a.csv', limits })).verdict).toBe('not-understood');
  });
  it('that are JSON are incomplete', async () => {
    const long = utf8(`{"a":"${'x'.repeat(2000)}"}`);
    expect((await scan(long, { path: 'a.json', limits })).verdict).toBe('incomplete');
  });
});
