/** Every read of the API as a query with its key. */
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { get } from './client.ts';
import type {
  ApiKey,
  Artifact,
  Deployment,
  EstateFinding,
  EventPage,
  Incident,
  IncidentDetail,
  Job,
  LedgerReport,
  Person,
  ScheduledTask,
  Session,
  VersionDetail,
} from './types.ts';

/** Who is signed in. */
export function useSession(): UseQueryResult<Session> {
  return useQuery({ queryKey: ['session'], queryFn: () => get<Session>('session') });
}

/** All models with their versions. */
export function useModels(): UseQueryResult<readonly Artifact[]> {
  return useQuery({
    queryKey: ['models'],
    queryFn: async () => (await get<{ models: Artifact[] }>('models')).models,
  });
}

/** All data sets with their versions. */
export function useData(): UseQueryResult<readonly Artifact[]> {
  return useQuery({
    queryKey: ['data'],
    queryFn: async () => (await get<{ data: Artifact[] }>('data')).data,
  });
}

/** Names versions as people do, such as `digits v2`; the start of the id when it is unknown. */
export function useVersionNames(): (id: string) => string {
  const models = useModels().data ?? [];
  const data = useData().data ?? [];
  const versions = [...models, ...data].flatMap((artifact) => artifact.versions);
  return (id) => {
    const found = versions.find((version) => version.id === id);
    return found === undefined ? id.slice(0, 8) : `${found.name} v${found.number}`;
  };
}

/** All jobs. */
export function useJobs(): UseQueryResult<readonly Job[]> {
  return useQuery({
    queryKey: ['jobs'],
    queryFn: async () => (await get<{ jobs: Job[] }>('jobs')).jobs,
  });
}

/** A version with everything about it. */
export function useVersion(id: string): UseQueryResult<VersionDetail> {
  return useQuery({
    queryKey: ['version', id],
    queryFn: () => get<VersionDetail>(`versions/${encodeURIComponent(id)}`),
  });
}

/** What still stands between a version and being served. */
export function useApproval(
  id: string,
): UseQueryResult<{ approved: boolean; unmet: readonly string[] }> {
  return useQuery({
    queryKey: ['approval', id],
    queryFn: () => get(`versions/${encodeURIComponent(id)}/approval`),
  });
}

/** Requests come too often to be told one by one; figures of serving are asked for instead. */
const servingEveryMs = 5000;

/** Requests and alarms of a version. */
export function useEvents(id: string): UseQueryResult<EventPage> {
  return useQuery({
    queryKey: ['events', id],
    queryFn: () => get<EventPage>(`versions/${encodeURIComponent(id)}/events?limit=500`),
    refetchInterval: servingEveryMs,
  });
}

/** What is served. */
export function useDeployments(): UseQueryResult<readonly Deployment[]> {
  return useQuery({
    queryKey: ['deployments'],
    queryFn: async () => (await get<{ deployments: Deployment[] }>('deployments')).deployments,
    refetchInterval: servingEveryMs,
  });
}

/** Findings of all models and data, those that stand first. */
export function useFindings(): UseQueryResult<readonly EstateFinding[]> {
  return useQuery({
    queryKey: ['findings'],
    queryFn: async () => (await get<{ findings: EstateFinding[] }>('findings')).findings,
  });
}

/** Scheduled work. */
export function useSchedules(): UseQueryResult<readonly ScheduledTask[]> {
  return useQuery({
    queryKey: ['schedules'],
    queryFn: async () => (await get<{ schedules: ScheduledTask[] }>('schedules')).schedules,
  });
}

/** All incidents. */
export function useIncidents(): UseQueryResult<readonly Incident[]> {
  return useQuery({
    queryKey: ['incidents'],
    queryFn: async () => (await get<{ incidents: Incident[] }>('incidents')).incidents,
  });
}

/** One incident. */
export function useIncident(id: string): UseQueryResult<IncidentDetail> {
  return useQuery({
    queryKey: ['incident', id],
    queryFn: () => get<IncidentDetail>(`incidents/${encodeURIComponent(id)}`),
  });
}

/** API keys. */
export function useKeys(): UseQueryResult<readonly ApiKey[]> {
  return useQuery({
    queryKey: ['keys'],
    queryFn: async () => (await get<{ keys: ApiKey[] }>('keys')).keys,
  });
}

/** People of the workspace. */
export function usePeople(): UseQueryResult<readonly Person[]> {
  return useQuery({
    queryKey: ['people'],
    queryFn: async () => (await get<{ people: Person[] }>('people')).people,
  });
}

/** The ledger's own check. */
export function useLedger(): UseQueryResult<LedgerReport> {
  return useQuery({
    queryKey: ['ledger', 'report'],
    queryFn: () => get<LedgerReport>('ledger/verify'),
  });
}

/** A page of decisions. */
export function useEntries(
  from: number,
  limit: number,
): UseQueryResult<{ size: number; entries: readonly { index: number; leaf: string }[] }> {
  return useQuery({
    queryKey: ['ledger', 'entries', from],
    queryFn: () => get(`ledger/entries?from=${from}&limit=${limit}`),
  });
}
