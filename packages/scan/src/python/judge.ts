/**
 * Judges what Python source does: what comes with a model and is run with it. Reading files beside
 * the model, building arrays and calling frameworks is its work; starting programs, running texts,
 * calling home is not.
 */

import type { RuleId } from '../rules.ts';
import { commandKind, isPrivatePath } from '../text/command.ts';
import { addressKind } from '../text/embedded.ts';
import { pattern } from '../text/pattern.ts';
import { moduleLevel } from './functions.ts';
import { type Group, groupOf } from './groups.ts';
import { isFalse, trustFault } from './trust.ts';
import type { Use } from './use.ts';
import { type Taint, taintsOf, textsOf, type Value } from './value.ts';

/** What is to be told of a use. */
export interface CodeJudgement {
  readonly rule: RuleId;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  readonly why: string;
}

const local = /^(\w+:\/\/)?(localhost|127\.0\.0\.1|::1)\b/;
/** Functions by which a server is asked. */
const serves = /(^|\.)(__call__|handle|predict|inference|invocations|do_GET|do_POST)$/;
/** Names of these modules that start nothing. */
const watches = /\.(PIPE|DEVNULL|STDOUT|CalledProcessError|TimeoutExpired|list2cmdline)$/;

/** The judgement of a use; null when it is ordinary. */
export function judgeUse(use: Use, depth: number): CodeJudgement | null {
  const fault = trustFault(use);
  if (fault !== null) return fault;
  const group = groupOf(use.path);
  if (use.path === 'builtins.open') return judgeOpen(use);
  if (/^builtins\.(__import__)$|^importlib\.(import_module|__import__)$/.test(use.path)) {
    return judgeImport(use);
  }
  if (group === null) return judgePaths(use);
  if (group === 'process' && isResultOfProcess(use.path)) return null;
  if (use.kind === 'handed') return judgeHanded(group, use);
  if (use.hidden && (group === 'process' || group === 'dynamic')) {
    return told('MRL-PYC-001', 'high', 'calls by a name that it hides');
  }
  switch (group) {
    case 'process':
      return judgeProcess(use);
    case 'dynamic':
      return judgeDynamic(use, depth);
    case 'native':
      return judgeNative(use);
    case 'load':
      return judgeLoad(use);
    case 'network':
      return judgeNetwork(use);
    case 'server':
      return told('MRL-PYC-004', 'medium', 'opens a port');
    default:
      return judgeWrite(use);
  }
}

/** A method of what a program gave back; its start is told by its own call. */
function isResultOfProcess(path: string): boolean {
  const [made = '', ...rest] = path.split('().');
  return rest.length > 0 && groupOf(made) === 'process';
}

function told(rule: RuleId, severity: CodeJudgement['severity'], why: string): CodeJudgement {
  return { rule, severity, why };
}

function everything(use: Use): Value[] {
  return [...use.args, ...use.keywords.values()];
}

function hasTaint(use: Use, ...taints: Taint[]): boolean {
  const all = taintsOf(everything(use));
  return taints.some((taint) => all.has(taint));
}

function judgeHanded(group: Group, use: Use): CodeJudgement | null {
  if (group === 'process' && !watches.test(use.path)) {
    return told('MRL-PYC-002', 'high', 'hands on a function that starts programs');
  }
  const runs = /^builtins\.(exec|eval|execfile)$|^runpy\./.test(use.path);
  if (group === 'dynamic' && runs) {
    return told('MRL-PYC-001', 'high', 'hands on a function that runs a text');
  }
  return null;
}

function judgeProcess(use: Use): CodeJudgement {
  if (hasTaint(use, 'decoded', 'network')) {
    return told('MRL-PYC-002', 'critical', 'runs a hidden or downloaded command');
  }
  const texts = use.args.slice(0, 1).flatMap(textsOf);
  const command = [...texts, use.args[0]?.kind === 'unknown' ? use.args[0].text : '']
    .join(' ')
    .trim();
  if (command === '') {
    const shell = /^os\.(system|popen)|\.create_subprocess_shell$|^pty\./.test(use.path);
    if (watches.test(use.path)) return told('MRL-PYC-002', 'low', 'watches a program');
    return told('MRL-PYC-002', shell || use.atImport ? 'high' : 'medium', 'starts a program');
  }
  const kind = commandKind(command);
  if (kind === 'attack') return told('MRL-PYC-002', 'critical', 'runs a command that attacks use');
  if (kind === 'build') return told('MRL-PYC-002', 'low', 'runs a tool');
  const installs = /^(\S*\s)?-m pip install|^\S*pip3? install/.test(command);
  const elsewhere = /--(extra-)?index-url|--trusted-host|git\+http:/.test(command);
  const unnamed = /^-/.test(command);
  const grave = elsewhere || !(installs || unnamed);
  return told('MRL-PYC-002', grave ? 'high' : 'medium', 'starts a program');
}

function judgeDynamic(use: Use, depth: number): CodeJudgement | null {
  if (hasTaint(use, 'decoded', 'network')) {
    return told('MRL-PYC-001', 'critical', 'runs what was hidden or downloaded');
  }
  const [first] = use.args;
  const literal = first?.kind === 'text' && !hasTaint(use, 'decoded');
  if (literal && /^builtins\.(exec|eval|compile)$/.test(use.path)) {
    return depth > 0 ? told('MRL-PYC-001', 'medium', 'runs a text within a text') : null;
  }
  if (hasTaint(use, 'file')) return told('MRL-PYC-001', 'low', 'runs the text of a file');
  switch (use.path) {
    case 'builtins.exec':
    case 'builtins.execfile':
      return told('MRL-PYC-001', 'high', 'runs a computed text');
    case 'builtins.eval':
      if (hasTaint(use, 'outside')) return told('MRL-PYC-001', 'high', 'runs what it is given');
      return told('MRL-PYC-001', use.atImport ? 'high' : 'medium', 'runs a computed text');
    case 'builtins.compile':
      return told('MRL-PYC-001', 'low', 'compiles a text');
    default:
      return judgeLoader(use);
  }
}

/** Loaders of modules by their file: harmless beside the model, not from elsewhere. */
function judgeLoader(use: Use): CodeJudgement {
  const isLoader = /^importlib|^imp\./.test(use.path);
  const elsewhere = use.args.flatMap(textsOf).some((text) => /^(\/|~|[A-Za-z]:)/.test(text));
  return told('MRL-PYC-001', isLoader && !elsewhere ? 'medium' : 'high', 'runs code');
}

function judgeImport(use: Use): CodeJudgement | null {
  if (use.args[0]?.kind === 'text') return null;
  if (hasTaint(use, 'decoded', 'network')) {
    return told('MRL-PYC-001', 'critical', 'imports what was hidden or downloaded');
  }
  return use.path === 'builtins.__import__'
    ? told('MRL-PYC-001', 'medium', 'imports a computed name')
    : null;
}

function judgeNative(use: Use): CodeJudgement | null {
  const types = pattern('judge.types');
  const loads = pattern('judge.loads');
  if (!loads.test(use.path) || types.test(use.path)) return null;
  return told('MRL-PYC-003', use.atImport ? 'high' : 'medium', 'calls native code');
}

function judgeLoad(use: Use): CodeJudgement | null {
  if (hasTaint(use, 'network')) {
    return told('MRL-PYC-001', 'critical', 'loads objects that were downloaded');
  }
  if (hasTaint(use, 'decoded')) {
    // What was written down encoded is hidden; what is read from elsewhere is only packed.
    const written = use.args[0]?.kind === 'text';
    return told('MRL-PYC-001', written ? 'critical' : 'medium', 'loads encoded objects');
  }
  const literal = use.args[0]?.kind === 'text' && /ickle|dill/.test(use.path);
  if (literal && use.path.endsWith('loads')) {
    return told('MRL-PYC-001', 'high', 'loads objects that stand in the code');
  }
  if (use.path.startsWith('marshal.')) return told('MRL-PYC-001', 'high', 'loads compiled code');
  if (/\.(safe_load|SafeLoader)$/.test(use.path)) return null;
  const open = isFalse(use, 'weights_only');
  const weightsOnly = use.keywords.has('weights_only') && !open;
  // Whoever names the file decides what runs.
  const named = hasTaint(use, 'argument', 'outside');
  if (named && (open || !/^(numpy|torch|yaml)\./.test(use.path))) {
    return told('MRL-PYC-006', 'medium', 'loads objects from a file that its caller names');
  }
  const safe = use.path === 'numpy.load' || (use.path === 'torch.load' && weightsOnly);
  const loader =
    use.path === 'yaml.load' &&
    [...use.args, ...use.keywords.values()].some((value) => /Safe/.test(value.path));
  return safe || loader ? null : told('MRL-PYC-006', 'low', 'loads pickled objects');
}

function judgeNetwork(use: Use): CodeJudgement {
  const sends = /\.(post|put|patch|request|sendto|SMTP\w*|FTP)$/.test(use.path);
  if (hasTaint(use, 'private', 'file') && (sends || hasTaint(use, 'private'))) {
    return told('MRL-PYC-004', 'critical', 'sends private data away');
  }
  const [first] = use.args;
  const to = [...use.args, ...use.keywords.values()].flatMap(textsOf).join(' ');
  const strange = [...use.args, ...use.keywords.values()].flatMap(textsOf).some((each) => {
    const kind = addressKind(/^[a-z+]+:\/\//i.test(each) ? each : `tcp://${each}`);
    return kind !== null && kind !== 'plain';
  });
  if (strange) return told('MRL-PYC-004', 'high', 'talks to a strange address');
  if (local.test(to)) return told('MRL-PYC-004', 'low', 'talks to itself');
  // A forward pass has no reason to talk to anybody.
  const said = everything(use)
    .map(({ text }) => text)
    .join(' ')
    .trim();
  if (/(^|\.)forward$/.test(use.within) && said !== '' && !local.test(said)) {
    return told('MRL-PYC-004', 'high', 'talks to the network whenever the model is used');
  }
  // What a model is given to read is nobody else's business.
  if (
    sends &&
    /(^|\.)(forward|generate|call|_?tokenize|encode|decode|embed)$/.test(use.within) &&
    !local.test(to)
  ) {
    return told('MRL-PYC-004', 'high', 'sends away what the model is given');
  }
  if (use.atImport && (use.within === moduleLevel || sends))
    return told('MRL-PYC-004', 'high', 'talks to the network as soon as it is imported');
  if (/^socket\./.test(use.path)) {
    return told(
      'MRL-PYC-004',
      first?.kind === 'list' && to !== '' ? 'high' : 'medium',
      'opens a connection',
    );
  }
  if (/^(ftplib|smtplib|telnetlib|paramiko|dns)\./.test(use.path)) {
    return told('MRL-PYC-004', 'medium', 'talks to the network');
  }
  const known = pattern('judge.known');
  const ordinary = to === '' || known.test(to);
  return told('MRL-PYC-004', ordinary && !sends ? 'low' : 'medium', 'talks to the network');
}

function judgeOpen(use: Use): CodeJudgement | null {
  if (use.kind === 'handed') return null;
  const [file, mode] = use.args;
  const name = file?.kind === 'text' ? file.text : '';
  const writes = /[wax+]/.test(mode?.text ?? use.keywords.get('mode')?.text ?? '');
  if (isPrivatePath(name)) {
    return told('MRL-PYC-005', 'high', writes ? 'writes a private file' : 'reads a private file');
  }
  if (hasTaint(use, 'outside') && serves.test(use.within)) {
    return told('MRL-PYC-005', 'medium', 'opens a file that a request names');
  }
  return writes && /^(\/|~|[A-Za-z]:)/.test(name)
    ? told('MRL-PYC-005', use.atImport ? 'high' : 'medium', 'writes outside its folder')
    : null;
}

function judgeWrite(use: Use): CodeJudgement | null {
  const names = use.args.flatMap(textsOf);
  const grave = names.some((name) => isPrivatePath(name) || /^(\/|~|[A-Za-z]:)/.test(name));
  if (/^(ops\.aten|torch\.from_file)/.test(use.path)) {
    return told('MRL-PYC-005', 'high', 'reads or writes files from a graph');
  }
  if (grave) return told('MRL-PYC-005', 'high', 'changes files outside its folder');
  return /rmtree|kill|setuid|mkfifo/.test(use.path)
    ? told('MRL-PYC-005', use.atImport ? 'medium' : 'low', 'removes files or stops programs')
    : null;
}

/** Any other function that is given a private file. */
function judgePaths(use: Use): CodeJudgement | null {
  if (use.kind === 'handed') return null;
  const opens = /(open|read|write|load|save|copy|Path|expanduser|join|exists|listdir|glob)/i;
  const found = use.args.flatMap(textsOf).find(isPrivatePath);
  return found !== undefined &&
    opens.test(use.path) &&
    !/^\/(proc|etc)\/(cpuinfo|os-release|meminfo)/.test(found)
    ? told('MRL-PYC-005', 'high', 'reaches for a private file')
    : null;
}
