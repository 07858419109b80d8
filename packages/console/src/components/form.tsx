/** Forms: fields with labels, and one way to send them. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  type FormEvent,
  type InputHTMLAttributes,
  type ReactNode,
  useContext,
  useEffect,
  useState,
} from 'react';
import { Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { ProblemNote } from './state.tsx';

/** How a form closes the dialog that it stands in; null outside of one. */
const Closing = createContext<(() => void) | null>(null);

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

/** The field for a six-digit code. */
export function CodeField(): ReactNode {
  return (
    <Field
      label="Code of your authenticator app"
      name="code"
      className="code"
      inputMode="numeric"
      pattern="[0-9]{6}"
      title="six digits"
      maxLength={6}
      autoComplete="one-time-code"
    />
  );
}

/** A labelled text of several lines; may stay empty. */
export function LongField(props: { readonly label: string; readonly name: string }): ReactNode {
  return (
    <label>
      {props.label}
      <textarea name={props.name} rows={3} maxLength={2000} />
    </label>
  );
}

/** A labelled choice; an option is its own text, or a value with its text. */
export function Choice(props: {
  readonly label: string;
  readonly name: string;
  readonly options: readonly (string | readonly [value: string, text: string])[];
  readonly defaultValue?: string;
  readonly hint?: string;
}): ReactNode {
  return (
    <label>
      {props.label}
      <select name={props.name} defaultValue={props.defaultValue}>
        {props.options.map((option) => {
          const [value, text] = typeof option === 'string' ? [option, option] : option;
          return (
            <option key={value} value={value}>
              {text}
            </option>
          );
        })}
      </select>
      {props.hint === undefined ? null : <span className="hint">{props.hint}</span>}
    </label>
  );
}

/** A form that sends its fields, shows what went wrong, and cannot be sent twice. */
export function Form<T>(props: {
  readonly send: (fields: Readonly<Record<string, string>>) => Promise<T>;
  readonly done?: (answer: T) => void;
  readonly submit: string;
  readonly tone?: 'primary' | 'danger' | 'plain';
  readonly children?: ReactNode;
}): ReactNode {
  const client = useQueryClient();
  const close = useContext(Closing);
  const mutation = useMutation({
    mutationFn: props.send,
    onSuccess: (answer) => {
      props.done?.(answer);
      void client.invalidateQueries();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    if (mutation.isPending) return;
    const fields = new FormData(event.currentTarget);
    mutation.mutate(Object.fromEntries([...fields].map(([name, value]) => [name, String(value)])));
  };
  const tone = props.tone ?? 'primary';
  return (
    <form className="stack" onSubmit={submit} aria-busy={mutation.isPending}>
      {props.children}
      {mutation.isError ? <ProblemNote error={mutation.error} /> : null}
      <div className="row">
        <button type="submit" className={tone} disabled={mutation.isPending}>
          {mutation.isPending ? 'One moment …' : props.submit}
        </button>
        {close === null ? null : <Button onPress={close}>Cancel</Button>}
      </div>
    </form>
  );
}

/** A button that asks in a dialog before it acts. */
export function Ask(props: {
  readonly label: string;
  readonly title: string;
  readonly tone?: 'primary' | 'danger';
  readonly children: (close: () => void) => ReactNode;
}): ReactNode {
  return (
    <DialogTrigger>
      <Button className={props.tone ?? ''}>{props.label}</Button>
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="dialog">
          <Dialog>
            {({ close }) => (
              <Closing.Provider value={close}>
                <Heading slot="title" level={2}>
                  {props.title}
                </Heading>
                {props.children(close)}
              </Closing.Provider>
            )}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}

const copiedMs = 2500;

/** A text to copy. */
export function Secret(props: {
  readonly text: string;
  readonly label: string;
  readonly rows?: number;
}): ReactNode {
  const { text, label } = props;
  const [told, setTold] = useState('');
  useEffect(() => {
    if (told === '') return undefined;
    const timer = setTimeout(() => setTold(''), copiedMs);
    return () => clearTimeout(timer);
  }, [told]);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setTold('Copied.'),
      () => setTold('The browser refused; select the text and copy it.'),
    );
  };
  return (
    <div className="stack">
      <textarea
        className="secret"
        readOnly
        rows={props.rows ?? 2}
        aria-label={label}
        value={text}
      />
      <div className="row">
        <button type="button" onClick={copy}>
          Copy
        </button>
        <span className="quiet" role="status">
          {told}
        </span>
      </div>
    </div>
  );
}
