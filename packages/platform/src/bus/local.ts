/** The bus of a single process. */
import type { Bus, News } from './bus.ts';

/** A bus in memory; a listener that throws is a fault of that listener and ends its delivery. */
export function localBus(): Bus {
  const listeners = new Set<(news: News) => void>();
  return {
    publish: (news) => {
      for (const listener of [...listeners]) listener(news);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
