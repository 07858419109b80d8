/**
 * What the gateway has done since the process began, for Prometheus: counters and a histogram in
 * memory, so that a scrape costs the same however many requests there were.
 */

/** One request as the figures see it. */
export interface RequestFigures {
  readonly model: string;
  readonly version: string;
  readonly decision: 'answered' | 'refused';
  readonly rows: number;
  readonly seconds: number;
}

/** Counters of the gateway. */
export interface Figures {
  request(of: RequestFigures): void;
  detected(detector: string): void;
  /** The families in the OpenMetrics text format, line by line. */
  lines(): readonly string[];
}

/** The families with their help texts. */
export const gatewayMetrics = {
  merlon_infer_requests: 'Requests to served models by decision',
  merlon_infer_rows: 'Rows that were answered',
  merlon_infer_duration_seconds: 'From the request to its answer, event included',
  merlon_detections: 'Alerts by detector',
} as const;

/** Upper ends of the buckets in seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;

interface Series {
  readonly labels: string;
  readonly below: number[];
  requests: number;
  rows: number;
  seconds: number;
}

/** Figures that begin at nothing. */
export function openFigures(): Figures {
  const series = new Map<string, Series>();
  const detections = new Map<string, number>();
  return {
    request: ({ model, version, decision, rows, seconds }) => {
      const labels = `model="${escaped(model)}",version="${version}",decision="${decision}"`;
      const own = series.get(labels) ?? empty(labels);
      series.set(labels, own);
      own.requests++;
      own.rows += decision === 'answered' ? rows : 0;
      own.seconds += seconds;
      const at = buckets.findIndex((end) => seconds <= end);
      const bucket = at < 0 ? buckets.length : at;
      own.below[bucket] = (own.below[bucket] ?? 0) + 1;
    },
    detected: (detector) => detections.set(detector, (detections.get(detector) ?? 0) + 1),
    lines: () => {
      const all = [...series.values()];
      const alerts = [...detections].map(([name, count]) => {
        return `merlon_detections_total{detector="${escaped(name)}"} ${count}`;
      });
      return [
        ...family('merlon_infer_requests', 'counter'),
        ...all.map(({ labels, requests }) => `merlon_infer_requests_total{${labels}} ${requests}`),
        ...family('merlon_infer_rows', 'counter'),
        ...all.map(({ labels, rows }) => `merlon_infer_rows_total{${labels}} ${rows}`),
        ...family('merlon_infer_duration_seconds', 'histogram'),
        ...all.flatMap(histogram),
        ...family('merlon_detections', 'counter'),
        ...alerts,
      ];
    },
  };
}

function empty(labels: string): Series {
  return { labels, below: buckets.map(() => 0), requests: 0, rows: 0, seconds: 0 };
}

function family(name: keyof typeof gatewayMetrics, type: string): string[] {
  return familyLines(name, type, gatewayMetrics[name]);
}

/** How a family begins. */
export function familyLines(name: string, type: string, help: string): string[] {
  return [`# TYPE ${name} ${type}`, `# HELP ${name} ${help}`];
}

/** Buckets of the text format count everything up to their end. */
function histogram({ labels, below, requests, seconds }: Series): string[] {
  const name = 'merlon_infer_duration_seconds';
  let count = 0;
  const lines = buckets.map((end, i) => {
    count += below[i] ?? 0;
    return `${name}_bucket{${labels},le="${end}"} ${count}`;
  });
  lines.push(`${name}_bucket{${labels},le="+Inf"} ${requests}`);
  lines.push(`${name}_sum{${labels}} ${seconds}`, `${name}_count{${labels}} ${requests}`);
  return lines;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
