/** Rules about models: what their graphs and layers ask for. */
import { code, type Rule, refuse, rule, unsafeArtifact } from './rule.ts';

/** Rules about models: what their graphs and layers ask for. */
export const modelRules = {
  'MRL-ONX-001': rule(
    'high',
    'weights are read from outside the model folder',
    'do not load it; ask for a model whose external data lies beside it',
    ['CWE-22', 'CWE-73'],
    ['AML.T0010'],
  ),
  'MRL-ONX-002': rule(
    'note',
    'weights stand in another file',
    'keep and sign that file together with the model',
  ),
  'MRL-ONX-003': rule(
    'medium',
    'the model needs operators of a custom library',
    'load it only with a custom operator library that you trust',
    ['CWE-829'],
    unsafeArtifact,
  ),
  'MRL-ONX-004': rule(
    'medium',
    'the model hands a compiled blob to an accelerator, which nobody can audit',
    'ask for the model from before it was compiled',
    ['CWE-829'],
  ),
  'MRL-ONX-005': rule('medium', 'the model is not well-formed', refuse, ['CWE-1286']),
  'MRL-ONX-006': rule('high', 'a small model asks for time or memory without bound', refuse, [
    'CWE-400',
    'CWE-674',
    'CWE-789',
  ]),
  'MRL-SFT-001': rule('medium', 'the header is not well-formed', refuse, ['CWE-1286']),
  'MRL-SFT-002': rule('medium', 'tensors overlap, leave gaps or lie outside the file', refuse, [
    'CWE-125',
    'CWE-1286',
  ]),
  'MRL-SFT-003': rule('medium', 'bytes that belong to no tensor', 'ask its author what they are', [
    'CWE-506',
  ]),
  'MRL-SFT-004': rule(
    'medium',
    'the metadata holds code, a command or a link',
    'ask its author what it is for; never pass metadata to a program',
    ['CWE-94'],
  ),
  'MRL-SFT-005': rule(
    'high',
    'a tensor is a pickle that is not harmless',
    'do not unpickle what comes out of it',
    code,
    unsafeArtifact,
  ),
  'MRL-TFS-001': rule(
    'high',
    'the graph calls Python or touches files',
    refuse,
    ['CWE-94', 'CWE-73'],
    unsafeArtifact,
  ),
  'MRL-GGF-001': rule('medium', 'the model is not well-formed', refuse, ['CWE-1286', 'CWE-125']),
  'MRL-KER-001': rule(
    'critical',
    'the model names a function that is not of Keras and runs code',
    'do not load it, not even with safe_mode=True',
    code,
    unsafeArtifact,
  ),
  'MRL-KER-002': rule(
    'high',
    'the model names a function of Keras that fetches, loads or unlocks',
    'do not load it, not even with safe_mode=True',
    code,
    unsafeArtifact,
  ),
  'MRL-KER-003': rule(
    'medium',
    'the model needs a class of its own package',
    'load it only with the package that you know it to come from',
    ['CWE-829'],
    unsafeArtifact,
  ),
  'MRL-KER-004': rule(
    'high',
    'a layer reads a file that the model names',
    'load it only after the file is inlined; ask for a model that brings its vocabulary along',
    ['CWE-73', 'CWE-918'],
    ['AML.T0010'],
  ),
  'MRL-HDF-001': rule(
    'high',
    'the file points at data outside of itself',
    'do not load it; ask for a file that holds all its data',
    ['CWE-73', 'CWE-59'],
    ['AML.T0010'],
  ),
  'MRL-HDF-002': rule('medium', 'the file is not well-formed', refuse, ['CWE-1286', 'CWE-125']),
  'MRL-HDF-003': rule(
    'medium',
    'the file says of its data that they are serialized objects',
    'do not unpickle them; ask for plain arrays',
    ['CWE-502'],
    unsafeArtifact,
  ),
  'MRL-TFL-001': rule('medium', 'the model is not well-formed', refuse, ['CWE-1286', 'CWE-125']),
  'MRL-CUS-001': rule(
    'medium',
    'the model needs operators or layers that the loading program must bring',
    'load it only with an operator library that you trust',
    ['CWE-829'],
    unsafeArtifact,
  ),
  'MRL-CUS-002': rule(
    'high',
    'the model names a native library to load',
    'do not load it',
    ['CWE-114', 'CWE-829'],
    unsafeArtifact,
  ),
} as const satisfies Record<string, Rule>;
