/** Findings of the scan. */
import type { ReactNode } from 'react';
import type { VersionDetail } from '../../api/types.ts';
import { Badge, Empty, severityTone } from '../../components/state.tsx';

/** The section. */
export function Findings({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { findings, version } = detail;
  const scan = version.steps.find((step) => step.step === 'scan');
  const verdict = String(scan?.result.verdict ?? 'not scanned yet');
  return (
    <section className="card flush">
      <div className="card-head">
        <h2>Findings</h2>
        <Badge tone={verdict === 'clean' ? 'ok' : scan === undefined ? 'plain' : 'bad'}>
          {verdict}
        </Badge>
      </div>
      {findings.length === 0 ? (
        <Empty>
          {scan === undefined
            ? 'The scan has not run.'
            : `Nothing was found. ${scanned(scan.result)}`}
        </Empty>
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Severity</th>
                <th>Finding</th>
                <th>Where</th>
                <th>What to do</th>
              </tr>
            </thead>
            <tbody>
              {findings.map((finding) => (
                <tr key={finding.id}>
                  <td>
                    <Badge tone={severityTone(finding.severity)}>{finding.severity}</Badge>
                  </td>
                  <td>
                    <strong>{finding.title}</strong>
                    <div className="quiet small">{finding.rule}</div>
                    <code>{finding.evidence}</code>
                  </td>
                  <td className="mono">{placeOf(finding.location)}</td>
                  <td>{finding.fix}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function scanned(result: Readonly<Record<string, unknown>>): string {
  return `${result.files ?? 0} files: ${String(result.formats ?? '')}.`;
}

function placeOf(location: VersionDetail['findings'][number]['location']): string {
  const { path = '', member, offset } = location;
  const inside = member === undefined || member === '' ? '' : `!${member}`;
  return `${path}${inside}${offset === undefined ? '' : ` @${offset}`}`;
}
