/**
 * The estate as one HTML file for people: no script, nothing loaded from anywhere, light and dark,
 * fit to print. Every text from outside is escaped.
 */
import { htmlDocument, percent, escapeHtml as text } from '@merlon/attack';
import { digestHex, toDigest } from '@merlon/core';
import { stands } from '../findings/track.ts';
import {
  type Estate,
  measuresOf,
  type ReportedFinding,
  type ReportedVersion,
  worstOpen,
} from './estate.ts';

const ownStyle = `
a{color:inherit}.good{color:var(--fill)}.bad{color:var(--doubt)}
article{border-top:2px solid var(--line);margin-top:2.5rem}
td.long{white-space:normal;min-width:16rem}code{font-size:.85em;overflow-wrap:anywhere}
@media print{article{break-inside:avoid-page}}
`;

/** The report as one self-contained HTML document. */
export function pageOf(estate: Estate, madeAt: string): string {
  const models = estate.versions.filter(({ kind }) => kind === 'model');
  const title = estate.versions.length === 1 ? nameOf(estate.versions[0]) : 'Models and data';
  const names = namesOf(estate);
  const body = `<p class="note">Made by Merlon, ${text(madeAt)}.</p>
${headline(estate, models)}
${models.length > 1 ? overview(models) : ''}
${incidentsOf(estate.incidents, names)}
${estate.versions.map((version) => section(version, names)).join('\n')}`;
  return htmlDocument({ title, body, style: ownStyle });
}

function namesOf({ versions }: Estate): ReadonlyMap<string, string> {
  return new Map(versions.map((version) => [version.id, nameOf(version)]));
}

function nameOf(version: ReportedVersion | undefined): string {
  return version === undefined ? '' : `${version.name} ${version.number}`;
}

function headline({ incidents }: Estate, models: readonly ReportedVersion[]): string {
  const open = models.flatMap(({ findings }) => findings.filter(({ state }) => stands(state)));
  const grave = open.filter(({ severity }) => severity === 'high' || severity === 'critical');
  const served = models.filter(
    (version) => isDone(version, 'serve') && version.state !== 'retired',
  );
  const figure = (name: string, count: number): string =>
    `<div><dt>${name}</dt><dd>${count}</dd></div>`;
  const figures = [
    figure('versions of models', models.length),
    figure('served', served.length),
    figure('open findings', open.length),
    figure('of them grave', grave.length),
    figure('open incidents', incidents.filter(({ state }) => state !== 'closed').length),
  ];
  return `<dl class="figures">${figures.join('')}</dl>`;
}

function isDone({ steps }: ReportedVersion, wanted: string): boolean {
  return steps.some(({ step, state }) => step === wanted && state === 'done');
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((name) => `<th>${name}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.join('')}</tr>`).join('\n');
  const whole = `<thead><tr>${head}</tr></thead><tbody>${body}</tbody>`;
  return `<div class="wide"><table>${whole}</table></div>`;
}

const cell = (content: string): string => `<td>${content}</td>`;
const long = (content: string): string => `<td class="long">${content}</td>`;

function overview(models: readonly ReportedVersion[]): string {
  const rows = models.map((version) => {
    const [clean, robust] = measuresOf(version);
    const worst = worstOpen(version);
    return [
      cell(`<a href="#${text(version.id)}">${text(nameOf(version))}</a>`),
      cell(clean === undefined ? '–' : percent(clean.share)),
      cell(robust === undefined ? '–' : percent(robust.share)),
      cell(worst === null ? '<span class="good">none</span>' : `<span class="bad">${worst}</span>`),
      cell(isDone(version, 'approve') ? 'yes' : 'no'),
      cell(isDone(version, 'serve') ? 'yes' : 'no'),
    ];
  });
  const heads = ['version', 'accuracy', 'robust accuracy', 'worst finding', 'approved', 'served'];
  return `<section><h2>Overview</h2>${table(heads, rows)}</section>`;
}

function incidentsOf(incidents: Estate['incidents'], names: ReadonlyMap<string, string>): string {
  if (incidents.length === 0) return '';
  const rows = incidents.map((incident) => [
    cell(text(incident.detectedAt)),
    long(text(incident.title)),
    cell(text(names.get(incident.versionId) ?? incident.versionId)),
    cell(text(incident.severity)),
    cell(text(incident.state)),
    cell(incident.containedAt === null ? '–' : secondsBetween(incident)),
  ]);
  const heads = ['detected', 'what', 'version', 'severity', 'state', 'contained after'];
  return `<section><h2>Incidents</h2>${table(heads, rows)}</section>`;
}

function secondsBetween(of: { detectedAt: string; containedAt: string | null }): string {
  const ms = Date.parse(of.containedAt ?? of.detectedAt) - Date.parse(of.detectedAt);
  return `${(ms / 1000).toFixed(1)} s`;
}

function section(version: ReportedVersion, names: ReadonlyMap<string, string>): string {
  const { id, digest, files, data, approvals, signed, kind } = version;
  const measures = measuresOf(version).map(({ name, share, under }) => {
    const bar = `<span class="bar"><span style="width:${(100 * share).toFixed(1)}%"></span></span>`;
    return [cell(name), cell(text(under) || 'all'), cell(`${bar}${percent(share)}`)];
  });
  const linked = (what: string, id: string): string =>
    `${text(what)}: <a href="#${text(id)}">${text(names.get(id) ?? id)}</a>`;
  const lineage = data.map(({ dataVersionId, use }) => linked(use, dataVersionId));
  const parent = version.parentId === null ? [] : [linked('hardened from', version.parentId)];
  return `<article id="${text(id)}">
<h2>${text(nameOf(version))}${kind === 'data' ? ' (data)' : ''}</h2>
<p class="note">${signed ? 'Signed' : 'Not signed'}, digest
<code>${text(digest ?? 'none yet')}</code>
${[...parent, ...lineage].map((each) => `<br>${each}`).join('')}</p>
${table(['step', 'state', 'finished', 'result'], version.steps.map(stepRow))}
${measures.length === 0 ? '' : `<h3>Accuracy</h3>${table(['measure', 'under', 'share'], measures)}`}
${findingTable(version)}
${approvalList(approvals)}
<h3>Files</h3>
${table(
  ['file', 'SHA-256'],
  files.map((file) => [
    cell(text(file.path)),
    long(`<code>${digestHex(toDigest(file.digest))}</code>`),
  ]),
)}
</article>`;
}

function stepRow({ step, state, finishedAt, result }: ReportedVersion['steps'][number]): string[] {
  const tone = state === 'done' ? 'good' : state === 'running' ? '' : 'bad';
  // Lists and long texts have places of their own.
  const shown = Object.entries(result)
    .filter(([, value]) => typeof value !== 'object' && String(value).length < 80 && value !== '')
    .map(([key, value]) => `${key} ${typeof value === 'number' ? shortOf(value) : String(value)}`);
  return [
    cell(step),
    cell(`<span class="${tone}">${state}</span>`),
    cell(text(finishedAt ?? '–')),
    long(text(shown.join(', '))),
  ];
}

function shortOf(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function findingTable({ findings }: ReportedVersion): string {
  if (findings.length === 0) return '<p class="good">No findings.</p>';
  const rows = findings.map((finding) => [
    cell(`<span class="bad">${finding.severity}</span>`),
    cell(text(finding.rule)),
    long(`${text(finding.title)}<br><code>${text(finding.evidence)}</code>`),
    long(text(finding.fix)),
    long(text(stateOf(finding))),
  ]);
  return `<h3>Findings</h3>${table(['severity', 'rule', 'what', 'what to do', 'state'], rows)}`;
}

/** The state, and for an accepted finding who lives with it, until when and why. */
function stateOf({ state, acceptance }: ReportedFinding): string {
  if (state !== 'accepted' || acceptance === null) return state;
  const { byName, until, why } = acceptance;
  return `accepted by ${byName} until ${until.slice(0, 10)}: ${why}`;
}

function approvalList(approvals: ReportedVersion['approvals']): string {
  if (approvals.length === 0) return '';
  const rows = approvals.map(({ userName, comment, at }) => [
    cell(text(userName)),
    cell(text(at)),
    long(text(comment)),
  ]);
  return `<h3>Approvals</h3>${table(['who', 'when', 'comment'], rows)}`;
}
