/** What hardening did, as one HTML file: figures before and after, settings, the promise made. */
import { escapeHtml, htmlDocument, percent } from '@merlon/attack';
import type { PrivacySpent } from '@merlon/harden';
import type { HardenFigures } from './figures.ts';

/** What the report tells. */
export interface HardenReport {
  readonly model: string;
  readonly out: string;
  readonly method: string;
  readonly epsilon: number;
  readonly epochs: number;
  readonly steps: number;
  readonly samples: number;
  readonly seed: number;
  readonly seconds: number;
  readonly before: HardenFigures;
  readonly after: HardenFigures;
  readonly privacy?: PrivacySpent;
  /** Why the weights are not those of the last epoch. */
  readonly because?: string;
}

/** The report as one self-contained HTML document. */
export function hardenReport(report: HardenReport): string {
  const body = `${remark(report)}
<section><h2>Before and after</h2>${figures(report)}
<p class="note">PGD takes forty fixed steps within ${report.epsilon} of each value; "robust" are the
rows that also withstand APGD, which chooses its own steps.</p></section>
<section><h2>Model card</h2>${card(report)}</section>`;
  return htmlDocument({ title: 'Hardening', body });
}

function remark({ because }: HardenReport): string {
  if (because === undefined) return '';
  const heading = '<h2>Before you believe the figures</h2>';
  return `<section class="remarks">${heading}<ul><li>${escapeHtml(because)}</li></ul></section>`;
}

function figures({ before, after }: HardenReport): string {
  const rows = Object.entries({ before, after }).map(([name, each]) => {
    const cells = [each.clean, each.pgd, each.robust].map((share) => `<td>${percent(share)}</td>`);
    return `<tr><th>${name}</th>${cells.join('')}</tr>`;
  });
  const head = '<tr><th></th><th>clean</th><th>PGD</th><th>robust</th></tr>';
  return `<table><thead>${head}</thead><tbody>${rows.join('')}</tbody></table>`;
}

function card(report: HardenReport): string {
  const { model, out, method, epochs, steps, samples, seed, seconds, privacy } = report;
  const facts: [string, string][] = [
    ['trained from', model],
    ['written to', out],
    ['method', method],
    ['training', `${epochs} epochs, ${steps} steps, ${samples} rows, ${seconds.toFixed(0)} s`],
    ['seed', String(seed)],
  ];
  if (privacy !== undefined) {
    const { epsilon, delta, noiseMultiplier } = privacy;
    facts.push(
      ['differential privacy', `ε = ${epsilon.toPrecision(4)} at δ = ${delta}`],
      ['neighbouring data sets', 'differ in one row'],
      ['noise multiplier', noiseMultiplier.toPrecision(4)],
    );
  }
  const rows = facts.map(([name, fact]) => `<tr><th>${name}</th><td>${escapeHtml(fact)}</td></tr>`);
  return `<table><tbody>${rows.join('')}</tbody></table>`;
}
