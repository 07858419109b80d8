/** Sign-in: password with a code, or a passkey. */
import { passkeyClient } from '@better-auth/passkey/client';
import { createAuthClient } from 'better-auth/client';
import { Problem, post } from './client.ts';

const client = createAuthClient({ basePath: '/api/v1/auth', plugins: [passkeyClient()] });

/** Signs in by password; true when a code is still needed. */
export async function signIn(email: string, password: string): Promise<boolean> {
  const answer = await post<{ twoFactorRedirect?: boolean }>('auth/sign-in/email', {
    email,
    password,
  });
  return answer.twoFactorRedirect === true;
}

/** Ends a sign-in, or an enrolment, with the code of the authenticator app. */
export async function verifyCode(code: string): Promise<void> {
  await post('auth/two-factor/verify-totp', { code });
}

/** Ends a sign-in with a recovery code, which is used up by it. */
export async function verifyRecoveryCode(code: string): Promise<void> {
  await post('auth/two-factor/verify-backup-code', { code: code.trim() });
}

/** What an authenticator app needs, and the codes for the day that it is lost. */
export interface Enrolment {
  /** `otpauth://…`, which apps on this device open. */
  readonly uri: string;
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
}

/** Begins to set up an authenticator app; all of it is shown this once. */
export async function enrol(password: string): Promise<Enrolment> {
  const answer = await post<{ totpURI: string; backupCodes?: readonly string[] }>(
    'auth/two-factor/enable',
    { password },
  );
  const secret = new URL(answer.totpURI).searchParams.get('secret') ?? '';
  return { uri: answer.totpURI, secret, recoveryCodes: answer.backupCodes ?? [] };
}

/** Signs in with a passkey of this device. */
export async function signInWithPasskey(): Promise<void> {
  const result = await client.signIn.passkey();
  if (result?.error) throw refused(result.error.message);
}

/** Adds a passkey of this device to the signed-in person. */
export async function addPasskey(name: string): Promise<void> {
  const result = await client.passkey.addPasskey({ name });
  if (result?.error) throw refused(result.error.message);
}

/** Ends the session. */
export async function signOut(): Promise<void> {
  await post('auth/sign-out');
}

function refused(message: string | undefined): Problem {
  return new Problem({
    status: 401,
    code: 'passkey',
    detail: message ?? 'The passkey was not accepted.',
    hint: 'Use your password and code instead.',
  });
}
