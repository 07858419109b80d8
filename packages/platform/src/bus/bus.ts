/** News inside the platform: what changed, for whoever watches (jobs, console, monitor). */

/** Something changed; readers fetch what they need themselves. */
export interface News {
  /** What kind of thing changed. */
  readonly topic: 'version' | 'job' | 'incident' | 'deployment' | 'key' | 'person';
  readonly workspaceId: string;
  /** Id of the thing that changed. */
  readonly id: string;
}

/** Publishes and subscribes; delivery is at most once and in order within one process. */
export interface Bus {
  publish(news: News): void;
  /** Calls back for each news; the answer ends the subscription. */
  subscribe(listener: (news: News) => void): () => void;
}
