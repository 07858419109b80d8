/** `attack --guard`: what guards are worth against attackers who know of them. */
import type { GuardVerdict } from '@merlon/harden';
import { readText } from '../files.ts';
import { table } from '../table.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Terminal, VerbResult } from '../verb.ts';
import { callWorker, percent } from './worker-call.ts';

/** Guards of a file, before they are checked. */
export async function guardsOfFile(path: string): Promise<unknown> {
  const text = await readText(path, 'the guard file');
  try {
    return JSON.parse(text);
  } catch {
    throw usage(`the guard file "${path}" is no JSON`, 'such as {"output":{"decimals":2}}');
  }
}

/** Measures the guards of a file before a model. */
export async function attackGuarded(
  args: Arguments,
  terminal: Terminal,
  wish: { readonly model: string; readonly path: string; readonly options: object },
): Promise<VerbResult> {
  const { model, path } = wish;
  const options = { ...wish.options, guards: await guardsOfFile(path) };
  const verdict = await callWorker<GuardVerdict>(args, terminal, {
    ...{ method: 'guards', model, options },
  });
  const { bare, clean, unaware, adaptive, queries, remarks, samples } = verdict;
  const none = '';
  const rows = [
    ['bare', percent(bare.clean), percent(bare.robust), none, none],
    ['guarded', percent(clean), percent(unaware), percent(adaptive), percent(queries)],
  ];
  const head = ['', 'clean', 'unaware', 'adaptive', 'queries alone'];
  const told = [table(head, rows), `${samples} samples`, ...remarks.map((each) => `! ${each}`)];
  return { exit: 0, json: { ...verdict }, text: told.join('\n') };
}
