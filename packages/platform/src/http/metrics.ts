/** Figures for operations in the OpenMetrics text format. */
import { type Figures, familyLines, gatewayMetrics } from '../gateway/figures.ts';
import type { Platform } from '../platform.ts';

/** Every metric with its help text; docs/ lists the same names. */
export const metricNames = {
  ...gatewayMetrics,
  merlon_incidents: 'Incidents by state',
  merlon_jobs: 'Jobs by state',
  merlon_ledger_entries: 'Decisions in the ledger',
  merlon_resident_memory_bytes: 'Resident memory of the platform process',
} as const;

/** The present figures; no client or key appears in a label. */
export async function metricsText(platform: Platform, figures: Figures): Promise<string> {
  const { store } = platform.services;
  const lines = [...figures.lines()];
  const family = (name: keyof typeof metricNames, type: string): void => {
    lines.push(...familyLines(name, type, metricNames[name]));
  };
  const incidents = await store.incidents(platform.workspaceId);
  family('merlon_incidents', 'gauge');
  for (const state of ['open', 'contained', 'closed']) {
    const count = incidents.filter((incident) => incident.state === state).length;
    lines.push(`merlon_incidents{state="${state}"} ${count}`);
  }
  const jobs = await store.jobs({ workspaceId: platform.workspaceId });
  family('merlon_jobs', 'gauge');
  for (const state of ['queued', 'running', 'done', 'failed', 'cancelled']) {
    lines.push(`merlon_jobs{state="${state}"} ${jobs.filter((job) => job.state === state).length}`);
  }
  family('merlon_ledger_entries', 'gauge');
  lines.push(`merlon_ledger_entries ${await store.ledgerSize()}`);
  family('merlon_resident_memory_bytes', 'gauge');
  lines.push(`merlon_resident_memory_bytes ${process.memoryUsage.rss()}`, '# EOF', '');
  return lines.join('\n');
}
