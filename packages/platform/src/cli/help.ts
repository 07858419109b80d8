/** `--help` of a verb. */
import { commonOptions } from './usage.ts';
import type { Verb } from './verb.ts';

/** Usage, what it does, and every option with its default. */
export function helpOf(verb: Verb): string {
  const options = { ...verb.options, ...commonOptions };
  const named = Object.entries(options).map(([name, { type, short, help }]) => {
    const flag = short === undefined ? `--${name}` : `-${short}, --${name}`;
    return [type === 'string' ? `${flag} …` : flag, help] as const;
  });
  const width = Math.max(...named.map(([flag]) => flag.length));
  return [
    `Usage: merlon ${verb.name} ${verb.usage}`.trimEnd(),
    '',
    `${verb.does.charAt(0).toUpperCase()}${verb.does.slice(1)}.`,
    '',
    ...named.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`),
    '',
  ].join('\n');
}
