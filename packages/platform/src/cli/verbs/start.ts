/** `start` and `tour`: the platform itself. */
import { systemClock } from '@merlon/core';
import { controlCall, controlStatus } from '../../control.ts';
import { PlatformError } from '../../errors.ts';
import { secretsIn } from '../../keys/root-keys.ts';
import { type Running, type StartOptions, start } from '../../main.ts';
import { channelsIn } from '../../notify/channels.ts';
import type { TourLine, TourResult } from '../../tour/tour.ts';
import { table } from '../table.ts';
import { type Arguments, homeOf, usage } from '../usage.ts';
import type { Terminal, Verb } from '../verb.ts';

const portDefault = 7700;

/** Runs the platform until it is told to stop. */
export const startVerb: Verb = {
  name: 'start',
  usage: '[--port 7700] [--grpc-port N] [--tour]',
  does: 'runs the platform; the first start makes the home, its keys and a one-time owner link',
  options: {
    port: { type: 'string', help: 'port on loopback (default 7700; 0 takes a free one)' },
    'grpc-port': { type: 'string', help: 'also answers models over gRPC there (0: a free one)' },
    tour: { type: 'boolean', help: 'take the tour, if it was not taken yet' },
    address: { type: 'string', help: 'listen elsewhere than on loopback; needs --behind-proxy' },
    'behind-proxy': { type: 'boolean', help: 'a proxy in front of Merlon ends TLS' },
    webhook: { type: 'string', help: 'address that is told about incidents' },
  },
  run: async (args, terminal) => {
    const begun = systemClock.nowMs();
    const running = await start(startOptions(args, terminal));
    const seconds = (systemClock.nowMs() - begun) / 1000;
    announce(running, terminal, seconds);
    try {
      if (args.flag('tour') && !(await running.tourTaken())) {
        const result = await tellTour(terminal, (onLine) => running.tour(onLine));
        terminal.say(tourTable(result));
        terminal.say(`\nThe tour is over; Merlon keeps serving at ${running.origin}`);
        tellOwner(running, terminal);
      }
      await untilStopped(terminal.signal);
      terminal.say('stopping …');
    } finally {
      await running.close();
    }
    return { exit: 0, json: { origin: running.origin, seconds } };
  },
};

/** Takes the tour and ends. */
export const tourVerb: Verb = {
  name: 'tour',
  usage: '',
  does: 'takes the tour in --home (starts a platform of its own if none runs there) and exits',
  options: {},
  run: async (args, terminal) => {
    const home = homeOf(args);
    const result =
      (await controlStatus(home)) === null
        ? await ownTour(args, terminal)
        : await tellTour(terminal, (onLine) => remoteTour(home, onLine));
    const failed = result.steps.some((step) => !step.ok);
    return { exit: failed ? 1 : 0, json: result, text: tourTable(result) };
  },
};

function startOptions(args: Arguments, terminal: Terminal, port?: number): StartOptions {
  const { MERLON_DATABASE_URL: databaseUrl, MERLON_ROOT_KEY: newRootKey } = process.env;
  const { MERLON_WEBHOOK, MERLON_WITNESSES, MERLON_OBJECTS_URL: objectsUrl } = process.env;
  const { MERLON_REPLICA_URL: replicaUrl } = process.env;
  const webhook = args.text('webhook') ?? MERLON_WEBHOOK;
  const address = args.text('address');
  const grpcPort = args.integer('grpc-port', 0, 65_535);
  if (webhook !== undefined && !URL.canParse(webhook)) {
    throw usage(
      `"--webhook" expected an address, got "${webhook}"`,
      'such as https://example.com/x',
    );
  }
  return {
    home: homeOf(args),
    port: port ?? args.integer('port', 0, 65_535) ?? portDefault,
    behindProxy: args.flag('behind-proxy'),
    ...(address === undefined ? {} : { address }),
    ...(grpcPort === undefined ? {} : { grpcPort }),
    secrets: secretsIn(process.env),
    ...(objectsUrl === undefined ? {} : { objectsUrl }),
    ...(replicaUrl === undefined ? {} : { replicaUrl }),
    ...(MERLON_WITNESSES === undefined ? {} : { witnessKeys: MERLON_WITNESSES.split(',') }),
    ...(newRootKey === undefined ? {} : { newRootKey }),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(webhook === undefined ? {} : { webhook }),
    channels: channelsIn(process.env),
    onFault: (error) => {
      terminal.say(`fault: ${error instanceof Error ? error.message : String(error)}`);
      if (process.env.MERLON_DEBUG !== undefined) console.error(error);
    },
  };
}

function announce(running: Running, terminal: Terminal, seconds: number): void {
  const { home, origin, grpcPort, jobsResumed } = running;
  terminal.say(`Merlon is ready at ${origin} (${seconds.toFixed(1)} s)`);
  if (grpcPort !== null) terminal.say(`models answer over gRPC at localhost:${grpcPort}`);
  terminal.say(`home: ${home.folder}`);
  if (home.isNew && home.keyFile !== null) {
    terminal.say(`! the root key lies in ${home.keyFile}: move it to a safe place of its own;`);
    terminal.say('  whoever has it opens everything, and without it nothing opens');
  }
  if (jobsResumed > 0) terminal.say(`${jobsResumed} interrupted jobs go on`);
  tellOwner(running, terminal);
}

function tellOwner({ ownerLink }: Running, terminal: Terminal): void {
  if (ownerLink === null) return;
  terminal.say(`become the owner (one-time link, 24 h): ${ownerLink}`);
}

async function ownTour(args: Arguments, terminal: Terminal): Promise<TourResult> {
  const running = await start(startOptions(args, terminal, 0));
  try {
    return await tellTour(terminal, (onLine) => running.tour(onLine));
  } finally {
    await running.close();
  }
}

/** Tells each step as it is measured. */
async function tellTour(
  terminal: Terminal,
  take: (onLine: (line: TourLine) => void) => Promise<TourResult>,
): Promise<TourResult> {
  let told = 0;
  return take((line) => {
    told++;
    terminal.progress({
      label: `${line.model}: ${line.step}`,
      done: Math.min(told, 31),
      total: 31,
    });
    terminal.say(lineOf(line));
  });
}

async function remoteTour(home: string, onLine: (line: TourLine) => void): Promise<TourResult> {
  const outcome: { result: TourResult | null; fault: PlatformError | null } = {
    result: null,
    fault: null,
  };
  await controlCall(home, '/tour', (message) => {
    const { line, done, error } = message as {
      line?: TourLine;
      done?: TourResult;
      error?: { message: string; hint: string };
    };
    if (line !== undefined) onLine(line);
    if (done !== undefined) outcome.result = done;
    if (error !== undefined) {
      outcome.fault = new PlatformError('step-failed', error.message, { hint: error.hint });
    }
  });
  if (outcome.fault !== null) throw outcome.fault;
  if (outcome.result === null) {
    throw new PlatformError('step-failed', 'the platform stopped in the middle of the tour', {
      hint: 'start it again; the tour goes on where it was',
    });
  }
  return outcome.result;
}

function lineOf(line: TourLine): string {
  const mark = line.ok ? '✓' : '✗';
  const seconds = `${line.seconds.toFixed(1)} s`.padStart(7);
  return `${mark} ${line.model.padEnd(9)} ${line.step.padEnd(8)} ${seconds}  ${line.result}`;
}

function tourTable({ steps, seconds }: TourResult): string {
  const rows = steps.map(({ model, step, ok, seconds: own, result }) => {
    return [model, step, ok ? '✓' : '✗', own.toFixed(1), result];
  });
  const body = table(['model', 'step', '', 'seconds', 'measured'], rows);
  return `\n${body}\n\n${steps.length} steps in ${seconds.toFixed(0)} s`;
}

/** Waits until the command is told to stop. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
