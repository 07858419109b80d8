/** Wrong settings are refused in one sentence that names the variable and never its value. */
import { describe, expect, it } from 'vitest';
import { channelsIn } from '../../src/notify/channels.ts';
import { runMerlon } from '../support/merlon.ts';
import { freshHome } from '../support/platform.ts';

const secret = 'sEcReT9';
const mail = {
  MERLON_SMTP_URL: 'smtps://mail.example',
  MERLON_MAIL_FROM: 'a@b.example',
  MERLON_MAIL_TO: 'c@d.example',
};

const wrong: readonly (readonly [variable: string, env: Record<string, string>])[] = [
  ['MERLON_SMTP_URL', { MERLON_MAIL_FROM: 'a@b.example' }],
  ...['', secret, `http://${secret}`, `smtp://u:${secret}@`].map(
    (url) => ['MERLON_SMTP_URL', { MERLON_SMTP_URL: url }] as const,
  ),
  ...[`smtps://u:${secret}@m/x`, `smtps://${secret}@m`, `smtps://:${secret}@m`].map(
    (url) => ['MERLON_SMTP_URL', { ...mail, MERLON_SMTP_URL: url }] as const,
  ),
  ['MERLON_SMTP_URL', { ...mail, MERLON_SMTP_URL: `smtps://u:${secret}%zz@m` }],
  ['MERLON_SMTP_URL', { ...mail, MERLON_SMTP_URL: `smtps://m?ca=/no/${secret}` }],
  ['MERLON_SMTP_URL', { ...mail, MERLON_SMTP_URL: `smtps://m?insecure=${secret}` }],
  ...['', 'nobody', 'a@b.example,c@d.example', 'a@b.example\nBcc: x@y.example'].map(
    (from) => ['MERLON_MAIL_FROM', { ...mail, MERLON_MAIL_FROM: from }] as const,
  ),
  ...['', 'a@b.example,', 'Name <a@b.example>'].map(
    (to) => ['MERLON_MAIL_TO', { ...mail, MERLON_MAIL_TO: to }] as const,
  ),
  ...['', secret, `ftp://h/${secret}`, `http://chat.example/${secret}`, 'https://'].map(
    (url) => ['MERLON_SLACK_URL', { MERLON_SLACK_URL: url }] as const,
  ),
  ['MERLON_PAGERDUTY_KEY', { MERLON_PAGERDUTY_URL: `https://pager.example/${secret}` }],
  ...['', secret, `${secret}${'x'.repeat(26)}`, `${secret} ${'x'.repeat(24)}`].map(
    (key) => ['MERLON_PAGERDUTY_KEY', { MERLON_PAGERDUTY_KEY: key }] as const,
  ),
  ...['', secret, `tcp://${secret}:1`, `syslog://h/${secret}`, `syslog://${secret}@h`].map(
    (url) => ['MERLON_SYSLOG_URL', { MERLON_SYSLOG_URL: url }] as const,
  ),
  ['MERLON_SYSLOG_URL', { MERLON_SYSLOG_URL: 'syslog://h:99999' }],
  ['MERLON_SYSLOG_URL', { MERLON_SYSLOG_URL: `syslog+tls://h?ca=${secret}` }],
  [
    'MERLON_PAGERDUTY_URL',
    { MERLON_PAGERDUTY_KEY: secret, MERLON_PAGERDUTY_URL: `http://pager.example/${secret}` },
  ],
];

describe('settings of channels', () => {
  it('are none by default', () => expect(channelsIn({ PATH: '/bin' })).toEqual([]));
  it.each(wrong)('%s of %j', (variable, env) => {
    const made = (): unknown => channelsIn(env);
    expect(made).toThrow(expect.objectContaining({ code: 'bad-request' }));
    try {
      made();
    } catch (error) {
      const { message, hint } = error as { message: string; hint: string };
      expect(message).toMatch(new RegExp(`^"${variable}" expected `));
      expect(hint).toMatch(/\S/);
      expect(message + hint).not.toContain(secret);
    }
  });
  it('refuse the start', async () => {
    const home = freshHome();
    const env = { ...mail, MERLON_SMTP_URL: `smtp:/${secret}` };
    const { status, told } = await runMerlon(['start', '--home', home, '--port', '0'], env);
    expect(told).toMatch(/"MERLON_SMTP_URL" expected smtp:\/\//);
    expect(told).not.toContain(secret);
    expect(status).toBe(2);
  });
});
