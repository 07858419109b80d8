/**
 * The estate as a CycloneDX 1.6 bill of machine learning: a component with a model card for every
 * model version, its data sets beside it, what it was hardened from, and its findings.
 */
import { digestHex, digestOf, type JsonObject, toDigest, utf8 } from '@merlon/core';
import { vulnerabilityOf } from '@merlon/scan';
import { merlonVersion } from '../installation.ts';
import { type Estate, measuresOf, type ReportedVersion } from './estate.ts';

/** The bill, ready for `JSON.stringify`; the same estate gives the same serial number. */
export function billOf({ versions }: Estate, timestamp: string): JsonObject {
  const print = digestOf(utf8(versions.map(({ id, digest }) => `${id} ${digest}`).join('\n')));
  const hex = digestHex(print);
  const known = new Set(versions.map(({ id }) => id));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${[0, 8, 12, 16, 20]
      .map((start, i, starts) => hex.slice(start, starts[i + 1] ?? 32))
      .join('-')}`,
    version: 1,
    metadata: {
      timestamp,
      tools: { components: [{ type: 'application', name: 'merlon', version: merlonVersion }] },
    },
    components: versions.map((version) => componentOf(version, known)),
    dependencies: versions.map((version) => ({
      ref: version.id,
      dependsOn: [
        ...new Set(
          [
            ...version.data.map(({ dataVersionId }) => dataVersionId),
            version.parentId ?? '',
          ].filter((id) => known.has(id)),
        ),
      ],
    })),
    vulnerabilities: versions.flatMap((version) => vulnerabilitiesOf(version)),
  };
}

function componentOf(version: ReportedVersion, known: ReadonlySet<string>): JsonObject {
  const { id, name, kind, number, digest, files, signed, bytes, state, parentId } = version;
  const isModel = kind === 'model';
  const parent = parentId !== null && known.has(parentId) ? parentId : null;
  return {
    type: isModel ? 'machine-learning-model' : 'data',
    'bom-ref': id,
    name,
    version: String(number),
    ...(digest === null ? {} : { hashes: [hashOf(digest)] }),
    ...(parent === null ? {} : { pedigree: { notes: `hardened from ${parent}` } }),
    properties: [
      { name: 'merlon:state', value: state },
      { name: 'merlon:bytes', value: String(bytes) },
      { name: 'merlon:signed', value: String(signed) },
      ...version.steps.map(({ step, state: at }) => ({ name: `merlon:step:${step}`, value: at })),
    ],
    components: files.map((file) => ({
      type: 'file',
      'bom-ref': `${id}/${file.path}`,
      name: file.path,
      hashes: [hashOf(file.digest)],
    })),
    ...(isModel ? { modelCard: cardOf(version, known) } : {}),
  };
}

function cardOf(version: ReportedVersion, known: ReadonlySet<string>): JsonObject {
  const datasets = version.data.map(({ dataVersionId }) => dataVersionId);
  return {
    modelParameters: {
      datasets: [...new Set(datasets)].filter((id) => known.has(id)).map((ref) => ({ ref })),
    },
    quantitativeAnalysis: {
      performanceMetrics: measuresOf(version).map(({ name, share, under }) => ({
        type: name,
        value: String(share),
        ...(under === '' ? {} : { slice: under }),
      })),
    },
  };
}

function hashOf(digest: string): JsonObject {
  return { alg: 'SHA-256', content: digestHex(toDigest(digest)) };
}

/** An accepted finding can still be used against the model; only a scan shows that one is gone. */
const analysis = {
  open: 'in_triage',
  fixed: 'in_triage',
  accepted: 'exploitable',
  verified: 'resolved',
} as const;

/** A finding of the same rule on the same version is told once, with how often it was found. */
function vulnerabilitiesOf({ id, findings }: ReportedVersion): JsonObject[] {
  const byRule = new Map<string, typeof findings>();
  for (const finding of findings) {
    const key = `${finding.rule} ${finding.severity} ${finding.state}`;
    byRule.set(key, [...(byRule.get(key) ?? []), finding]);
  }
  return [...byRule.entries()].flatMap(([key, found]) => {
    const [first] = found;
    if (first === undefined) return [];
    const place = {
      ref: `finding:${id}:${key}`,
      count: found.length,
      affects: [id],
      state: analysis[first.state],
    };
    return [vulnerabilityOf(first, place)];
  });
}
