/** What the API shows, as far as the console uses it (`/api/v1/openapi.json`). */

/** The ten steps in order. */
export const stepNames = [
  'intake',
  'scan',
  'seal',
  'assess',
  'harden',
  'approve',
  'serve',
  'monitor',
  'respond',
  'share',
] as const;

/** One of the ten steps. */
export type StepName = (typeof stepNames)[number];

/** Facts whose names are the step's own. */
export type Facts = Readonly<Record<string, unknown>>;

/** Where a step stands. */
export interface Step {
  readonly step: StepName;
  readonly state: 'running' | 'done' | 'refused' | 'failed';
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly result: Facts;
}

/** A version of a model or data set. */
export interface Version {
  readonly id: string;
  readonly artifactId: string;
  readonly name: string;
  readonly kind: 'model' | 'data';
  readonly number: number;
  readonly parentId: string | null;
  readonly state: 'draft' | 'complete' | 'retired';
  readonly digest: string | null;
  readonly bytes: number;
  readonly broughtBy: string;
  readonly createdAt: string;
  /** Day from which nothing of its content may be left. */
  readonly retainUntil: string | null;
  readonly destroyedAt: string | null;
  readonly steps: readonly Step[];
}

/** A model or data set. */
export interface Artifact {
  readonly id: string;
  readonly kind: 'model' | 'data';
  readonly name: string;
  readonly versions: readonly Version[];
}

/** A finding as it stands, in one version or in the whole model. */
export interface Finding {
  readonly id: string;
  /** The version that it was seen in. */
  readonly versionId: string;
  readonly rule: string;
  readonly severity: 'note' | 'low' | 'medium' | 'high' | 'critical';
  readonly title: string;
  readonly evidence: string;
  readonly fix: string;
  readonly state: 'open' | 'accepted' | 'fixed' | 'verified';
  readonly location: { readonly path?: string; readonly member?: string; readonly offset?: number };
  /** Who brought that version in, and so may not accept it. */
  readonly broughtBy: string;
  readonly acceptance: {
    readonly byName: string;
    readonly why: string;
    readonly until: string;
  } | null;
}

/** Scheduled work. */
export interface ScheduledTask {
  readonly name: 'audit' | 'scrub' | 'retention';
  /** Five fields in UTC; null for never. */
  readonly cron: string | null;
  readonly last: { readonly at: string; readonly result: Facts } | null;
  readonly next: string | null;
  readonly runs: boolean;
}

/** A finding in the list of all. */
export interface EstateFinding extends Finding {
  readonly model: string;
  readonly kind: 'model' | 'data';
  /** Number of the version that it was last seen in. */
  readonly number: number;
  readonly createdAt: string;
  readonly verifiedIn: number | null;
}

/** Everything about a version. */
export interface VersionDetail {
  readonly version: Version;
  readonly files: readonly {
    readonly path: string;
    readonly digest: string;
    readonly bytes: number;
  }[];
  readonly findings: readonly Finding[];
  readonly pictures: readonly { readonly name: string; readonly caption: string }[];
  readonly approvals: readonly {
    readonly userName: string;
    readonly comment: string;
    readonly at: string;
  }[];
  readonly data: readonly { readonly dataVersionId: string; readonly use: string }[];
  readonly signed: boolean;
}

/** One attack of a verdict. */
export interface AttackRecord {
  readonly name: string;
  readonly norm: string;
  readonly epsilon: number | null;
  readonly robustAccuracy: number;
  readonly medianDistance: number | null;
  readonly queries: number;
  readonly seconds: number;
  readonly unreliable?: string;
}

/** A job. */
export interface Job {
  readonly id: string;
  readonly versionId: string;
  readonly kind: string;
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly progress: { readonly label?: string; readonly done?: number; readonly total?: number };
  readonly error: string | null;
}

/** What is served. */
export interface Deployment {
  readonly id: string;
  readonly name: string;
  readonly versionId: string;
  readonly guards: Facts;
  readonly state: 'active' | 'stopped';
  readonly startedAt: string;
  readonly detectors: readonly Facts[];
}

/** A request to a served model. */
export interface ServeEvent {
  readonly id: string;
  readonly at: string;
  readonly keyId: string | null;
  readonly decision: 'answered' | 'refused';
  readonly reason: string;
  readonly rows: number;
  readonly latencyMs: number;
  readonly labels: readonly number[];
}

/** Requests and alarms of a version. */
export interface EventPage {
  readonly answered: number;
  readonly refused: number;
  readonly events: readonly ServeEvent[];
  readonly alerts: readonly {
    readonly id: string;
    readonly detector: string;
    readonly at: string;
    readonly statistic: number;
    readonly threshold: number;
    readonly incidentId: string | null;
  }[];
}

/** An incident. */
export interface Incident {
  readonly id: string;
  readonly versionId: string;
  readonly title: string;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  readonly technique: string;
  readonly state: 'open' | 'contained' | 'closed';
  readonly startedAt: string;
  readonly detectedAt: string;
  readonly containedAt: string | null;
  readonly closedAt: string | null;
  readonly detail: Facts;
}

/** An incident with its timeline. */
export interface IncidentDetail {
  readonly incident: Incident;
  readonly timeline: readonly {
    readonly at: string;
    readonly kind: string;
    readonly text: string;
  }[];
  readonly shares: readonly { readonly id: string; readonly tlp: string; readonly at: string }[];
}

/** An API key without its text. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scope: 'inference' | 'platform';
  readonly role: string;
  readonly prefix: string;
  readonly budgetRows: number;
  readonly createdAt: string;
  readonly revokedAt: string | null;
  readonly revokedWhy: string | null;
}

/** A person. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly secondFactor: boolean;
  readonly disabled: boolean;
}

/** Who is signed in. */
export interface Session {
  readonly signedIn: boolean;
  readonly name: string;
  readonly role: string;
  readonly secondFactor: boolean;
  readonly id: string;
}

/** The ledger's own check. */
export interface LedgerReport {
  readonly size: number;
  readonly root: string;
  readonly valid: boolean;
  readonly faults: readonly string[];
  readonly verifierKey: string;
}
