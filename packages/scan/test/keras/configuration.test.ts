/** Configurations of Keras as old versions wrote them: classes without their modules. */
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { rulesOf, scan } from '../support.ts';

const rulesFor = async (...layers: string[]) => {
  const made = layers.map((name) => ({ class_name: name, config: { name: 'a', trainable: true } }));
  const model = { class_name: 'Sequential', config: { name: 's', layers: made } };
  return rulesOf(await scan(utf8(JSON.stringify(model)), { path: 'model.json' }));
};

describe('layers without a module', () => {
  it('are known when Keras has them', async () => {
    const names = ['InputLayer', 'Dense', 'CuDNNLSTM', 'Bidirectional', 'TFOpLambda', 'Merge'];
    expect(await rulesFor(...names)).toEqual([]);
  });
  it('need code of their own when it does not', async () => {
    expect(await rulesFor('Dense', 'CapsuleRouting')).toEqual(['MRL-KER-003 medium']);
  });
});
