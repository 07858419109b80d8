/** Every read of the API as a query with its key. */
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { get } from './client.ts';
import type {
  ApiKey,
  Artifact,
  Deployment,
  EventPage,
  Incident,
  IncidentDetail,
  Job,
  LedgerReport,
  Person,
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
  return useQuery({ queryKey: ['approval', id], queryFn: () => get(`versions/${id}/approval`) });
}

/** Requests and alarms of a version. */
export function useEvents(id: string): UseQueryResult<EventPage> {
  return useQuery({
    queryKey: ['events', id],
    queryFn: () => get<EventPage>(`versions/${id}/events?limit=500`),
  });
}

/** What is served. */
export function useDeployments(): UseQueryResult<readonly Deployment[]> {
  return useQuery({
    queryKey: ['deployments'],
    queryFn: async () => (await get<{ deployments: Deployment[] }>('deployments')).deployments,
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
  return useQuery({ queryKey: ['ledger'], queryFn: () => get<LedgerReport>('ledger/verify') });
}

/** A page of decisions. */
export function useEntries(
  from: number,
  limit: number,
): UseQueryResult<{ size: number; entries: readonly { index: number; leaf: string }[] }> {
  return useQuery({
    queryKey: ['ledger', from],
    queryFn: () => get(`ledger/entries?from=${from}&limit=${limit}`),
  });
}
