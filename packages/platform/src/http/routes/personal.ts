/** The route that tells which columns of a version hold personal data or secrets. */
import { z } from '@hono/zod-openapi';
import { MerlonError } from '@merlon/core';
import { PlatformError } from '../../errors.ts';
import type { PersonalReport } from '../../personal/table.ts';
import type { Platform } from '../../platform.ts';
import { type App, addRoute } from '../route.ts';
import { idParams } from '../views.ts';
import { versionFor } from './artifacts.ts';

const reportSchema = z.object({
  path: z.string(),
  rows: z.number(),
  columns: z.number(),
  found: z.array(
    z.object({
      column: z.string(),
      kind: z.string(),
      cells: z.number(),
      samples: z.array(z.string()),
    }),
  ),
});

/** A table that could not be read, and why. */
const unreadSchema = z.object({ path: z.string(), why: z.string() });

/** Names of files that are read; others hold numbers or are not understood here. */
const readable = /\.(csv|tsv|txt|json|jsonl|md|parquet)$/i;
const timeoutMs = 600_000;

/** Adds the route. */
export function personalRoutes(app: App, platform: Platform): void {
  const { store, keys, startWorker } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/versions/{id}/personal-data',
      summary: 'Personal data and secrets in tables and texts of a version, by column, masked',
      params: idParams,
      answer: z.object({ files: z.array(reportSchema), unread: z.array(unreadSchema) }),
    },
    async ({ actor, params, authorize: allow }) => {
      const version = await versionFor(platform, actor, params.id);
      allow('read', { id: version.id });
      const files: z.infer<typeof reportSchema>[] = [];
      const unread: z.infer<typeof unreadSchema>[] = [];
      const worker = startWorker();
      try {
        for (const file of await store.files(version.id)) {
          const { path } = file;
          if (!readable.test(path)) continue;
          const clear = await keys.open(file);
          const call = { sources: { file: clear }, timeoutMs };
          try {
            const report = await worker.call<PersonalReport>('personal', { path }, call);
            const found = report.found.map((each) => ({ ...each, samples: [...each.samples] }));
            files.push({ path, rows: report.rows, columns: report.columns, found });
          } catch (error) {
            if (!(error instanceof MerlonError) || error instanceof PlatformError) throw error;
            unread.push({ path, why: error.message });
          } finally {
            await clear.close();
          }
        }
      } finally {
        await worker.close();
      }
      return { files, unread };
    },
  );
}
