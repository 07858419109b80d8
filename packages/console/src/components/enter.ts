/** Coming in: what was cached for nobody, or for somebody else, is forgotten first. */
import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';

/** A way inside, to the page that was asked for before signing in. */
export function useEnter(): () => void {
  const client = useQueryClient();
  const router = useRouter();
  return () => {
    client.clear();
    router.history.push(wantedPath(new URLSearchParams(location.search).get('to')));
  };
}

/** The wanted path if it is one of this site; the start page else. */
export function wantedPath(wanted: string | null): string {
  if (wanted === null || !wanted.startsWith('/')) return '/';
  // `//host` and `/\host` are addresses of other sites.
  const { origin, pathname } = new URL(wanted, location.origin);
  return origin === location.origin ? pathname : '/';
}
