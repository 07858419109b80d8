/** Joining by a one-time link; then the second factor is set up. */
import { type ReactNode, useState } from 'react';
import { signIn } from '../api/auth.ts';
import { post } from '../api/client.ts';
import { Field, Form } from '../components/form.tsx';
import { Gate } from '../components/gate.tsx';
import { Enrol } from './enrol.tsx';

/** The page behind a one-time link. */
export function JoinPage(): ReactNode {
  // The token stands behind `#`, so it reaches no server unless the form is sent.
  const [token] = useState(() => location.hash.slice(1));
  const [password, setPassword] = useState<string | null>(null);
  if (password !== null) return <Enrol password={password} />;
  if (token === '') {
    return (
      <Gate title="Join the workspace">
        <p className="note bad">This link is not complete. Ask for a new one.</p>
      </Gate>
    );
  }
  return (
    <Gate title="Join the workspace">
      <Form
        submit="Join"
        send={async ({ name = '', email = '', password: chosen = '' }) => {
          await post('invites/accept', { token, name, email, password: chosen });
          await signIn(email, chosen);
          return chosen;
        }}
        done={setPassword}
      >
        <Field label="Name" name="name" autoComplete="name" maxLength={100} />
        <Field
          label="E-mail"
          name="email"
          type="email"
          autoComplete="username"
          hint="You sign in with it; no mail is sent."
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autoComplete="new-password"
          minLength={12}
          maxLength={128}
          hint="At least 12 characters."
        />
      </Form>
    </Gate>
  );
}
