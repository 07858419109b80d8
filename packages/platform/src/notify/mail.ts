/**
 * E-mail by SMTP (RFC 5321). Whatever leaves this machine goes by TLS, at once (`smtps:`) or by
 * STARTTLS (RFC 3207) before anything else is said. The library is loaded with the first message.
 */
import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import type { Channel, Told } from './notice.ts';
import {
  authorityOf,
  type Environment,
  expected,
  hostOf,
  isThisMachine,
  readAddress,
} from './settings.ts';
import { facts, headline, nextStep } from './words.ts';

/** Where mail is handed in, and between whom. */
export interface MailSettings {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; before everything else by STARTTLS; or none. */
  readonly tls: 'at-once' | 'starttls' | 'none';
  readonly login: { readonly user: string; readonly pass: string } | null;
  /** Certificates of the authority, in PEM; without them those that the runtime trusts. */
  readonly ca?: string;
  readonly from: string;
  readonly to: readonly string[];
}

const [urlName, fromName, toName] = ['MERLON_SMTP_URL', 'MERLON_MAIL_FROM', 'MERLON_MAIL_TO'];
const urlHint =
  'such as smtps://merlon:PASSWORD@mail.example:465; write reserved signs of a password as %XX';
const timeoutMs = 20_000;

/** Mail as the environment sets it; null where it says nothing of it. Throws `bad-request`. */
export function mailIn(env: Environment): Channel | null {
  const [address, from, to] = [env[urlName], env[fromName], env[toName]];
  if (address === undefined && from === undefined && to === undefined) return null;
  const all = `set ${urlName}, ${fromName} and ${toName}`;
  if (address === undefined) throw expected(urlName, 'smtp://… or smtps://…', all);
  const server = readServer(address);
  return mailChannel({
    ...server,
    from: mailboxesIn(from ?? '', fromName, 1)[0] ?? '',
    to: mailboxesIn(to ?? '', toName, 50),
  });
}

function readServer(text: string): Omit<MailSettings, 'from' | 'to'> {
  const what = 'smtp://USER:PASSWORD@HOST:PORT or smtps://…';
  const url = readAddress(text, {
    ...{ variable: urlName, protocols: ['smtp:', 'smtps:'], what, hint: urlHint },
    parameters: ['ca'],
  });
  if (url.pathname.replace('/', '') !== '' || url.hash !== '') {
    throw expected(urlName, what, urlHint);
  }
  const ca = authorityOf(url, urlName);
  const isPlain = isThisMachine(url) && ca === undefined;
  const atOnce = url.protocol === 'smtps:';
  return {
    host: hostOf(url),
    port: url.port === '' ? (atOnce ? 465 : 587) : Number(url.port),
    tls: atOnce ? 'at-once' : isPlain ? 'none' : 'starttls',
    login: loginIn(url),
    ...(ca === undefined ? {} : { ca }),
  };
}

function loginIn(url: URL): MailSettings['login'] {
  if (url.username === '' && url.password === '') return null;
  if (url.username === '' || url.password === '') {
    throw expected(urlName, 'both a user and a password, or neither', urlHint);
  }
  try {
    return { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  } catch {
    throw expected(urlName, 'signs of a password that addresses reserve as %XX', urlHint);
  }
}

function mailboxesIn(text: string, variable: string, countMax: number): string[] {
  const found = text.split(',').map((each) => each.trim());
  const sound = found.every((each) => /^[^\s@<>(),;:"\\[\]]{1,64}@[a-z0-9.-]{1,255}$/i.test(each));
  if (sound && found.length <= countMax) return found;
  const what = countMax === 1 ? 'one address' : `1 to ${countMax} addresses with commas between`;
  throw expected(variable, what, 'such as oncall@example.com');
}

/** A channel that sends each notice as one mail to all. */
export function mailChannel(settings: MailSettings): Channel {
  return {
    name: 'e-mail',
    secrets: secretsOf(settings),
    send: async (told, signal) => {
      const { createTransport } = await import('nodemailer');
      const transport = createTransport(transportOf(settings));
      try {
        const sent = await transport.sendMail({ ...messageFor(settings, told), signal });
        return `${sent.accepted.length} of ${settings.to.length} recipients accepted`;
      } finally {
        transport.close();
      }
    },
  };
}

function transportOf({ host, port, tls, login, ca }: MailSettings) {
  return {
    ...{ host, port, secure: tls === 'at-once' },
    ...{ requireTLS: tls === 'starttls', ignoreTLS: tls === 'none' },
    ...(login === null ? {} : { auth: login }),
    tls: {
      minVersion: 'TLSv1.2' as const,
      ...(ca === undefined ? {} : { ca }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
    },
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  };
}

function messageFor({ from, to }: MailSettings, told: Told) {
  const domain = from.slice(from.indexOf('@') + 1);
  const lines = Object.entries(facts(told)).map(([name, value]) => `${name}: ${value}`);
  return {
    from,
    to: [...to],
    subject: `[Merlon] ${headline(told)}`,
    text: `${headline(told)}\n\n${lines.join('\n')}\n\nRead on: ${nextStep(told)}\n`,
    messageId: `<${told.id}@${domain}>`,
    // One thread for all mails of an incident; no answer by machines (RFC 3834).
    references: [`<${told.incident.id}@${domain}>`],
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** As they are, as they stand in the address, and as AUTH PLAIN and LOGIN send them. */
function secretsOf({ login }: MailSettings): string[] {
  if (login === null) return [];
  const { user, pass } = login;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return [pass, encodeURIComponent(pass), base64(pass), base64(`\0${user}\0${pass}`)];
}
