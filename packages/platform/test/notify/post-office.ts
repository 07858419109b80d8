/** An SMTP server of the tests' own on loopback, with one mailbox and one login. */
import { once } from 'node:events';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail as it came in. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A running server. */
export interface PostOffice {
  readonly port: number;
  readonly mails: Mail[];
  /** The next mail that was not asked for yet. */
  next(): Promise<Mail>;
  close(): Promise<void>;
}

/** The login that it takes. */
export const login = { user: 'merlon@example.com', pass: 'p@ss/word:7' };

/** Starts one; what the options do not say is a server without TLS that asks for no login. */
export async function openPostOffice(
  options: SMTPServerOptions = {},
  port = 0,
): Promise<PostOffice> {
  const mails: Mail[] = [];
  let asked = 0;
  let arrived = Promise.withResolvers<void>();
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'], disableReverseLookup: true },
    onAuth: (auth, _session, done) => {
      const isRight = auth.username === login.user && auth.password === login.pass;
      if (isRight) done(null, { user: auth.username });
      else done(new Error(`"${auth.password}" is wrong`));
    },
    onRcptTo: ({ address }, _session, done) => {
      done(address.startsWith('gone') ? new Error('nobody of that name') : null);
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          secure: session.secure,
          user: typeof session.user === 'string' ? session.user : null,
          ...parseMail(Buffer.concat(chunks).toString('latin1')),
        });
        done();
        arrived.resolve();
        arrived = Promise.withResolvers<void>();
      });
    },
    ...options,
  });
  // A client that distrusts the certificate hangs up; the server tells it here.
  server.on('error', () => undefined);
  const listener = server.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    mails,
    next: async () => {
      while (mails.length <= asked) await arrived.promise;
      return mails[asked++] as Mail;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Headers by lower name, unfolded (RFC 5322, section 2.2.3), and the body as it is. */
function parseMail(raw: string): Pick<Mail, 'headers' | 'body'> {
  const cut = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, cut)
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  return { headers, body: raw.slice(cut + 4) };
}
