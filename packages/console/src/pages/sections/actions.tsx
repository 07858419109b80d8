/** What a person can do with a version, by role and by what is ready; the platform decides. */
import type { ReactNode } from 'react';
import { ask, post } from '../../api/client.ts';
import { useApproval, useData, useSession } from '../../api/queries.ts';
import { useMay } from '../../api/roles.ts';
import type { StepName, VersionDetail } from '../../api/types.ts';
import { Ask, Choice, CodeField, Field, Form, LongField } from '../../components/form.tsx';

/** Buttons for the steps that a person begins. */
export function Actions({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version, data } = detail;
  const { id } = version;
  const may = useMay();
  const own = useSession().data?.id === version.broughtBy;
  const approved = useApproval(id).data?.approved === true;
  const done = (step: StepName): boolean =>
    version.steps.some((each) => each.step === step && each.state === 'done');
  const has = (use: string): boolean => data.some((link) => link.use === use);
  if (version.state !== 'complete') return null;
  const ready = done('assess') && !approved;
  return (
    <div className="row actions">
      {may('artifact.bring') && done('seal') && !(has('test') && has('train')) ? (
        <LinkData id={id} />
      ) : null}
      {may('job.run') && done('seal') && has('test') ? <Assess id={id} /> : null}
      {may('job.run') && done('assess') && has('train') ? <Harden id={id} /> : null}
      {may('version.approve') && ready && !own ? <Approve id={id} /> : null}
      {may('version.serve') && approved ? <Serve id={id} name={version.name} /> : null}
      {may('version.retire') ? <Retain id={id} until={version.retainUntil} /> : null}
      {may('version.retire') ? <Retire id={id} /> : null}
    </div>
  );
}

function Retain({ id, until }: { readonly id: string; readonly until: string | null }): ReactNode {
  return (
    <Ask label="Retention" title="Say how long its content is kept">
      {(close) => (
        <Form
          submit="Set"
          send={({ day = '' }) =>
            ask('PUT', `/api/v1/versions/${id}/retention`, { until: day === '' ? null : day })
          }
          done={close}
        >
          <p>When that day begins, in UTC, its key is destroyed: nobody can read it any more.</p>
          <Field
            label="Day"
            name="day"
            type="date"
            required={false}
            defaultValue={until ?? ''}
            hint="Empty: kept until somebody destroys it."
          />
        </Form>
      )}
    </Ask>
  );
}

function LinkData({ id }: { readonly id: string }): ReactNode {
  const data = useData().data ?? [];
  const sealed = data
    .flatMap(({ versions }) => versions)
    .filter(({ steps }) => steps.some(({ step, state }) => step === 'seal' && state === 'done'));
  return (
    <Ask label="Link data" title="Say which data belongs to this version">
      {(close) =>
        sealed.length === 0 ? (
          <p>
            There is no sealed data yet. Bring some in with <code>merlon data add</code>.
          </p>
        ) : (
          <Form
            submit="Link"
            send={({ dataVersionId = '', use = '' }) =>
              post(`versions/${id}/data`, { dataVersionId, use })
            }
            done={close}
          >
            <Choice
              label="Data"
              name="dataVersionId"
              options={sealed.map((each) => [each.id, `${each.name} v${each.number}`] as const)}
            />
            <Choice
              label="Use"
              name="use"
              options={[
                ['test', 'test data: attacks start from it'],
                ['train', 'training data: hardening learns from it'],
              ]}
            />
          </Form>
        )
      }
    </Ask>
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
            hint="Empty: the attack’s own. Tables use their features’ ranges instead."
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
          <Choice
            label="Method"
            name="method"
            options={[
              ['pgd-at', 'train against PGD: a new version, child of this one'],
              ['guards', 'set guards for serving: for models without gradients'],
            ]}
          />
          <Field
            label="Radius (L∞)"
            name="epsilon"
            type="number"
            step="any"
            min={0}
            defaultValue="0.2"
          />
          <Field label="Epochs" name="epochs" type="number" min={1} defaultValue="4" />
        </Form>
      )}
    </Ask>
  );
}

function Approve({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Approve" title="Approve for serving" tone="primary">
      {(close) => (
        <Form
          submit="Approve"
          send={({ code = '', comment = '' }) => post(`versions/${id}/approve`, { code, comment })}
          done={close}
        >
          <p>You say that this version may be served. Your name goes into the ledger.</p>
          <CodeField />
          <LongField label="Comment" name="comment" />
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
            title="small letters, digits, dots, dashes and underscores"
            maxLength={64}
            hint="Requests go to /v2/models/NAME/infer. What was served under it stops."
          />
        </Form>
      )}
    </Ask>
  );
}

function Retire({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Retire" title="Retire this version" tone="danger">
      {(close) => (
        <Form
          submit="Retire it"
          tone="danger"
          send={() => post(`versions/${id}/retire`)}
          done={close}
        >
          <p>It is served no more, for good. Its record stays.</p>
        </Form>
      )}
    </Ask>
  );
}
