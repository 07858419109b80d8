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

/** Begins to set up an authenticator app; the secret is shown once. */
export async function enrol(password: string): Promise<{ uri: string; secret: string }> {
  const { totpURI } = await post<{ totpURI: string }>('auth/two-factor/enable', { password });
  return { uri: totpURI, secret: new URL(totpURI).searchParams.get('secret') ?? '' };
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
