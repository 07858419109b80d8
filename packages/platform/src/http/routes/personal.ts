/** The route that tells which columns of a version hold personal data or secrets. */
import { z } from '@hono/zod-openapi';
import { piecesOf } from '../../blob/blob.ts';
import { scanTable } from '../../personal/table.ts';
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

/** Names of files that are read as text; others hold numbers or are not understood here. */
const readable = /\.(csv|tsv|txt|json|jsonl|md)$/i;

/** Adds the route. */
export function personalRoutes(app: App, platform: Platform): void {
  const { store, keys } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/versions/{id}/personal-data',
      summary: 'Personal data and secrets in text files of a version, by column, masked',
      params: idParams,
      answer: z.object({ files: z.array(reportSchema) }),
    },
    async ({ actor, params, authorize: allow }) => {
      const version = await versionFor(platform, actor, params.id);
      allow('read', { id: version.id });
      const files: z.infer<typeof reportSchema>[] = [];
      for (const file of await store.files(version.id)) {
        if (!readable.test(file.path)) continue;
        const clear = await keys.open(file);
        try {
          const csv = /\.(csv|tsv)$/i.test(file.path);
          const { rows, columns, found } = await scanTable(piecesOf(clear), { csv });
          const copied = found.map((each) => ({ ...each, samples: [...each.samples] }));
          files.push({ path: file.path, rows, columns, found: copied });
        } finally {
          await clear.close();
        }
      }
      return { files };
    },
  );
}
