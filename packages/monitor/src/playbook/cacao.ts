/** Playbooks in OASIS CACAO 2.0 (Committee Specification 01, 2023): the part that is used here. */

/** A variable of a playbook (section 10.18). */
export interface CacaoVariable {
  readonly type: 'string' | 'uuid' | 'integer' | 'uri';
  readonly description?: string;
  readonly value?: string;
  readonly constant?: boolean;
  readonly external?: boolean;
}

/** An HTTP API command (section 5.5). */
export interface HttpCommand {
  readonly type: 'http-api';
  /** Request line, such as `POST /api/v1/keys/__key__:value/revoke HTTP/1.1`. */
  readonly command: string;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly content?: string;
}

/** A step of the workflow (section 4). */
export type CacaoStep =
  | { readonly type: 'start'; readonly on_completion: string }
  | { readonly type: 'end' }
  | {
      readonly type: 'action';
      readonly name: string;
      readonly description?: string;
      readonly on_success?: string;
      readonly on_failure?: string;
      readonly on_completion?: string;
      readonly commands: readonly HttpCommand[];
      readonly agent: string;
    };

/** A playbook (section 3.1). */
export interface CacaoPlaybook {
  readonly type: 'playbook';
  readonly spec_version: 'cacao-2.0';
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly playbook_types: readonly string[];
  readonly playbook_activities: readonly string[];
  readonly created_by: string;
  readonly created: string;
  readonly modified: string;
  readonly playbook_variables: Readonly<Record<string, CacaoVariable>>;
  readonly workflow_start: string;
  readonly workflow: Readonly<Record<string, CacaoStep>>;
  readonly agent_definitions: Readonly<
    Record<
      string,
      {
        readonly type: 'http-api';
        readonly name: string;
        readonly address: Readonly<Record<string, readonly string[]>>;
      }
    >
  >;
}
