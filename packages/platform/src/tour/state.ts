/** Where the tour stands: a row in the encrypted database, so that a killed tour goes on. */
import { isoTime, type JsonObject } from '@merlon/core';
import type { StepName } from '../model.ts';
import type { Services } from '../services.ts';
import type { TourPerson } from './client.ts';

/** One measured step. */
export interface TourLine {
  readonly step: StepName;
  readonly model: string;
  readonly ok: boolean;
  readonly seconds: number;
  /** One sentence with the figures. */
  readonly result: string;
}

/** Everything that must survive a crash of the tour. */
export interface TourState {
  readonly startedAt: string;
  readonly people: Readonly<Record<'developer' | 'approver', TourPerson>>;
  /** Ids of acts that are finished, with what they found. */
  readonly acts: Readonly<Record<string, JsonObject>>;
  readonly lines: readonly TourLine[];
  readonly finishedAt: string | null;
  /** Seconds spent in all runs so far. */
  readonly seconds: number;
}

/** The tour's memory. */
export interface TourMemory {
  readonly state: TourState;
  /** Finishes an act unless it was finished before; returns what it found. */
  act(id: string, perform: () => Promise<JsonObject>): Promise<JsonObject>;
  /** Tells and keeps a line, once for each step and model. */
  line(line: TourLine): Promise<void>;
  change(change: Partial<TourState>): Promise<void>;
}

const tourId = 'first';

/** The state of the tour, or null before its first run. */
export async function readTour({ store }: Pick<Services, 'store'>): Promise<TourState | null> {
  const text = await store.tourState(tourId);
  return text === null ? null : (JSON.parse(text) as TourState);
}

/** Opens the memory, beginning a new tour when there is none. */
export async function openMemory(
  services: Services,
  begin: () => TourState,
  onLine: (line: TourLine) => void,
): Promise<TourMemory> {
  let state = (await readTour(services)) ?? begin();
  let tail: Promise<void> = Promise.resolve();
  // Two models travel at once, so writes stand in line: the last one always has everything.
  const save = (): Promise<void> => {
    tail = tail.then(() => {
      const at = isoTime(services.clock.nowMs());
      return services.store.setTourState(tourId, JSON.stringify(state), at);
    });
    return tail;
  };
  await save();
  for (const line of state.lines) onLine(line);
  return {
    get state() {
      return state;
    },
    act: async (id, perform) => {
      const done = state.acts[id];
      if (done !== undefined) return done;
      const found = await perform();
      state = { ...state, acts: { ...state.acts, [id]: found } };
      await save();
      return found;
    },
    line: async (line) => {
      if (state.lines.some((l) => l.step === line.step && l.model === line.model)) return;
      state = { ...state, lines: [...state.lines, line] };
      await save();
      onLine(line);
    },
    change: async (change) => {
      state = { ...state, ...change };
      await save();
    },
  };
}
