/** A platform of the tests' own: a fresh home, a free port, people who are signed in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInvite } from '../../src/http/routes/people.ts';
import { type Running, type StartOptions, start } from '../../src/main.ts';
import type { Role } from '../../src/model.ts';
import { TourClient } from '../../src/tour/client.ts';
import { totp } from '../../src/tour/totp.ts';

/** A person at work in a test. */
export interface TestPerson {
  readonly id: string;
  readonly client: TourClient;
  code(): string;
}

/** A running platform with its home. */
export interface TestPlatform {
  readonly running: Running;
  readonly home: string;
  readonly faults: unknown[];
  person(role: Role, enrolled?: boolean): Promise<TestPerson>;
  close(): Promise<void>;
}

/** A folder that is removed by `close`. */
export function freshHome(): string {
  return mkdtempSync(join(tmpdir(), 'merlon-test-'));
}

let count = 0;

/** Starts a platform. */
export async function startTest(options: Partial<StartOptions> = {}): Promise<TestPlatform> {
  const home = options.home ?? freshHome();
  const faults: unknown[] = [];
  const running = await start({
    home,
    port: 0,
    rateLimit: false,
    onFault: (error) => void faults.push(error),
    ...options,
  });
  return {
    running,
    home,
    faults,
    person: (role, enrolled = true) => newPerson(running, role, enrolled),
    close: async () => {
      await running.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function newPerson(running: Running, role: Role, enrolled: boolean): Promise<TestPerson> {
  const { token } = await createInvite(running.platform, { createdBy: 'platform', role });
  const email = `${role}-${++count}@example.com`;
  const password = 'correct horse battery';
  const client = new TourClient(running.origin);
  const body = { token, name: `A ${role}`, email, password };
  const { userId } = await client.ask('POST', '/api/v1/invites/accept', body);
  await client.signIn({ email, name: '', password, secret: null }, Date.now());
  let secret = '';
  if (enrolled) {
    const answer = await client.ask('POST', '/api/v1/auth/two-factor/enable', { password });
    secret = new URL(String(answer.totpURI)).searchParams.get('secret') ?? '';
    const code = totp(secret, Date.now());
    await client.ask('POST', '/api/v1/auth/two-factor/verify-totp', { code });
  }
  return { id: String(userId), client, code: () => totp(secret, Date.now()) };
}
