/** JSON to a service over HTTP, for the channels that speak it. */
import { type JsonObject, messageOf } from '@merlon/core';

/** Sends it; comes back with the status, throws where the service did not take it. */
export async function postJson(
  address: string,
  body: JsonObject,
  signal: AbortSignal,
): Promise<number> {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
    signal,
  }).catch((error: unknown) => {
    throw new Error(`it was not reached: ${reasonOf(error)}`);
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  return response.status;
}

/** What `fetch` says is "fetch failed"; what failed stands in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const [first] = cause instanceof AggregateError ? cause.errors : [];
  return messageOf(first ?? cause ?? error);
}
