/** Routes of scheduled work: see it, set when, do it now. */
import { z } from '@hono/zod-openapi';
import { taskNames } from '../../audit/scheduler.ts';
import type { Platform } from '../../platform.ts';
import { type App, addRoute } from '../route.ts';
import { objectSchema } from '../views.ts';

const nameParams = z.object({ name: z.enum(taskNames) });
const scheduleSchema = z.object({
  name: z.enum(taskNames),
  cron: z.string().nullable(),
  last: z.object({ at: z.string(), result: objectSchema }).nullable(),
  next: z.string().nullable(),
  runs: z.boolean(),
});

/** Adds the routes. */
export function scheduleRoutes(app: App, platform: Platform): void {
  const { scheduler } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/schedules',
      summary: 'Scheduled work: audits of everything, reading of every object, ends of retention',
      answer: z.object({ schedules: z.array(scheduleSchema) }),
    },
    async ({ authorize }) => {
      authorize('read');
      return { schedules: await scheduler.tasks() };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'put',
      path: '/api/v1/schedules/{name}',
      summary: 'Set when scheduled work comes: five fields of cron in UTC, or null for never',
      params: nameParams,
      body: z.object({ cron: z.string().max(100).nullable() }),
      answer: z.object({ schedules: z.array(scheduleSchema) }),
    },
    async ({ actor, params, body, authorize }) => {
      authorize('incident.manage');
      await scheduler.set(actor, params.name, body.cron);
      return { schedules: await scheduler.tasks() };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/schedules/{name}/run',
      summary: 'Do scheduled work now; the answer comes once it is done',
      params: nameParams,
      answer: objectSchema,
    },
    async ({ params, authorize }) => {
      authorize('incident.manage');
      return scheduler.run(params.name);
    },
  );
}
