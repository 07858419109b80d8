/** Robust accuracy over the radius as an SVG picture, drawn by hand: axes, grid, one step line. */
import type { CurvePoint } from '../verdict.ts';
import { percent, shortNumber } from './text.ts';

const width = 640;
const height = 260;
const margin = { left: 60, right: 12, top: 12, bottom: 34 };

/** The curve as an `svg` element whose colours come from the page's style. */
export function curveSvg(curve: readonly CurvePoint[], clean: number): string {
  const end = curve.reduce((most, { epsilon }) => Math.max(most, epsilon), 0) || 1;
  const x = (epsilon: number): number =>
    margin.left + ((width - margin.left - margin.right) * epsilon) / end;
  const y = (share: number): number =>
    margin.top + (height - margin.top - margin.bottom) * (1 - share);
  const at = (value: number): string => value.toFixed(1);
  const shares = [0, 0.25, 0.5, 0.75, 1];
  const grid = shares.map((share) => {
    const across = `x1="${margin.left}" x2="${width - margin.right}"`;
    const line = `<line ${across} y1="${at(y(share))}" y2="${at(y(share))}"/>`;
    const place = `x="${margin.left - 8}" y="${at(y(share) + 4)}"`;
    return `${line}<text ${place} text-anchor="end">${percent(share)}</text>`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const anchor = part === 1 ? 'end' : 'middle';
    const place = `x="${at(x(part * end))}" y="${height - 12}"`;
    return `<text ${place} text-anchor="${anchor}">${shortNumber(part * end)}</text>`;
  });
  const [first] = curve;
  let path = first ? `M${at(x(first.epsilon))} ${at(y(first.robustAccuracy))}` : '';
  for (const { epsilon, robustAccuracy } of curve.slice(1)) {
    path += `H${at(x(epsilon))}V${at(y(robustAccuracy))}`;
  }
  const last = curve.at(-1)?.robustAccuracy ?? clean;
  const title = `Robust accuracy falls from ${percent(clean)} to ${percent(last)}`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<g class="grid">${grid.join('')}${ticks.join('')}</g><path class="line" d="${path}"/></svg>`;
}
