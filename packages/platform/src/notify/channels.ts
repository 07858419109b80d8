/** All channels that the environment sets. */
import { mailIn } from './mail.ts';
import type { Channel } from './notice.ts';
import { pagerDutyIn } from './pagerduty.ts';
import type { Environment } from './settings.ts';
import { slackIn } from './slack.ts';
import { syslogIn } from './syslog.ts';

/** The channels; throws `bad-request` naming the variable that is wrong, and never its value. */
export function channelsIn(env: Environment): Channel[] {
  return [mailIn, slackIn, pagerDutyIn, syslogIn].flatMap((read) => read(env) ?? []);
}
