/** The running platform as its HTTP layer sees it: every capability, none of the adapters. */
import type { Decide } from '@merlon/access';
import type { JsonObject } from '@merlon/core';
import type { Audits } from './audit/audit.ts';
import type { Scheduler } from './audit/scheduler.ts';
import type { JobRunner } from './jobs/runner.ts';
import type { Deployment } from './model.ts';
import type { People } from './people/people.ts';
import type { Containment } from './respond/playbook.ts';
import type { Host } from './serve/host.ts';
import type { Services } from './services.ts';

/** Settings that a person chose. */
export interface Settings {
  readonly port: number;
  /** Address for people, such as `http://localhost:7700`. */
  readonly origin: string;
  /** Folder of the built console; null when it was not built. */
  readonly consoleFolder: string | null;
  readonly version: string;
}

/** Detectors at work on served models. */
export interface Watch {
  /** Begins to watch a deployment (again, from its stored events). */
  begin(deployment: Deployment): Promise<void>;
  end(deploymentId: string): void;
  /** What its detectors have seen. */
  status(deploymentId: string): readonly JsonObject[];
}

/** Everything that routes may use. */
export interface Platform {
  readonly services: Services;
  readonly settings: Settings;
  readonly people: People;
  readonly decide: Decide;
  readonly runner: JobRunner;
  readonly scheduler: Scheduler;
  readonly rescan: Audits['rescan'];
  readonly completeVersions: Audits['completeVersions'];
  readonly host: Host;
  readonly watch: Watch;
  readonly containment: Containment;
  /** Where incidents are told; null for nowhere. */
  readonly webhook: { address: string | null };
  /** Gives the embedded database its next key; throws `bad-request` where a server keeps it. */
  readonly rekeyDatabase: () => Promise<number>;
  /** The workspace of this home. */
  readonly workspaceId: string;
}
