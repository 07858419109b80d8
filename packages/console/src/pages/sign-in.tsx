/** Signing in: password, then code; or a passkey. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { signIn, signInWithPasskey, verifyCode } from '../api/auth.ts';
import { Field, Form } from '../components/form.tsx';
import { Mark } from '../components/mark.tsx';

/** The page. */
export function SignInPage(): ReactNode {
  const [needsCode, setNeedsCode] = useState(false);
  const client = useQueryClient();
  const navigate = useNavigate();
  const enter = async (): Promise<void> => {
    await client.invalidateQueries();
    await navigate({ to: '/' });
  };
  return (
    <main className="narrow">
      <div className="card stack">
        <p className="brand">
          <Mark /> Merlon
        </p>
        <h1>{needsCode ? 'Enter your code' : 'Sign in'}</h1>
        {needsCode ? (
          <Form
            key="code"
            submit="Continue"
            send={({ code = '' }) => verifyCode(code)}
            done={() => void enter()}
          >
            <CodeField />
          </Form>
        ) : (
          <Form
            key="password"
            submit="Sign in"
            send={({ email = '', password = '' }) => signIn(email, password)}
            done={(codeNeeded) => (codeNeeded ? setNeedsCode(true) : void enter())}
          >
            <Field label="E-mail" name="email" type="email" autoComplete="username webauthn" />
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete="current-password"
            />
          </Form>
        )}
        {needsCode ? null : (
          <Form submit="Use a passkey" send={() => signInWithPasskey()} done={() => void enter()} />
        )}
      </div>
    </main>
  );
}

/** The field for a six-digit code. */
export function CodeField(): ReactNode {
  return (
    <Field
      label="Code of your authenticator app"
      name="code"
      className="code"
      inputMode="numeric"
      pattern="[0-9]{6}"
      maxLength={6}
      autoComplete="one-time-code"
    />
  );
}
