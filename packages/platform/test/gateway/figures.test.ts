import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gatewayMetrics, openFigures } from '../../src/gateway/figures.ts';
import { metricNames } from '../../src/http/metrics.ts';

const python = join(process.env.MERLON_ORACLES ?? '', 'bin/python');
const hasOracle = existsSync(python);
if (!hasOracle) console.warn('skipped: prometheus-client is not installed (MERLON_ORACLES)');

/** What a scrape says: `name{labels}` to its value. */
function scraped(lines: readonly string[]): Map<string, number> {
  const samples = lines.filter((line) => !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

function filled() {
  const figures = openFigures();
  const served = { model: 'cards "2"\n', version: 'v', rows: 3 };
  for (const seconds of [0.0004, 0.001, 0.003, 0.2, 40]) {
    figures.request({ ...served, decision: 'answered', seconds });
  }
  figures.request({ ...served, decision: 'refused', seconds: 0.001 });
  figures.detected('prada');
  figures.detected('prada');
  return figures;
}

describe('figures of the gateway', () => {
  it('count requests, rows and alerts, and time from the lowest bucket up', () => {
    const told = scraped(filled().lines());
    const labels = 'model="cards \\"2\\"\\n",version="v",decision="answered"';
    const bucket = (end: string) =>
      told.get(`merlon_infer_duration_seconds_bucket{${labels},le="${end}"}`);
    expect(['0.001', '0.0025', '0.005', '0.25', '10', '+Inf'].map(bucket)).toEqual([
      ...[2, 2, 3, 4, 4, 5],
    ]);
    expect(told.get(`merlon_infer_duration_seconds_count{${labels}}`)).toBe(5);
    expect(told.get(`merlon_infer_duration_seconds_sum{${labels}}`)).toBeCloseTo(40.2044, 9);
    expect(told.get(`merlon_infer_rows_total{${labels}}`)).toBe(15);
    const refused = labels.replace('answered', 'refused');
    expect(told.get(`merlon_infer_rows_total{${refused}}`)).toBe(0);
    expect(told.get('merlon_detections_total{detector="prada"}')).toBe(2);
  });
  it('are drawn in the dashboard by the names that they have', () => {
    const path = new URL('../../../../docs/grafana.json', import.meta.url);
    const text = readFileSync(path, 'utf8');
    const drawn = text.match(/merlon_\w+/g) ?? [];
    const known = Object.keys(metricNames);
    const family = (name: string) => name.replace(/_(total|bucket|sum|count)$/, '');
    expect(drawn.map(family).filter((name) => !known.includes(name))).toEqual([]);
    expect(Object.keys(gatewayMetrics).filter((name) => !text.includes(name))).toEqual([]);
    expect(JSON.parse(text)).toMatchObject({ title: 'Merlon' });
  });
  it.skipIf(!hasOracle)('are read by the client library of Prometheus', () => {
    const script = [
      'import sys',
      'from prometheus_client.openmetrics.parser import text_string_to_metric_families as read',
      'for family in read(sys.stdin.read()): print(family.name, family.type, len(family.samples))',
    ];
    const input = `${filled().lines().join('\n')}\n# EOF\n`;
    const ran = spawnSync(python, ['-c', script.join('\n')], { input, encoding: 'utf8' });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout.trim().split('\n')).toEqual([
      'merlon_infer_requests counter 2',
      'merlon_infer_rows counter 2',
      'merlon_infer_duration_seconds histogram 30',
      'merlon_detections counter 1',
    ]);
  });
});
