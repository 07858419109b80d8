/** Errors of the monitor engine. */
import { MerlonError } from '@merlon/core';

/** Codes of monitor errors. */
export type MonitorErrorCode = 'bad-sample' | 'bad-state' | 'bad-playbook' | 'playbook-failed';

/** A detector or playbook was given something it cannot use. */
export class MonitorError extends MerlonError<MonitorErrorCode> {}
