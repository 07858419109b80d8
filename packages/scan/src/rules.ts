/** The rules: every finding's stable id, severity, references and remedy, as one table. */
import type { Severity } from '@merlon/core';

/** What all findings of a rule share. */
export interface Rule {
  readonly title: string;
  readonly severity: Severity;
  readonly cwe: readonly string[];
  readonly atlas: readonly string[];
  readonly fix: string;
}

const unsafeArtifact = ['AML.T0011.000', 'AML.T0010'];
const weights = 'ask for safetensors or ONNX weights, or convert them with "merlon fix"';
const refuse = 'do not load it; ask its author for a file made anew';

function rule(
  severity: Severity,
  title: string,
  fix: string,
  cwe: readonly string[] = [],
  atlas: readonly string[] = [],
): Rule {
  return { title, severity, cwe, atlas, fix };
}

const code = ['CWE-502', 'CWE-94'];

/** All rules by id. */
export const rules = {
  'MRL-PKL-001': rule(
    'critical',
    'loading calls a dangerous function',
    'do not load it; treat the machine that did as compromised',
    code,
    unsafeArtifact,
  ),
  'MRL-PKL-002': rule(
    'high',
    'loading calls a function that is not on the allow list',
    weights,
    code,
    unsafeArtifact,
  ),
  'MRL-PKL-003': rule(
    'high',
    'the object holds a dangerous function',
    'do not load it; the function may be called when the model is used',
    code,
    unsafeArtifact,
  ),
  'MRL-PKL-004': rule(
    'medium',
    'loading imports a name that is not on the allow list',
    'check the package that it names, or ask for safetensors or ONNX weights',
    ['CWE-502'],
    unsafeArtifact,
  ),
  'MRL-PKL-005': rule(
    'high',
    'loading overwrites what Python or a library relies on',
    refuse,
    ['CWE-502', 'CWE-915'],
    unsafeArtifact,
  ),
  'MRL-PKL-006': rule(
    'medium',
    'Python and its C accelerator read this stream differently',
    refuse,
    ['CWE-436'],
    unsafeArtifact,
  ),
  'MRL-PKL-007': rule(
    'low',
    'the pickle stream is broken; what stands before the break would still run',
    'get the file again; if it stays broken, do not load it',
    ['CWE-502'],
  ),
  'MRL-PKL-008': rule(
    'high',
    'the stream uses the extension registry, whose meaning the file does not tell',
    refuse,
    ['CWE-502'],
    unsafeArtifact,
  ),
  'MRL-PKL-009': rule(
    'low',
    'the stream refers to objects outside the file',
    'load it only with the program that made it',
    ['CWE-502'],
  ),
  'MRL-PKL-010': rule(
    'note',
    'objects of a known library are restored',
    'load it with the version of the library that made it',
    ['CWE-502'],
  ),
  'MRL-PKL-011': rule(
    'high',
    'a value holds another pickle that is not harmless',
    refuse,
    ['CWE-502'],
    unsafeArtifact,
  ),
  'MRL-PKL-012': rule(
    'high',
    'the name of an import is computed while loading',
    refuse,
    ['CWE-502'],
    unsafeArtifact,
  ),
  'MRL-PKL-013': rule('medium', 'the stream asks for far more memory than it holds', refuse, [
    'CWE-400',
    'CWE-409',
  ]),
  'MRL-PKL-014': rule(
    'medium',
    'a harmless function gets an argument that it should not get',
    refuse,
    ['CWE-502'],
    unsafeArtifact,
  ),
  'MRL-PKL-015': rule('low', 'bytes follow the end of the stream', 'ask its author what they are', [
    'CWE-506',
  ]),
  'MRL-PKL-016': rule(
    'medium',
    'the stream has frames that no pickler writes',
    'ask its author how it was made; it was put together by hand',
    ['CWE-436'],
    unsafeArtifact,
  ),
  'MRL-ARC-001': rule(
    'high',
    'the directory of the archive and its members contradict each other',
    'refuse it: two programs would see two different archives',
    ['CWE-436', 'CWE-345'],
    ['AML.T0010'],
  ),
  'MRL-ARC-002': rule(
    'medium',
    'two members of the archive share a name',
    'refuse it: two programs would read two different members',
    ['CWE-436'],
  ),
  'MRL-ARC-003': rule('high', 'members of the archive overlap', refuse, ['CWE-409']),
  'MRL-ARC-004': rule(
    'high',
    'a member would be written outside the folder',
    'do not unpack it',
    ['CWE-22'],
    ['AML.T0010'],
  ),
  'MRL-ARC-005': rule(
    'medium',
    'the archive unpacks to far more than it holds',
    'do not unpack it',
    ['CWE-409'],
  ),
  'MRL-ARC-006': rule(
    'medium',
    'a member is encrypted and cannot be audited',
    'ask for the file without a password',
    ['CWE-506'],
  ),
  'MRL-ARC-007': rule(
    'medium',
    'bytes stand outside the members of the archive',
    'ask its author what they are',
    ['CWE-506'],
  ),
  'MRL-ARC-008': rule('high', 'a member is a link', 'do not unpack it', ['CWE-59']),
  'MRL-ARC-009': rule('low', 'a member does not match its checksum', 'get the file again', [
    'CWE-354',
  ]),
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
  'MRL-NPY-001': rule('medium', 'the array is not well-formed', refuse, ['CWE-1286']),
  'MRL-NPY-002': rule(
    'note',
    'the array holds Python objects, which are a pickle',
    'load it with allow_pickle=False, or ask for an array of numbers',
    ['CWE-502'],
  ),
  'MRL-JSN-001': rule('medium', 'a key stands twice in one object', refuse, ['CWE-436']),
  'MRL-JSN-002': rule(
    'medium',
    'the configuration asks for code that comes with the model',
    'load it with trust_remote_code=False',
    ['CWE-94', 'CWE-829'],
    unsafeArtifact,
  ),
  'MRL-JSN-003': rule(
    'high',
    'the model holds Python code in a layer',
    'load it with safe_mode=True, or ask for a model without Lambda layers',
    ['CWE-94', 'CWE-502'],
    unsafeArtifact,
  ),
  'MRL-TFS-001': rule(
    'high',
    'the graph calls Python or touches files',
    refuse,
    ['CWE-94', 'CWE-73'],
    unsafeArtifact,
  ),
  'MRL-YML-001': rule(
    'critical',
    'the document asks Python to build objects',
    'load it with a safe loader only, or do not load it',
    ['CWE-502'],
    unsafeArtifact,
  ),
  'MRL-GGF-001': rule('medium', 'the model is not well-formed', refuse, ['CWE-1286', 'CWE-125']),
  'MRL-TPL-001': rule(
    'critical',
    'the chat template reaches for Python objects',
    'do not use it; replace the template',
    ['CWE-1336', 'CWE-94'],
    unsafeArtifact,
  ),
  'MRL-TPL-002': rule(
    'medium',
    'the chat template does what templates do not need to do',
    'read the template before use; render it in a sandbox',
    ['CWE-1336'],
  ),
  'MRL-FIL-001': rule(
    'low',
    'the content is not what the name says',
    'rename it, or ask its author',
    ['CWE-646'],
  ),
  'MRL-FIL-002': rule('medium', 'the file is valid in several formats at once', refuse, [
    'CWE-436',
  ]),
  'MRL-FIL-003': rule(
    'high',
    'a program stands where a model is expected',
    'do not run it',
    ['CWE-506'],
    ['AML.T0011'],
  ),
  'MRL-FIL-004': rule('low', 'the file ends before its content does', 'get the file again'),
  'MRL-FIL-005': rule('medium', 'bytes follow the end of the content', refuse, ['CWE-506']),
} as const satisfies Record<string, Rule>;

/** Id of a rule. */
export type RuleId = keyof typeof rules;
