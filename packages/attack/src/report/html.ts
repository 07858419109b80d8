/**
 * A verdict as one HTML file for people: no script, nothing loaded from anywhere, pictures inside,
 * light and dark by what the reader's system prefers. Every text from outside is escaped.
 */
import { base64 } from '@merlon/core';
import type { Example } from '../example.ts';
import { examplePictures } from '../picture.ts';
import type { AttackRecord, AttackVerdict } from '../verdict.ts';
import { curveSvg } from './curve.ts';
import { htmlDocument } from './document.ts';
import { escapeHtml, percent, shortNumber } from './text.ts';

/** What the report says beyond the verdict. */
export interface ReportOptions {
  /** What was tested (default "Adversarial test"). */
  readonly title?: string;
  /** Names of the classes, by position. */
  readonly classes?: readonly string[];
  /** Element that is black and element that is white (default 0 and 1). */
  readonly bounds?: { readonly min: number; readonly max: number };
  /** Examples drawn at most (default 24). */
  readonly examplesMax?: number;
}

/** The report as one self-contained HTML document. */
export function reportHtml(
  verdict: AttackVerdict,
  examples: readonly Example[],
  options: ReportOptions = {},
): string {
  const shown = examples.slice(0, options.examplesMax ?? 24);
  const body = `${headline(verdict)}
${remarks(verdict)}
<section><h2>Attacks</h2>${attackTable(verdict.attacks)}</section>
<section><h2>Robust accuracy over the radius</h2>
${curveSvg([{ name: 'Robust accuracy', curve: verdict.curve, clean: verdict.clean.accuracy }])}
<p class="note">From the distances of what the attacks found: true values lie on the line or below
it.</p></section>
<section><h2>Classes</h2>${classTable(verdict)}</section>
${pictures(shown, options)}
${repeat(verdict)}`;
  return htmlDocument({ title: options.title ?? 'Adversarial test', body, images: true });
}

function headline({ samples, clean, autoAttack, robustAccuracy }: AttackVerdict): string {
  const figure = (name: string, share: number): string =>
    `<div><dt>${name}</dt><dd>${percent(share)}</dd></div>`;
  const own = autoAttack
    ? figure(
        autoAttack.version === 'standard' ? 'AutoAttack' : `AutoAttack (${autoAttack.version})`,
        autoAttack.robustAccuracy,
      )
    : '';
  return `<dl class="figures">${figure('Right when clean', clean.accuracy)}${own}${figure(
    'Right under every attack',
    robustAccuracy,
  )}<div><dt>Samples</dt><dd>${samples}</dd></div></dl>`;
}

function remarks(verdict: AttackVerdict): string {
  if (verdict.remarks.length === 0) return '';
  const items = verdict.remarks.map((remark) => `<li>${escapeHtml(remark)}</li>`).join('');
  const heading = '<h2>Before you believe the figures</h2>';
  return `<section class="remarks">${heading}<ul>${items}</ul></section>`;
}

function attackTable(attacks: readonly AttackRecord[]): string {
  const rows = attacks.map((attack) => {
    const radius = attack.epsilon === null ? 'any' : shortNumber(attack.epsilon);
    const distance = attack.least?.medianDistance ?? attack.medianDistance;
    const cells = [
      escapeHtml(attack.name),
      `${attack.norm} ${radius}`,
      String(attack.attacked),
      `${bar(attack.robustAccuracy)}${percent(attack.robustAccuracy)}`,
      distance === null ? '–' : shortNumber(distance),
      attack.queries.toLocaleString('en'),
      attack.seconds.toFixed(1),
    ];
    const doubt = attack.unreliable
      ? `<tr class="doubt"><td colspan="7">unreliable: ${escapeHtml(attack.unreliable)}</td></tr>`
      : '';
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>${doubt}`;
  });
  const heads = ['attack', 'radius', 'attacked', 'robust', 'median distance', 'queries', 'seconds'];
  return tableOf(heads, rows);
}

function classTable({ classes }: AttackVerdict): string {
  const rows = classes.map(({ name, samples, clean, robust }) => {
    const cells = [
      escapeHtml(name),
      String(samples),
      percent(clean),
      bar(robust) + percent(robust),
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return tableOf(['class', 'samples', 'clean', 'robust'], rows);
}

function tableOf(heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((name) => `<th scope="col">${name}</th>`).join('');
  const body = `<tbody>${rows.join('')}</tbody>`;
  return `<div class="wide"><table><thead><tr>${head}</tr></thead>${body}</table></div>`;
}

function bar(share: number): string {
  const filled = `<span style="width:${(100 * share).toFixed(1)}%"></span>`;
  return `<span class="bar" aria-hidden="true">${filled}</span>`;
}

function pictures(examples: readonly Example[], options: ReportOptions): string {
  const drawable = examples.filter(({ shape }) => isImage(shape));
  if (drawable.length === 0) return '';
  const { min = 0, max = 1 } = options.bounds ?? {};
  const named = (label: number): string => escapeHtml(options.classes?.[label] ?? String(label));
  const figures = drawable.map((example) => {
    const largest = Math.max(...example.shape);
    const zoom = Math.max(1, Math.min(4, Math.floor(128 / largest)));
    const drawn = examplePictures(example, { min, max, zoom });
    const image = (png: Uint8Array, text: string): string =>
      `<img alt="${text}" src="data:image/png;base64,${base64(png)}">`;
    const before = named(example.label);
    const after = named(example.after);
    const away = shortNumber(example.distance);
    return `<figure>${image(drawn.clean, `clean, ${before}`)}${image(
      drawn.difference,
      'the change',
    )}${image(drawn.adversarial, `adversarial, taken for ${after}`)}<figcaption>${before} → ${after}
<span>${escapeHtml(example.attack)}, ${away}</span></figcaption></figure>`;
  });
  return `<section><h2>What fooled it</h2>
<p class="note">Clean, the change (grey is none), adversarial.</p>
<div class="pictures">${figures.join('')}</div></section>`;
}

function isImage(shape: readonly number[]): boolean {
  const [channels = 0, height = 0, width = 0] = shape.length === 2 ? [1, ...shape] : shape;
  const pixels = channels * height * width;
  return shape.length <= 3 && (channels === 1 || channels === 3) && height > 1 && pixels < 2 ** 20;
}

function repeat({ seed, seconds, versions }: AttackVerdict): string {
  const all = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const text = `Seed ${seed}; ${all.join(', ')}. With the same seed, versions, model and data the
same figures come out. The test took ${seconds.toFixed(1)} seconds.`;
  return `<section><h2>To repeat it</h2><p>${escapeHtml(text)}</p></section>`;
}
