/** Live news: server-sent events make the affected queries fetch again. */
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

const affected: Readonly<Record<string, readonly string[]>> = {
  version: ['models', 'data', 'version', 'approval', 'events', 'deployments'],
  job: ['jobs'],
  deployment: ['deployments'],
  incident: ['incidents', 'incident', 'version'],
  key: ['keys'],
};
const gatherMs = 300;

/** Follows the platform's news for as long as the page is open. */
export function useLiveNews(enabled: boolean): void {
  const client = useQueryClient();
  useEffect(() => (enabled ? follow(client) : undefined), [client, enabled]);
}

function follow(client: QueryClient): () => void {
  const source = new EventSource('/api/v1/stream');
  const waiting = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  // News come in bursts; each query is fetched once for all of them.
  const flush = (): void => {
    timer = undefined;
    for (const key of waiting) void client.invalidateQueries({ queryKey: [key] });
    waiting.clear();
  };
  for (const [topic, keys] of Object.entries(affected)) {
    source.addEventListener(topic, () => {
      for (const key of keys) waiting.add(key);
      timer ??= setTimeout(flush, gatherMs);
    });
  }
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
