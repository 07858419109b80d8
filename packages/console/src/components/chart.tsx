/** A time series (uPlot), in the colours of the tokens. */
import 'uplot/dist/uPlot.min.css';
import { type ReactNode, useEffect, useRef } from 'react';
import UPlot from 'uplot';

/** One line. */
export interface Series {
  readonly name: string;
  /** Name of a colour token. */
  readonly tone: string;
  readonly values: readonly number[];
}

const height = 160;

/** Draws the series; redrawn when they, the width or the colour scheme change. */
export function Chart(props: {
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly label: string;
}): ReactNode {
  const { times, series, label } = props;
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
  return <div className="chart" ref={box} role="img" aria-label={label} />;
}

function draw(element: HTMLElement, times: readonly number[], series: readonly Series[]): UPlot {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const axis: UPlot.Axis = {
    stroke: token('--ink-3'),
    grid: { stroke: token('--line'), width: 1 },
    ticks: { stroke: token('--line'), width: 1 },
  };
  return new UPlot(
    {
      width: element.clientWidth,
      height,
      cursor: { drag: { x: false, y: false } },
      axes: [axis, { ...axis, size: 44 }],
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
