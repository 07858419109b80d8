/** Signing in: password, then code; or a passkey; or a recovery code when the app is lost. */
import { type ReactNode, useState } from 'react';
import { signIn, signInWithPasskey, verifyCode, verifyRecoveryCode } from '../api/auth.ts';
import { useEnter } from '../components/enter.ts';
import { CodeField, Field, Form } from '../components/form.tsx';
import { Gate } from '../components/gate.tsx';

/** The page. */
export function SignInPage(): ReactNode {
  const [stage, setStage] = useState<'password' | 'code' | 'recovery'>('password');
  const enter = useEnter();
  if (stage === 'password') {
    return <Password next={(codeNeeded) => (codeNeeded ? setStage('code') : enter())} />;
  }
  if (stage === 'recovery') {
    return (
      <Gate title="Enter a recovery code">
        <Form submit="Continue" send={({ code = '' }) => verifyRecoveryCode(code)} done={enter}>
          <Field
            label="Recovery code"
            name="code"
            autoComplete="off"
            hint="One of those shown when the app was set up. It is used up by this."
          />
        </Form>
      </Gate>
    );
  }
  return (
    <Gate title="Enter your code">
      <Form submit="Continue" send={({ code = '' }) => verifyCode(code)} done={enter}>
        <CodeField />
      </Form>
      <p className="small">
        <button type="button" className="link" onClick={() => setStage('recovery')}>
          The app is lost: use a recovery code
        </button>
      </p>
    </Gate>
  );
}

function Password({ next }: { readonly next: (codeNeeded: boolean) => void }): ReactNode {
  return (
    <Gate title="Sign in">
      <Form
        submit="Sign in"
        send={({ email = '', password = '' }) => signIn(email, password)}
        done={next}
      >
        <Field label="E-mail" name="email" type="email" autoComplete="username webauthn" />
        <Field label="Password" name="password" type="password" autoComplete="current-password" />
      </Form>
      <Form
        submit="Use a passkey"
        tone="plain"
        send={() => signInWithPasskey()}
        done={() => next(false)}
      />
    </Gate>
  );
}
