/**
 * Syslog (RFC 5424) over TCP with octet counting (RFC 6587, section 3.4.1) or over TLS (RFC 5425),
 * one connection a message. The text is an OCSF finding in JSON, kept to ASCII, so that it needs no
 * byte order mark (section 6.4) and no receiver stumbles over one.
 */
import { Buffer } from 'node:buffer';
import { connect, isIP, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';
import type { Channel, Told } from './notice.ts';
import { detectionFinding } from './ocsf.ts';
import { authorityOf, type Environment, expected, hostOf, readAddress } from './settings.ts';

/** Where messages go. */
export interface SyslogSettings {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** Certificates of the authority, in PEM; without them those that the runtime trusts. */
  readonly ca?: string;
  /** How long a receiver may take to hang up after us; what it has by then counts as taken. */
  readonly lingerMs?: number;
}

const variable = 'MERLON_SYSLOG_URL';
const what = 'syslog://HOST:PORT or syslog+tls://HOST:PORT';
const hint = 'such as syslog+tls://siem.example:6514, with ?ca=FILE for a private authority';
/** Security and authorization messages (section 6.2.1). */
const facility = 10;
const severities = { critical: 2, high: 3, medium: 4, low: 5 } as const;
/** For a closed incident, whatever it was: informational. */
const informational = 6;
const lingerMsDefault = 3000;

/** The channel as the environment sets it; null where it does not. Throws `bad-request`. */
export function syslogIn(env: Environment): Channel | null {
  const text = env[variable];
  if (text === undefined) return null;
  const protocols = ['syslog:', 'syslog+tls:'];
  const url = readAddress(text, { variable, protocols, what, hint, parameters: ['ca'] });
  const isBare = url.pathname.replace('/', '') === '' && url.hash === '' && url.username === '';
  if (!isBare || url.password !== '') throw expected(variable, what, hint);
  const isTls = url.protocol === 'syslog+tls:';
  const ca = authorityOf(url, variable);
  if (ca !== undefined && !isTls) throw expected(variable, '"ca" with syslog+tls: only', hint);
  return syslogChannel({
    ...{ host: hostOf(url), isTls, ...(ca === undefined ? {} : { ca }) },
    port: url.port === '' ? (isTls ? 6514 : 601) : Number(url.port),
  });
}

/** A channel that sends each notice as one message. */
export function syslogChannel(settings: SyslogSettings): Channel {
  return {
    name: 'syslog',
    secrets: [],
    send: async (told, signal) => {
      const message = messageOf(told);
      await sendFrame(settings, `${Buffer.byteLength(message)} ${message}`, signal);
      return `it took ${Buffer.byteLength(message)} bytes`;
    },
  };
}

function messageOf(told: Told): string {
  const { event, incident, at } = told;
  const severity = event === 'opened' ? severities[incident.severity] : informational;
  const host =
    hostname()
      .replace(/[^!-~]/g, '')
      .slice(0, 255) || '-';
  const header = `<${facility * 8 + severity}>1 ${at} ${host} merlon ${process.pid}`;
  return `${header} incident.${event} - ${asciiJson(detectionFinding(told))}`;
}

function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[^ -~]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Sends it and hangs up; throws where the receiver was not reached or hung up in the middle. */
function sendFrame(settings: SyslogSettings, frame: string, signal: AbortSignal): Promise<void> {
  const { isTls, lingerMs = lingerMsDefault } = settings;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = open(settings);
    const abort = (): void => void socket.destroy(new Error('no answer in time'));
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', reject);
    let lingering: ReturnType<typeof setTimeout> | undefined;
    socket.on('close', () => {
      clearTimeout(lingering);
      signal.removeEventListener('abort', abort);
      // Without effect after an error.
      if (socket.writableFinished) resolve();
      else reject(new Error('the receiver hung up'));
    });
    socket.once('finish', () => {
      lingering = setTimeout(() => socket.destroy(), lingerMs);
    });
    socket.once(isTls ? 'secureConnect' : 'connect', () => socket.end(frame));
    // What it may say is of no interest, but its hanging up is only seen after it was read.
    socket.resume();
  });
}

function open({ host, port, isTls, ca }: SyslogSettings): Socket {
  if (!isTls) return connect({ host, port });
  return connectTls({
    ...{ host, port, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
}
