/** Robust accuracy over the radius as an SVG picture, drawn by hand: axes, grid, step lines. */
import type { CurvePoint } from '../verdict.ts';
import { escapeHtml, percent, shortNumber } from './text.ts';

const width = 640;
const height = 260;
const margin = { left: 60, right: 12, top: 12, bottom: 34 };

/** One line of the picture. */
export interface CurveLine {
  /** What the line is of; told beside it where there are several. */
  readonly name: string;
  readonly curve: readonly CurvePoint[];
  /** Share that is right at radius 0. */
  readonly clean: number;
}

/** Curves as an `svg` element whose colours come from the page's style; two are told apart. */
export function curveSvg(lines: readonly CurveLine[]): string {
  const end = lines.reduce((most, { curve }) => {
    return curve.reduce((high, { epsilon }) => Math.max(high, epsilon), most);
  }, 0);
  const x = (epsilon: number): number =>
    margin.left + ((width - margin.left - margin.right) * epsilon) / (end || 1);
  const paths = lines.map(({ curve }, i) => {
    const style = i === 0 ? 'line' : 'line second';
    return `<path class="${style}" d="${pathOf(curve, x)}"/>`;
  });
  const title = lines.map(titleOf).join('; ');
  const legend = lines.length === 1 ? '' : lines.map(({ name }, i) => legendOf(name, i)).join('');
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">
<g class="grid">${grid(end || 1, x)}${legend}</g>${paths.join('')}</svg>`;
}

const at = (value: number): string => value.toFixed(1);
const y = (share: number): number =>
  margin.top + (height - margin.top - margin.bottom) * (1 - share);

function grid(end: number, x: (epsilon: number) => number): string {
  const parts = [0, 0.25, 0.5, 0.75, 1];
  const shares = parts.map((share) => {
    const across = `x1="${margin.left}" x2="${width - margin.right}"`;
    const line = `<line ${across} y1="${at(y(share))}" y2="${at(y(share))}"/>`;
    const place = `x="${margin.left - 8}" y="${at(y(share) + 4)}"`;
    return `${line}<text ${place} text-anchor="end">${percent(share)}</text>`;
  });
  const ticks = parts.map((part) => {
    const anchor = part === 1 ? 'end' : 'middle';
    const place = `x="${at(x(part * end))}" y="${height - 12}"`;
    return `<text ${place} text-anchor="${anchor}">${shortNumber(part * end)}</text>`;
  });
  return shares.join('') + ticks.join('');
}

function pathOf(curve: readonly CurvePoint[], x: (epsilon: number) => number): string {
  const [first] = curve;
  let path = first ? `M${at(x(first.epsilon))} ${at(y(first.robustAccuracy))}` : '';
  for (const { epsilon, robustAccuracy } of curve.slice(1)) {
    path += `H${at(x(epsilon))}V${at(y(robustAccuracy))}`;
  }
  return path;
}

function titleOf({ name, curve, clean }: CurveLine): string {
  const last = curve.at(-1)?.robustAccuracy ?? clean;
  return `${name} falls from ${percent(clean)} to ${percent(last)}`;
}

/** Low on the left, where curves are not: they begin high. */
function legendOf(name: string, i: number): string {
  const left = margin.left + 16;
  const down = height - margin.bottom - 34 + 20 * i;
  const style = i === 0 ? 'line' : 'line second';
  const stroke = `<path class="${style}" d="M${left} ${down - 4}h26"/>`;
  return `${stroke}<text x="${left + 34}" y="${down}">${escapeHtml(name)}</text>`;
}
