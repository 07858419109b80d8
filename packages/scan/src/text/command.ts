/** What a command line or a script of a shell says: harmless work, work, or an attack. */
import { pattern } from './pattern.ts';

/** How bad a command is. */
export type CommandKind = 'build' | 'plain' | 'attack';

/** Ways in which attacks fetch, hide and call home; each is a habit, not a single sample. */
const attacks: readonly RegExp[] = [
  /\b(curl|wget|fetch|iwr|invoke-webrequest)\b[^\n]*(\||;|&&|\$\()\s*(sudo\s+)?(ba|z|da|k)?sh\b/i,
  /\b(curl|wget)\b[^\n]*(\||&&|;)\s*(sudo\s+)?(python|perl|ruby|node|php|chmod\s+\+x)/i,
  /\/dev\/(tcp|udp)\//,
  /\b(nc|ncat|netcat|socat)\b[^\n]*(\s-\w*[ec]\w*\b|exec:|\/bin\/(ba)?sh|\d{1,3}\.\d)/i,
  /\b(ba|z|da)?sh\s+-i\b/,
  /\bmkfifo\b[^\n]*\bsh\b/,
  /\b(base64|openssl)\b[^\n]*(-d|--decode|-D)\b[^\n]*\|\s*(sudo\s+)?(ba|z|da)?(sh|python)/i,
  pattern('command.attacks'),
  /\b(iex|invoke-expression)\b[^\n]*(downloadstring|webclient|iwr|invoke-webrequest)/i,
  /\b(certutil|bitsadmin|mshta|regsvr32|rundll32)\b[^\n]*(http|javascript:|scrobj)/i,
  /\brm\s+-\w*[rf]\w*\s+(-\w+\s+)*(\/|~|\$HOME|\*)/,
  pattern('command.attacks2'),
  /\b(chmod\s+[0-7]*[4-7]7{2,3}|chmod\s+u?\+s|setfacl)\b/,
  /\b(python|perl|ruby|php|node)[\d.]*\s+-[cer]\s+['"]?[^\n]*(socket|exec|eval|system|import)/i,
  pattern('command.attacks3'),
  /:\(\)\s*\{\s*:\s*\|\s*:\s*&\s*\}/,
];
const builds = pattern('command.builds');
const installers = pattern('command.installers');

/** Judges a command line. */
export function commandKind(command: string): CommandKind {
  if (attacks.some((attack) => attack.test(command))) return 'attack';
  const simple = !/[;|&`<>]|\$\(/.test(command);
  return simple && builds.test(command) ? 'build' : 'plain';
}

/** Commands that call home, hide what they are or open a way in: never housekeeping. */
const hostile: readonly RegExp[] = [
  /\/dev\/(tcp|udp)\//,
  /\b(nc|ncat|netcat|socat)\b[^\n]*(\s-\w*[ec]\w*\b|exec:|\/bin\/(ba)?sh)/i,
  /\b(ba|z|da)?sh\s+-i\b/,
  /\b(base64|openssl)\b[^\n]*(-d|--decode|-D)\b[^\n]*\|\s*(sudo\s+)?(ba|z|da)?(sh|python)/i,
  pattern('command.attacks'),
  pattern('command.exfiltrates'),
];
const pipe = /\b(curl|wget)\b[^\n|]*\|\s*(sudo\s+)?((ba|z|da|k)?sh|python\d?)\b/;

/**
 * How bad a command is that a build or a pipeline runs. Removing files and changing rights is what
 * builds do; running a download is not, least of all one that anybody on the way can change.
 */
export function commandGrade(command: string): 'low' | 'medium' | 'high' | null {
  if (hostile.some((each) => each.test(command))) return 'high';
  if (!pipe.test(command)) return null;
  if (isKnownInstaller(command)) return 'low';
  return /\bhttp:\/\/|:\/\/\d{1,3}\./.test(command) ? 'high' : 'medium';
}

/** True for a command that only fetches the installer of a well-known maker, encrypted. */
export function isKnownInstaller(command: string): boolean {
  const addresses = command.match(/\bhttps?:\/\/[^\s"'|)]+/g) ?? [];
  return addresses.length > 0 && addresses.every((each) => installers.test(each));
}

/** Files whose reading or writing is never the work of a model. */
export function isPrivatePath(path: string): boolean {
  return pattern('command.isPrivatePath').test(path);
}

/** The first line of a text that an attack would have, or null. */
export function attackIn(text: string): { readonly evidence: string; readonly at: number } | null {
  for (const attack of attacks) {
    const found = attack.exec(text);
    if (found !== null) return { evidence: found[0], at: found.index };
  }
  return null;
}
