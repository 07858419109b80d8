/** Joining by a one-time link, and setting up the second factor. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { addPasskey, enrol, signIn, verifyCode } from '../api/auth.ts';
import { post } from '../api/client.ts';
import { Field, Form, Secret } from '../components/form.tsx';
import { Mark } from '../components/mark.tsx';
import { CodeField } from './sign-in.tsx';

/** The page behind a one-time link. */
export function JoinPage(): ReactNode {
  const [token] = useState(() => location.hash.slice(1));
  const [password, setPassword] = useState<string | null>(null);
  if (password !== null) return <Enrol password={password} />;
  return (
    <main className="narrow">
      <div className="card stack">
        <p className="brand">
          <Mark /> Merlon
        </p>
        <h1>Join the workspace</h1>
        {token === '' ? (
          <p className="note bad">This link is not complete. Ask for a new one.</p>
        ) : (
          <Form
            submit="Join"
            send={async ({ name = '', email = '', password: chosen = '' }) => {
              await post('invites/accept', { token, name, email, password: chosen });
              await signIn(email, chosen);
              return chosen;
            }}
            done={setPassword}
          >
            <Field label="Name" name="name" autoComplete="name" />
            <Field label="E-mail" name="email" type="email" autoComplete="username" />
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete="new-password"
              minLength={12}
              hint="At least 12 characters."
            />
          </Form>
        )}
      </div>
    </main>
  );
}

interface Enrolment {
  readonly uri: string;
  readonly secret: string;
}

/** Setting up the second factor; nothing else is open before. */
export function Enrol(props: { readonly password?: string }): ReactNode {
  const [started, setStarted] = useState<Enrolment | null>(null);
  const client = useQueryClient();
  const navigate = useNavigate();
  const enter = async (): Promise<void> => {
    await client.invalidateQueries();
    await navigate({ to: '/' });
  };
  return (
    <main className="narrow">
      <div className="card stack">
        <h1>Set up your second factor</h1>
        {started === null ? (
          <>
            <p className="quiet">Nothing here opens without one.</p>
            <Form
              submit="Set up an authenticator app"
              send={({ password = props.password ?? '' }) => enrol(password)}
              done={setStarted}
            >
              {props.password === undefined ? (
                <Field label="Password" name="password" type="password" />
              ) : null}
            </Form>
            <Form
              submit="Use a passkey instead"
              send={() => addPasskey('Console')}
              done={() => void navigate({ to: '/sign-in' })}
            />
          </>
        ) : (
          <Verify started={started} enter={enter} />
        )}
      </div>
    </main>
  );
}

function Verify(props: {
  readonly started: Enrolment;
  readonly enter: () => Promise<void>;
}): ReactNode {
  const { uri, secret } = props.started;
  return (
    <>
      <p>Add this secret to your authenticator app, then enter the code that it shows.</p>
      <Secret text={secret.replace(/(.{4})(?=.)/g, '$1 ')} label="Secret" />
      <p className="small">
        <a href={uri}>Open it in an app on this device</a>
      </p>
      <Form
        submit="Finish"
        send={({ code = '' }) => verifyCode(code)}
        done={() => void props.enter()}
      >
        <CodeField />
      </Form>
    </>
  );
}
