/** Attributes of HDF5: configurations, and objects that a reader unpickles. */
import { memorySource } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { type Place, startAudit } from '../../src/audit.ts';
import { attributeText } from '../../src/hdf5/attribute.ts';
import { Block, Hdf5File } from '../../src/hdf5/file.ts';
import { scanLimitsDefault } from '../../src/limits.ts';
import { policyOf } from '../../src/policy/classify.ts';
import { bytes, callWithText, global, little, raw } from '../support.ts';

const sizes = { offset: 8, length: 8 };

/** Findings of an attribute of version 3 that holds one text, or opaque bytes. */
async function rulesFor(name: string, value: Uint8Array, kind: 'text' | 'opaque' = 'text') {
  const label = bytes(name, 0);
  const type = bytes(kind === 'text' ? 0x13 : 0x15, 0, 0, 0, little(value.length, 4));
  const space = bytes(2, 0, 0, 0);
  const lengths = [label, type, space].map((part) => little(part.length, 2));
  const content = bytes(3, 0, ...lengths, 0, label, type, space, value);
  const audit = startAudit('a.h5', policyOf('ml'), scanLimitsDefault);
  const source = memorySource(content);
  const descend = async (): Promise<void> => undefined;
  const place: Place = { audit, source, member: '', origin: 0, depth: 0, descend };
  await attributeText(place, new Hdf5File(source, sizes, 0), new Block(content, sizes), '/g');
  return audit.findings.map(({ rule, severity }) => `${rule} ${severity}`);
}

describe('attributes', () => {
  const evil = bytes(callWithText('os', 'system', 'echo inert'), '.');
  it('that are pickles are read as such', async () => {
    expect(await rulesFor('info', evil)).toEqual(['MRL-PKL-001 critical']);
    expect(await rulesFor('info', bytes('\x80\x02', evil), 'opaque')).toEqual([
      'MRL-PKL-001 critical',
    ]);
    expect(await rulesFor('info', raw('(dp0\nI1\nI2\ns.'))).toEqual([]);
    // What PyTables itself keeps at every group.
    const made = bytes('ccopy_reg\n_reconstructor\n(', global('tables.filters', 'Filters'));
    const filters = bytes(made, 'c__builtin__\nobject\nNtR(dp1\nb.');
    expect(await rulesFor('FILTERS', filters)).toEqual([]);
  });
  it('that are YAML with tags of Python are told', async () => {
    const tagged = raw("!!python/object/apply:os.system ['echo inert']");
    expect(await rulesFor('model_config', tagged)).toEqual(['MRL-YML-001 critical']);
    expect(await rulesFor('model_config', raw('class_name: Sequential'))).toEqual([]);
  });
  it('that say that data are pickled are told', async () => {
    expect(await rulesFor('encoding', raw('pickle'))).toEqual(['MRL-HDF-003 medium']);
    expect(await rulesFor('encoding', raw('utf-8'))).toEqual([]);
    expect(await rulesFor('title', raw('pickled vegetables'))).toEqual([]);
  });
});
