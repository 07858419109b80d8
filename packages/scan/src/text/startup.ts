/**
 * Files that run by lying where a program looks for them: containers that are built, start-up files
 * of Python and R, servers that open themselves to anybody.
 */
import { type Place, tell } from '../audit.ts';
import { scanPython } from '../python/scan.ts';
import { commandGrade } from './command.ts';
import { pattern } from './pattern.ts';

const toldMax = 20;
const lineMax = 4000;

/** A rule of a kind of file: lines that match are told. */
interface LineRule {
  readonly line: RegExp;
  readonly severity: 'medium' | 'high';
  readonly rule: 'MRL-CFG-004' | 'MRL-REQ-001' | 'MRL-PYC-002';
}

const base = (name: string): string =>
  name.slice(Math.max(...['/', '\\', '!'].map((sign) => name.lastIndexOf(sign))) + 1);
const containers: readonly LineRule[] = [
  { line: /^\s*ADD\s+(?!--checksum)(--\S+\s+)*https?:/i, severity: 'medium', rule: 'MRL-REQ-001' },
  { line: /^\s*FROM\s+http:/i, severity: 'medium', rule: 'MRL-REQ-001' },
];
const compositions: readonly LineRule[] = [
  { line: /^\s*privileged\s*:\s*true\b/, severity: 'medium', rule: 'MRL-CFG-004' },
  {
    line: /\/(var\/)?run\/(docker|containerd|podman)[\w/.-]*\.sock/,
    severity: 'medium',
    rule: 'MRL-CFG-004',
  },
  { line: /^\s*pid\s*:\s*["']?host\b/, severity: 'medium', rule: 'MRL-CFG-004' },
  { line: /^\s*-\s*["']?\/:\//, severity: 'medium', rule: 'MRL-CFG-004' },
];
const servers: readonly LineRule[] = [
  {
    line: /^\s*management_address\s*=\s*https?:\/\/(0\.0\.0\.0|\[?::\]?)/,
    severity: 'medium',
    rule: 'MRL-CFG-004',
  },
  { line: /^\s*allowed_urls\s*=\s*(\.\*|\S*\*)\s*$/, severity: 'medium', rule: 'MRL-CFG-004' },
];
const starts: readonly LineRule[] = [
  { line: pattern('startup.profile'), severity: 'high', rule: 'MRL-PYC-002' },
];
const byName: readonly (readonly [RegExp, readonly LineRule[]])[] = [
  [/^(Dockerfile|Containerfile|Modelfile)([.-].*)?$|\.dockerfile$/i, containers],
  [/^(docker-)?compose[\w.-]*\.ya?ml$/i, compositions],
  [/^config\.properties$/i, servers],
  [/^\.?Rprofile(\.site)?$/, starts],
];

/** Audits a text by what lies in wait under its name. */
export function scanStartup(place: Place, name: string, text: string): void {
  const file = base(name);
  const rules = byName.find(([names]) => names.test(file))?.[1];
  if (/\.pth$/i.test(file)) scanPathFile(place, text);
  if (rules === undefined) return;
  let told = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.slice(0, lineMax);
    if (/^\s*#/.test(line)) continue;
    const pointer = `line ${index + 1}`;
    const found = rules.find((each) => each.line.test(line));
    const severity = rules === containers ? commandGrade(line) : null;
    if (severity !== null) {
      tell(place, 'MRL-PYC-002', { evidence: line.trim(), severity, pointer });
    } else if (found !== undefined) {
      tell(place, found.rule, { evidence: line.trim(), severity: found.severity, pointer });
    } else continue;
    if (++told >= toldMax) return;
  }
}

/** Python runs each line of such a file that begins with `import` (site.py), at every start. */
function scanPathFile(place: Place, text: string): void {
  const lines = text.split('\n').filter((line) => /^import[ \t]/.test(line));
  const [first] = lines;
  if (first === undefined) return;
  tell(place, 'MRL-PYC-007', { evidence: first });
  for (const line of lines.slice(0, toldMax)) scanPython(place, line);
}
