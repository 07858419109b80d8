/** What hardening did, as one HTML file: figures before and after, settings, the promise made. */
import { curveSvg, escapeHtml, htmlDocument, percent } from '@merlon/attack';
import { base64 } from '@merlon/core';
import type { PrivacySpent } from '@merlon/harden';
import type { AssessOutput, AssessPicture } from '../confine/tasks/assess.ts';
import { figuresOf } from './figures.ts';

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
  /** The same test on the model before and after. */
  readonly before: AssessOutput;
  readonly after: AssessOutput;
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
<section><h2>Robust accuracy over the radius</h2>${curves(report)}
<p class="note">From the distances of what the attacks found: true values lie on the lines or below
them.</p></section>
${pictures('What fooled it before', report.before)}
${pictures('What fools it still', report.after)}
<section><h2>Model card</h2>${card(report)}</section>`;
  return htmlDocument({ title: 'Hardening', body, images: true });
}

function remark({ because }: HardenReport): string {
  if (because === undefined) return '';
  const heading = '<h2>Before you believe the figures</h2>';
  return `<section class="remarks">${heading}<ul><li>${escapeHtml(because)}</li></ul></section>`;
}

function figures({ before, after }: HardenReport): string {
  const rows = Object.entries({ before, after }).map(([name, output]) => {
    const each = figuresOf(output);
    const cells = [each.clean, each.pgd, each.robust].map((share) => `<td>${percent(share)}</td>`);
    return `<tr><th>${name}</th>${cells.join('')}</tr>`;
  });
  const head = '<tr><th></th><th>clean</th><th>PGD</th><th>robust</th></tr>';
  return `<table><thead>${head}</thead><tbody>${rows.join('')}</tbody></table>`;
}

function curves({ before, after }: HardenReport): string {
  const line = (name: string, { verdict }: AssessOutput) => {
    return { name, curve: verdict.curve, clean: verdict.clean.accuracy };
  };
  return curveSvg([line('after', after), line('before', before)]);
}

const picturesMax = 6;

/** Each example is a clean picture, a perturbed one and the difference. */
function pictures(title: string, output: AssessOutput): string {
  const image = ({ caption, png }: AssessPicture): string =>
    `<img alt="${escapeHtml(caption)}" src="data:image/png;base64,${base64(png)}">`;
  const figures: string[] = [];
  for (let i = 0; i + 2 < output.pictures.length && figures.length < picturesMax; i += 3) {
    const [clean, perturbed, difference] = output.pictures.slice(i, i + 3);
    if (clean === undefined || perturbed === undefined || difference === undefined) break;
    const said = escapeHtml(`${clean.caption} → ${perturbed.caption}`);
    const about = `<span>${escapeHtml(difference.caption)}</span>`;
    figures.push(
      `<figure>${image(clean)}${image(difference)}${image(perturbed)}
<figcaption>${said}${about}</figcaption></figure>`,
    );
  }
  if (figures.length === 0) return '';
  return `<section><h2>${title}</h2>
<p class="note">Clean, the change (grey is none), adversarial.</p>
<div class="pictures">${figures.join('')}</div></section>`;
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
