/** Setting up the second factor: an authenticator app, or a passkey. Nothing opens before. */
import { type ReactNode, useState } from 'react';
import { addPasskey, type Enrolment, enrol, signInWithPasskey, verifyCode } from '../api/auth.ts';
import { useEnter } from '../components/enter.ts';
import { CodeField, Field, Form, Secret } from '../components/form.tsx';
import { Gate } from '../components/gate.tsx';

/** The page; asks for the password again when it does not come straight from joining. */
export function Enrol(props: { readonly password?: string }): ReactNode {
  const [started, setStarted] = useState<Enrolment | null>(null);
  const enter = useEnter();
  return (
    <Gate title="Set up your second factor">
      {started === null ? (
        <>
          <p className="quiet">
            Nothing here opens without one. Approving a version asks for a fresh code of an
            authenticator app.
          </p>
          <Form
            submit="Set up an authenticator app"
            send={({ password = props.password ?? '' }) => enrol(password)}
            done={setStarted}
          >
            {props.password === undefined ? (
              <Field
                label="Password"
                name="password"
                type="password"
                autoComplete="current-password"
              />
            ) : null}
          </Form>
          <Form
            submit="Use a passkey instead"
            tone="plain"
            send={async () => {
              await addPasskey('Console');
              // Only a session that the passkey itself opened counts as having a second factor.
              await signInWithPasskey();
            }}
            done={enter}
          />
        </>
      ) : (
        <Verify started={started} enter={enter} />
      )}
    </Gate>
  );
}

function Verify(props: { readonly started: Enrolment; readonly enter: () => void }): ReactNode {
  const { uri, secret, recoveryCodes } = props.started;
  return (
    <ol className="steps">
      <li>
        <div className="stack">
          <p>
            Add this secret to your authenticator app, or{' '}
            <a href={uri}>open it in an app on this device</a>.
          </p>
          <Secret text={secret.replace(/(.{4})(?=.)/g, '$1 ')} label="Secret" />
        </div>
      </li>
      {recoveryCodes.length === 0 ? null : (
        <li>
          <div className="stack">
            <p>
              Keep these recovery codes in a safe place. Each opens one sign-in without the app;
              they are not shown again.
            </p>
            <Secret
              text={recoveryCodes.join('\n')}
              label="Recovery codes"
              rows={recoveryCodes.length}
            />
          </div>
        </li>
      )}
      <li>
        <Form submit="Finish" send={({ code = '' }) => verifyCode(code)} done={props.enter}>
          <CodeField />
        </Form>
      </li>
    </ol>
  );
}
