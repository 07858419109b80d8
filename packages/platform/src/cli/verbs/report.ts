/** `report`: versions and their whole way, for people and for programs. */
import { findingsSarif } from '@merlon/attack';
import { isoTime, type JsonObject, systemClock, utf8 } from '@merlon/core';
import { billOf } from '../../report/bill.ts';
import type { Estate, ReportedIncident, ReportedVersion } from '../../report/estate.ts';
import { pageOf } from '../../report/page.ts';
import { once, writeChunks } from '../files.ts';
import { type Api, objects, openApi, remoteOptions } from '../remote.ts';
import type { Verb } from '../verb.ts';

const formats = ['html', 'json', 'sarif', 'cyclonedx'] as const;

/** Writes a report. */
export const reportVerb: Verb = {
  name: 'report',
  usage: '[VERSION…] [--format html|json|sarif|cyclonedx] [-o FILE]',
  does: 'writes a report over versions, or over everything, with findings, figures and lineage',
  options: {
    format: { type: 'string', help: `${formats.join(', ')} (default html)` },
    out: { type: 'string', short: 'o', help: 'file to write (default: standard output)' },
    ...remoteOptions,
  },
  run: async (args) => {
    const format = args.choice('format', formats, 'html');
    const estate = await gather(await openApi(args), args.positionals);
    const madeAt = isoTime(systemClock.nowMs());
    const { page, json } = written(estate, format, madeAt);
    const out = args.text('out');
    if (out === undefined) return { exit: 0, json, raw: page };
    await writeChunks(out, once(utf8(page)));
    const { versions, incidents } = estate;
    return {
      exit: 0,
      json,
      text: `${out}: ${versions.length} versions, ${incidents.length} incidents`,
    };
  },
};

function written(
  estate: Estate,
  format: (typeof formats)[number],
  madeAt: string,
): { readonly page: string; readonly json: JsonObject } {
  const whole = { madeAt, ...estate } as unknown as JsonObject;
  const asJson = (json: JsonObject) => ({ page: `${JSON.stringify(json, null, 2)}\n`, json });
  if (format === 'html') return { page: pageOf(estate, madeAt), json: whole };
  if (format === 'cyclonedx') return asJson(billOf(estate, madeAt));
  if (format === 'json') return asJson(whole);
  const findings = estate.versions.flatMap(({ name, number, findings: own }) =>
    own.map((finding) => {
      const path = `${name}/${number}/${finding.location.path ?? ''}`;
      return { ...finding, location: { ...finding.location, path } };
    }),
  );
  return asJson(findingsSarif(findings));
}

/** The versions asked for, or all, with the data and parents that they name. */
async function gather(api: Api, wanted: readonly string[]): Promise<Estate> {
  const ids = new Set<string>(wanted);
  if (wanted.length === 0) {
    for (const kind of ['models', 'data']) {
      const listed = objects((await api.ask('GET', `/api/v1/${kind}`))[kind]);
      for (const { versions } of listed)
        for (const { id } of objects(versions)) ids.add(String(id));
    }
  }
  const versions: ReportedVersion[] = [];
  // What is named on the way is added to the end and read in its turn.
  for (const id of ids) {
    const answer = await api.ask('GET', `/api/v1/versions/${encodeURIComponent(id)}`);
    const { version, ...rest } = answer;
    const read = { ...(version as JsonObject), ...rest } as unknown as ReportedVersion;
    versions.push(read);
    for (const { dataVersionId } of read.data) ids.add(dataVersionId);
    if (read.parentId !== null) ids.add(read.parentId);
  }
  const listed = objects((await api.ask('GET', '/api/v1/incidents')).incidents);
  const incidents = listed as unknown as readonly ReportedIncident[];
  return { versions, incidents: incidents.filter(({ versionId }) => ids.has(versionId)) };
}
