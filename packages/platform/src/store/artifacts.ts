/** Models, data sets, versions and findings in SQL. */
import type { Digest, Finding } from '@merlon/core';
import type { Kysely } from 'kysely';
import type {
  Acceptance,
  Approval,
  Artifact,
  DataLink,
  Sighting,
  Track,
  Version,
  VersionFile,
} from '../model.ts';
import type { Columns } from './columns.ts';
import { binary } from './row.ts';
import type { Schema } from './schema.ts';
import type { ArtifactStore } from './store.ts';

/** The part of the store that keeps what came in. */
export function artifactStore(db: Kysely<Schema>, columns: Columns): ArtifactStore {
  return {
    ...artifactQueries(db),
    ...versionQueries(db),
    ...objectQueries(db),
    ...findingQueries(db, columns),
    ...resultQueries(db, columns),
  };
}

type ArtifactPart = Pick<
  ArtifactStore,
  'addWorkspace' | 'workspaces' | 'addArtifact' | 'artifact' | 'artifactByName' | 'artifacts'
>;

function artifactQueries(db: Kysely<Schema>): ArtifactPart {
  return {
    addWorkspace: async (workspace) => {
      await db.insertInto('workspaces').values(workspace).execute();
    },
    workspaces: () => db.selectFrom('workspaces').selectAll().orderBy('createdAt').execute(),
    addArtifact: async (artifact) => {
      await db.insertInto('artifacts').values(artifact).execute();
    },
    artifact: async (id) =>
      asArtifact(
        await db.selectFrom('artifacts').selectAll().where('id', '=', id).executeTakeFirst(),
      ),
    artifactByName: async (workspaceId, kind, name) =>
      asArtifact(
        await db
          .selectFrom('artifacts')
          .selectAll()
          .where('workspaceId', '=', workspaceId)
          .where('kind', '=', kind)
          .where('name', '=', name)
          .executeTakeFirst(),
      ),
    artifacts: async (workspaceId, kind) =>
      (await db
        .selectFrom('artifacts')
        .selectAll()
        .where('workspaceId', '=', workspaceId)
        .where('kind', '=', kind)
        .orderBy('createdAt')
        .execute()) as Artifact[],
  };
}

type VersionPart = Pick<
  ArtifactStore,
  | 'addVersion'
  | 'updateVersion'
  | 'version'
  | 'versions'
  | 'putFile'
  | 'files'
  | 'linkData'
  | 'dataLinks'
>;

function versionQueries(db: Kysely<Schema>): VersionPart {
  return {
    addVersion: async (version) => {
      await db.insertInto('versions').values(version).execute();
    },
    updateVersion: async (id, change) => {
      await db.updateTable('versions').set(change).where('id', '=', id).execute();
    },
    version: async (id) => {
      const row = await db
        .selectFrom('versions')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : (row as Version);
    },
    versions: async (artifactId) =>
      (await db
        .selectFrom('versions')
        .selectAll()
        .where('artifactId', '=', artifactId)
        .orderBy('number')
        .execute()) as Version[],
    putFile: async (file) => {
      await db
        .insertInto('versionFiles')
        .values(file)
        .onConflict((conflict) =>
          conflict.columns(['versionId', 'path']).doUpdateSet({
            digest: file.digest,
            bytes: file.bytes,
            blob: file.blob,
            keyId: file.keyId,
            header: file.header,
          }),
        )
        .execute();
    },
    files: async (versionId) =>
      (await db
        .selectFrom('versionFiles')
        .selectAll()
        .where('versionId', '=', versionId)
        .orderBy('path')
        .execute()) as (VersionFile & { digest: Digest })[],
    linkData: async (link) => {
      await db
        .insertInto('dataLinks')
        .values(link)
        .onConflict((conflict) =>
          conflict.columns(['versionId', 'use']).doUpdateSet({ dataVersionId: link.dataVersionId }),
        )
        .execute();
    },
    dataLinks: async (versionId) =>
      (await db
        .selectFrom('dataLinks')
        .selectAll()
        .where('versionId', '=', versionId)
        .orderBy('use')
        .execute()) as DataLink[],
  };
}

/** Names in one query: databases take so many at least. */
const namesMax = 500;

type ObjectPart = Pick<
  ArtifactStore,
  'allFiles' | 'blobNames' | 'sealedFiles' | 'blobUses' | 'moveBlob' | 'expiredVersions'
>;

function objectQueries(db: Kysely<Schema>): ObjectPart {
  /** Files whose content was not destroyed with their version. */
  const present = () =>
    db
      .selectFrom('versionFiles')
      .innerJoin('versions', 'versions.id', 'versionFiles.versionId')
      .where('versions.destroyedAt', 'is', null);
  return {
    allFiles: async () =>
      (await present().selectAll('versionFiles').execute()) as (VersionFile & {
        digest: Digest;
      })[],
    blobNames: async () => {
      const rows = await present().select('versionFiles.blob').execute();
      return new Set(rows.map((row) => row.blob));
    },
    sealedFiles: async (workspaceId, digest) =>
      (await db
        .selectFrom('versionFiles')
        .innerJoin('wrappedKeys', 'wrappedKeys.id', 'versionFiles.keyId')
        .selectAll('versionFiles')
        .where('versionFiles.digest', '=', digest)
        .where('wrappedKeys.workspaceId', '=', workspaceId)
        .where('wrappedKeys.purpose', '=', 'version')
        .where('wrappedKeys.destroyedAt', 'is', null)
        .orderBy('versionFiles.versionId')
        .execute()) as (VersionFile & { digest: Digest })[],
    blobUses: async (blobs) => {
      const uses = new Map<string, number>();
      for (let at = 0; at < blobs.length; at += namesMax) {
        const rows = await present()
          .select(['versionFiles.blob', db.fn.countAll().as('uses')])
          .where('versionFiles.blob', 'in', blobs.slice(at, at + namesMax))
          .groupBy('versionFiles.blob')
          .execute();
        for (const row of rows) uses.set(row.blob, Number(row.uses));
      }
      return uses;
    },
    moveBlob: async (from, to) => {
      await db.updateTable('versionFiles').set({ blob: to }).where('blob', '=', from).execute();
    },
    expiredVersions: async (workspaceId, day) =>
      (await db
        .selectFrom('versions')
        .selectAll()
        .where('workspaceId', '=', workspaceId)
        .where('retainUntil', '<=', day)
        .where('destroyedAt', 'is', null)
        .orderBy('id')
        .execute()) as Version[],
  };
}

type FindingPart = Pick<
  ArtifactStore,
  'tracks' | 'track' | 'putTrack' | 'sightings' | 'replaceSightings'
>;

function findingQueries(db: Kysely<Schema>, columns: Columns): FindingPart {
  const bodyOf = (id: string) => ({ column: 'findings/body', row: id });
  const acceptanceOf = (id: string) => ({ column: 'tracks/acceptance', row: id });
  const asTrack = (row: Schema['tracks']): Track => {
    const { acceptance } = row;
    const opened = acceptance && JSON.parse(columns.open(acceptanceOf(row.id), acceptance));
    return { ...(row as unknown as Track), acceptance: opened as Acceptance | null };
  };
  return {
    tracks: async (artifactId) => {
      const query = db.selectFrom('tracks').selectAll().where('artifactId', '=', artifactId);
      return (await query.orderBy('id').execute()).map(asTrack);
    },
    track: async (id) => {
      const row = await db.selectFrom('tracks').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : asTrack(row);
    },
    putTrack: async ({ acceptance, ...track }) => {
      const text = acceptance && columns.seal(acceptanceOf(track.id), JSON.stringify(acceptance));
      const row = { ...track, acceptance: text };
      const { id: _, ...change } = row;
      await db
        .insertInto('tracks')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(change))
        .execute();
    },
    sightings: async (versionId) => {
      const query = db.selectFrom('findings').selectAll().where('versionId', '=', versionId);
      return (await query.orderBy('id').execute()).map((row): Sighting => {
        const { body, ...rest } = row;
        return {
          ...(JSON.parse(columns.open(bodyOf(row.id), body)) as Finding),
          ...rest,
        } as Sighting;
      });
    },
    replaceSightings: async (versionId, sightings) => {
      await db.deleteFrom('findings').where('versionId', '=', versionId).execute();
      for (const { id, trackId, digest, createdAt, goneAt, ...finding } of sightings) {
        const { versionId: _, ...content } = finding;
        const { rule, severity } = content;
        const body = columns.seal(bodyOf(id), JSON.stringify(content));
        const row = { id, versionId, trackId, digest, rule, severity, createdAt, goneAt, body };
        await db.insertInto('findings').values(row).execute();
      }
    },
  };
}

type ResultPart = Pick<ArtifactStore, 'putPicture' | 'pictures' | 'addApproval' | 'approvals'>;

function resultQueries(db: Kysely<Schema>, columns: Columns): ResultPart {
  const commentOf = (id: string) => ({ column: 'approvals/comment', row: id });
  return {
    putPicture: async (picture) => {
      const { png, caption } = picture;
      await db
        .insertInto('pictures')
        .values(picture)
        .onConflict((c) => c.columns(['versionId', 'name']).doUpdateSet({ png, caption }))
        .execute();
    },
    pictures: async (versionId) => {
      const rows = await db
        .selectFrom('pictures')
        .selectAll()
        .where('versionId', '=', versionId)
        .orderBy('name')
        .execute();
      return rows.map((row) => ({ ...row, png: binary(row.png) }));
    },
    addApproval: async (approval) => {
      const comment = columns.seal(commentOf(approval.id), approval.comment);
      await db
        .insertInto('approvals')
        .values({ ...approval, comment })
        .execute();
    },
    approvals: async (versionId): Promise<Approval[]> => {
      const rows = await db
        .selectFrom('approvals')
        .selectAll()
        .where('versionId', '=', versionId)
        .orderBy('at')
        .execute();
      return rows.map((row) => {
        return { ...row, comment: columns.open(commentOf(row.id), row.comment) };
      });
    },
  };
}

function asArtifact(row: Schema['artifacts'] | undefined): Artifact | null {
  return row === undefined ? null : (row as Artifact);
}
