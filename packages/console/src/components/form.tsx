/** Forms: fields with labels, and one way to send them. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent, InputHTMLAttributes, ReactNode } from 'react';
import { Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { ProblemNote } from './state.tsx';

/** A labelled input. */
export function Field(
  props: InputHTMLAttributes<HTMLInputElement> & {
    readonly label: string;
    readonly hint?: string;
  },
): ReactNode {
  const { label, hint, ...input } = props;
  return (
    <label>
      {label}
      <input required {...input} />
      {hint === undefined ? null : <span className="hint">{hint}</span>}
    </label>
  );
}

/** A labelled choice. */
export function Choice(props: {
  readonly label: string;
  readonly name: string;
  readonly options: readonly string[];
  readonly defaultValue?: string;
}): ReactNode {
  return (
    <label>
      {props.label}
      <select name={props.name} defaultValue={props.defaultValue}>
        {props.options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  );
}

/** A form that sends its fields, shows what went wrong, and cannot be sent twice. */
export function Form<T>(props: {
  readonly send: (fields: Readonly<Record<string, string>>) => Promise<T>;
  readonly done?: (answer: T) => void;
  readonly submit: string;
  readonly danger?: boolean;
  readonly children?: ReactNode;
}): ReactNode {
  const client = useQueryClient();
  const mutation = useMutation({
    mutationFn: props.send,
    onSuccess: async (answer) => {
      await client.invalidateQueries();
      props.done?.(answer);
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    mutation.mutate(Object.fromEntries([...fields].map(([name, value]) => [name, String(value)])));
  };
  return (
    <form className="stack" onSubmit={submit}>
      {props.children}
      {mutation.isError ? <ProblemNote error={mutation.error} /> : null}
      <div>
        <button
          type="submit"
          className={props.danger === true ? 'danger' : 'primary'}
          disabled={mutation.isPending}
        >
          {mutation.isPending ? 'One moment …' : props.submit}
        </button>
      </div>
    </form>
  );
}

/** A button that asks in a dialog before it acts. */
export function Ask(props: {
  readonly label: string;
  readonly title: string;
  readonly danger?: boolean;
  readonly children: (close: () => void) => ReactNode;
}): ReactNode {
  return (
    <DialogTrigger>
      <Button className={props.danger === true ? 'danger' : ''}>{props.label}</Button>
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="dialog">
          <Dialog>
            {({ close }) => (
              <>
                <Heading slot="title" level={2}>
                  {props.title}
                </Heading>
                {props.children(close)}
                <div>
                  <Button onPress={close}>Cancel</Button>
                </div>
              </>
            )}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}

/** A text to copy. */
export function Secret({
  text,
  label,
}: {
  readonly text: string;
  readonly label: string;
}): ReactNode {
  return (
    <div className="stack">
      <textarea className="secret" readOnly rows={2} aria-label={label} value={text} />
      <div>
        <button type="button" onClick={() => void navigator.clipboard.writeText(text)}>
          Copy
        </button>
      </div>
    </div>
  );
}
