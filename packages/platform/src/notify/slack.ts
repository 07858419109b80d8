/** Incoming webhooks as Slack has them, and Mattermost and Rocket.Chat after it: a text in JSON. */
import type { Channel, Told } from './notice.ts';
import { postJson } from './post.ts';
import { type Environment, readSecretAddress } from './settings.ts';
import { facts, headline, nextStep } from './words.ts';

const variable = 'MERLON_SLACK_URL';

/** The channel as the environment sets it; null where it does not. Throws `bad-request`. */
export function slackIn(env: Environment): Channel | null {
  const address = env[variable];
  if (address === undefined) return null;
  return slackChannel(readSecretAddress(address, variable));
}

/** A channel that posts each notice; whoever knows the address may post, so it is a secret. */
export function slackChannel(url: URL): Channel {
  return {
    name: 'Slack',
    secrets: [url.href, url.pathname.length > 1 ? url.pathname : '', url.search],
    send: async (told, signal) => {
      const status = await postJson(url.href, { text: textOf(told) }, signal);
      return `it answered ${status}`;
    },
  };
}

function textOf(told: Told): string {
  const lines = Object.entries(facts(told)).map(([name, value]) => `${name}: ${escaped(value)}`);
  return [`*${escaped(headline(told))}*`, ...lines, `Read on: \`${nextStep(told)}\``].join('\n');
}

/** The three signs that Slack takes as its own, so that no title names people or makes links. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
