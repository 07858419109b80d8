/** What can be done with a version; the platform decides who may. */
import type { ReactNode } from 'react';
import { post } from '../../api/client.ts';
import type { StepName, VersionDetail } from '../../api/types.ts';
import { Ask, Choice, Field, Form } from '../../components/form.tsx';
import { CodeField } from '../sign-in.tsx';

/** Buttons for the steps that a person begins. */
export function Actions({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version, data } = detail;
  const done = (step: StepName): boolean =>
    version.steps.some((each) => each.step === step && each.state === 'done');
  const has = (use: string): boolean => data.some((link) => link.use === use);
  if (version.state !== 'complete') return null;
  return (
    <div className="row">
      {done('seal') && has('test') ? <Assess id={version.id} /> : null}
      {done('assess') && has('train') ? <Harden id={version.id} /> : null}
      {done('assess') && !done('approve') ? <Approve id={version.id} /> : null}
      {done('approve') ? <Serve id={version.id} name={version.name} /> : null}
      <Retire id={version.id} />
    </div>
  );
}

function Assess({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Assess" title="Attack this version">
      {(close) => (
        <Form
          submit="Start"
          send={({ samples = '', seed = '', epsilon = '' }) =>
            post(`versions/${id}/assess`, {
              samples: Number(samples),
              seed: Number(seed),
              ...(epsilon === '' ? {} : { epsilon: Number(epsilon) }),
            })
          }
          done={close}
        >
          <Field label="Samples" name="samples" type="number" min={1} defaultValue="500" />
          <Field
            label="Radius (L∞)"
            name="epsilon"
            type="number"
            step="any"
            min={0}
            required={false}
            hint="Empty: the default of the attack."
          />
          <Field label="Seed" name="seed" type="number" min={0} defaultValue="1" />
        </Form>
      )}
    </Ask>
  );
}

function Harden({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Harden" title="Harden this version">
      {(close) => (
        <Form
          submit="Start"
          send={({ method = '', epsilon = '', epochs = '' }) =>
            post(`versions/${id}/harden`, {
              method,
              epsilon: Number(epsilon),
              epochs: Number(epochs),
            })
          }
          done={close}
        >
          <Choice label="Method" name="method" options={['pgd-at', 'guards']} />
          <Field label="Radius (L∞)" name="epsilon" type="number" step="any" defaultValue="0.2" />
          <Field label="Epochs" name="epochs" type="number" min={1} defaultValue="4" />
        </Form>
      )}
    </Ask>
  );
}

function Approve({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Approve" title="Approve for serving">
      {(close) => (
        <Form
          submit="Approve"
          send={({ code = '', comment = '' }) => post(`versions/${id}/approve`, { code, comment })}
          done={close}
        >
          <p>You say that this version may be served. Your name goes into the ledger.</p>
          <CodeField />
          <label>
            Comment
            <textarea name="comment" rows={2} />
          </label>
        </Form>
      )}
    </Ask>
  );
}

function Serve({ id, name }: { readonly id: string; readonly name: string }): ReactNode {
  return (
    <Ask label="Serve" title="Serve this version">
      {(close) => (
        <Form
          submit="Serve"
          send={(fields) => post(`versions/${id}/serve`, { name: fields.name ?? '' })}
          done={close}
        >
          <Field
            label="Name"
            name="name"
            defaultValue={name}
            pattern="[a-z0-9][a-z0-9._\-]*"
            hint="Requests go to /v2/models/NAME/infer. What was served under it stops."
          />
        </Form>
      )}
    </Ask>
  );
}

function Retire({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Retire" title="Retire this version" danger>
      {(close) => (
        <Form submit="Retire it" danger send={() => post(`versions/${id}/retire`)} done={close}>
          <p>It is served no more, for good. Its record stays.</p>
        </Form>
      )}
    </Ask>
  );
}
