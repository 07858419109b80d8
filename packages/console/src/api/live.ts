/**
 * Live news: server-sent events make the affected queries fetch again. A stream that breaks is
 * opened again, and everything is fetched once more then, since news may have been missed.
 */
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

/** How the stream stands: not asked for, open, or broken and tried again. */
export type LiveState = 'off' | 'live' | 'lost';

const affected: Readonly<Record<string, readonly string[]>> = {
  version: [
    ...['models', 'data', 'version', 'approval', 'findings', 'events', 'deployments', 'ledger'],
  ],
  job: ['jobs'],
  deployment: ['deployments', 'ledger'],
  incident: ['incidents', 'incident', 'version', 'events', 'ledger'],
  key: ['keys', 'ledger'],
  person: ['people', 'ledger'],
};
const gatherMs = 400;
const retryMs = 3000;

/** Follows the platform's news for as long as the page is open. */
export function useLiveNews(enabled: boolean): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('off');
  useEffect(() => {
    if (!enabled) return undefined;
    const end = follow(client, setState);
    return () => {
      end();
      setState('off');
    };
  }, [client, enabled]);
  return state;
}

function follow(client: QueryClient, tell: (state: LiveState) => void): () => void {
  const gathered = gather(client);
  let retry: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource;
  let wasLost = false;
  const open = (): void => {
    source = new EventSource('/api/v1/stream');
    source.onopen = () => {
      tell('live');
      if (wasLost) void client.invalidateQueries();
      wasLost = false;
    };
    source.onerror = () => {
      tell('lost');
      wasLost = true;
      if (source.readyState !== EventSource.CLOSED) return;
      // A refusal ends the stream for good: either the session is over, or a restart is under way.
      void client.invalidateQueries({ queryKey: ['session'] });
      retry = setTimeout(open, retryMs);
    };
    for (const [topic, keys] of Object.entries(affected)) {
      source.addEventListener(topic, () => gathered.add(keys));
    }
  };
  open();
  return () => {
    clearTimeout(retry);
    gathered.end();
    source.close();
  };
}

/** News come in bursts; each query is fetched once for all of them. */
function gather(client: QueryClient): { add(keys: readonly string[]): void; end(): void } {
  const waiting = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    timer = undefined;
    for (const key of waiting) void client.invalidateQueries({ queryKey: [key] });
    waiting.clear();
  };
  return {
    add: (keys) => {
      for (const key of keys) waiting.add(key);
      timer ??= setTimeout(flush, gatherMs);
    },
    end: () => clearTimeout(timer),
  };
}
