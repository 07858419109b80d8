/** How long work tells how far it is. */

/** One report; `done` never exceeds `total`. */
export interface Progress {
  /** What is being done, a few words. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** Figures worth showing while it runs, such as the present loss. */
  readonly note?: string;
}

/** Receives progress; must not throw and must return quickly. */
export type OnProgress = (progress: Progress) => void;
