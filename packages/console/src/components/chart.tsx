/** A time series (uPlot), in the colours of the tokens. */
import 'uplot/dist/uPlot.min.css';
import { type ReactNode, useEffect, useRef } from 'react';
import UPlot from 'uplot';

/** One line. */
export interface Series {
  readonly name: string;
  /** Name of a colour token. */
  readonly tone: string;
  /** One value a time; null leaves a gap. */
  readonly values: readonly (number | null)[];
}

const height = 132;
const axisWidth = 44;
const axisHeight = 24;
/** Seconds between marks, so that no two show the same time. */
const marks = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

/** Draws the series; redrawn when they, the width or the colour scheme change. */
export function Chart(props: {
  readonly title: string;
  /** What it shows, in words, for those who do not see it. */
  readonly summary: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
}): ReactNode {
  const { times, series } = props;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    let plot = draw(element, times, series);
    const redraw = (): void => {
      plot.destroy();
      plot = draw(element, times, series);
    };
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', redraw);
    const watcher = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    watcher.observe(element);
    return () => {
      scheme.removeEventListener('change', redraw);
      watcher.disconnect();
      plot.destroy();
    };
  }, [times, series]);
  return (
    <figure className="chart">
      <figcaption className="row">
        <h3>{props.title}</h3>
        {series.map(({ name, tone }) => (
          <span key={name} className="key quiet small">
            <span className="swatch" style={{ background: `var(${tone})` }} aria-hidden="true" />
            {name}
          </span>
        ))}
      </figcaption>
      <div ref={box} role="img" aria-label={props.summary} style={{ minHeight: height }} />
    </figure>
  );
}

function draw(element: HTMLElement, times: readonly number[], series: readonly Series[]): UPlot {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const axis: UPlot.Axis = {
    stroke: token('--ink-3'),
    font: `11px ${token('--font')}`,
    grid: { stroke: token('--line'), width: 1 },
    ticks: { show: false },
  };
  return new UPlot(
    {
      width: element.clientWidth,
      height,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_plot, _least, most) => [0, Math.max(1, most) * 1.1] } },
      axes: [
        {
          ...axis,
          size: axisHeight,
          space: 80,
          incrs: marks,
          values: (_plot, splits) => splits.map(clockOf),
        },
        { ...axis, size: axisWidth },
      ],
      series: [
        {},
        ...series.map(({ name, tone }) => {
          return { label: name, stroke: token(tone), width: 1.5, points: { show: false } };
        }),
      ],
    },
    [[...times], ...series.map(({ values }) => [...values])],
    element,
  );
}

function clockOf(seconds: number): string {
  const at = new Date(seconds * 1000);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((value) => String(value).padStart(2, '0'))
    .join(':');
}
