/**
 * Approve: a person with a second factor says yes to a version that somebody else brought in, and
 * only when everything else that the policy demands already holds.
 */
import { isoTime, uuidv7 } from '@merlon/core';
import { unmetOf } from '../approval.ts';
import { PlatformError } from '../errors.ts';
import type { Actor, Approval, Version } from '../model.ts';
import type { Services } from '../services.ts';

/** Records an approval; throws `not-ready` with every condition that does not hold. */
export async function approveVersion(
  services: Services,
  actor: Actor,
  version: Version,
  comment: string,
): Promise<Approval> {
  const { store, ledger, clock, bus } = services;
  const at = isoTime(clock.nowMs());
  const approval: Approval = {
    id: uuidv7(clock),
    versionId: version.id,
    userId: actor.id,
    userName: actor.name,
    comment,
    at,
  };
  await store.transaction(async (tx) => {
    const faults = await unmetOf(tx, version, { now: at, ignoreApprovals: true });
    if (faults.length > 0) {
      throw new PlatformError('not-ready', `cannot be approved yet: ${faults.join('; ')}`, {
        hint: 'finish the missing steps first',
      });
    }
    const earlier = await tx.approvals(version.id);
    if (earlier.some((each) => each.userId === actor.id)) {
      throw new PlatformError('conflict', 'you have approved this version already');
    }
    await tx.addApproval(approval);
    const stillUnmet = await unmetOf(tx, version, { now: at });
    const result = { approvals: earlier.length + 1, by: actor.name, open: stillUnmet.join('; ') };
    await tx.putStep({
      versionId: version.id,
      step: 'approve',
      state: stillUnmet.length === 0 ? 'done' : 'running',
      startedAt: earlier[0]?.at ?? at,
      finishedAt: stillUnmet.length === 0 ? at : null,
      result,
    });
    const resource = `version/${version.id}`;
    const detail = { digest: version.digest, comment: comment.slice(0, 500) };
    await ledger.append(tx, actor, { action: 'step.approve', resource, detail });
  });
  bus.publish({ topic: 'version', workspaceId: version.workspaceId, id: version.id });
  return approval;
}
