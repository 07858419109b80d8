/**
 * Known vulnerabilities of frameworks, as somebody exported them from OSV: kept for a workspace,
 * given to every scan. New ones are a reason to scan everything again.
 */
import { digestOf, isoTime, utf8 } from '@merlon/core';
import { trimAdvisories } from '@merlon/scan';
import type { Actor } from '../model.ts';
import type { Services } from '../services.ts';
import { advisoriesMeta, advisoriesTextMeta } from '../store/names.ts';
import type { Store } from '../store/store.ts';

/** What is known of the advisories that are kept. */
export interface KeptAdvisories {
  /** Digest of the text: scans name the advisories by it. */
  readonly digest: string;
  /** Packages that they are about, each counted for each advisory. */
  readonly count: number;
  readonly at: string;
}

/** The advisories of a workspace; null while it has none. */
export async function advisoriesOf(
  store: Store,
  workspaceId: string,
): Promise<KeptAdvisories | null> {
  const kept = await store.meta(advisoriesMeta(workspaceId));
  return kept === null ? null : (JSON.parse(kept) as KeptAdvisories | null);
}

/** Their text, for a scan; empty where there are none. */
export async function advisoriesText(store: Store, workspaceId: string): Promise<string> {
  return (await store.meta(advisoriesTextMeta(workspaceId))) ?? '';
}

/** Replaces them, or takes them away by null. Throws `bad-advisories` for what is no export. */
export async function setAdvisories(
  { store, clock, ledger }: Services,
  actor: Actor,
  text: string | null,
): Promise<KeptAdvisories | null> {
  const { workspaceId } = actor;
  const trimmed = text === null ? null : trimAdvisories(text);
  const at = isoTime(clock.nowMs());
  const kept =
    trimmed === null ? null : { digest: digestOf(utf8(trimmed.text)), count: trimmed.count, at };
  await store.transaction(async (tx) => {
    await tx.setMeta(advisoriesMeta(workspaceId), JSON.stringify(kept));
    await tx.setMeta(advisoriesTextMeta(workspaceId), trimmed?.text ?? '');
    const detail = { digest: kept?.digest ?? null, count: kept?.count ?? 0 };
    await ledger.append(tx, actor, { action: 'advisories.set', resource: 'advisories', detail });
  });
  return kept;
}
