/**
 * Past vulnerabilities of the programs that load models, each by its id, as files that would use
 * them. The payloads are inert and nothing here is ever loaded; evasions by pickles and archives
 * stand in `pickle/evasions.test.ts` and `zip/zip.test.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Json, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import type { FileReport } from '../src/index.ts';
import { bytes, field, raw, rulesOf, scan, zip } from './support.ts';

const vectors = join(import.meta.dirname, '../../../vectors/scan');
const vector = (path: string): Promise<FileReport> =>
  scan(new Uint8Array(readFileSync(join(vectors, path))), { path });

/** A .keras archive around one layer. */
function keras(layer: Json): Promise<FileReport> {
  const config = { class_name: 'Sequential', module: 'keras', config: { layers: [layer] } };
  const members = [
    { name: 'metadata.json', content: utf8('{"keras_version": "3.9.0"}') },
    { name: 'config.json', content: utf8(JSON.stringify(config)) },
  ];
  return scan(zip(members), { path: 'model.keras' });
}

const named = (module: string, name: string): Json => ({
  class_name: 'function',
  module,
  config: name,
  registered_name: name,
});

/** An ONNX model with weights at a path. */
function onnx(location: string): Promise<FileReport> {
  const entry = field(13, bytes(field(1, 'location'), field(2, location)));
  const graph = field(7, bytes(field(5, bytes(field(1, 2), field(8, 'w'), entry)), field(2, 'g')));
  const opset = field(8, bytes(field(1, ''), field(2, 17)));
  return scan(bytes(field(1, 8), graph, opset), { path: 'model.onnx' });
}

function tar(name: string, type: string): Uint8Array {
  const header = new Uint8Array(512);
  const put = (at: number, text: string) => header.set(raw(text), at);
  put(0, name);
  put(124, '00000000000\0');
  put(148, '        ');
  put(156, type);
  put(157, '/etc');
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return bytes(header, new Uint8Array(1024));
}

/** Each: the id, how to make the file, the worst rule, and whether the finding names the id. */
const rows: [string, () => Promise<FileReport>, string, boolean?][] = [
  [
    'CVE-2025-1550: any function by its module',
    () => keras(named('subprocess', 'check_output')),
    'MRL-KER-001 critical',
  ],
  [
    'CVE-2025-8747: a gadget of Keras that fetches a file',
    () => keras(named('keras.utils', 'get_file')),
    'MRL-KER-002 high',
    true,
  ],
  [
    'CVE-2025-9906: safe mode is turned off by the model',
    () => keras({ class_name: 'function', config: 'enable_unsafe_deserialization' }),
    'MRL-KER-002 high',
    true,
  ],
  [
    'CVE-2025-9905: safe mode does not hold for HDF5',
    () => vector('lambda.latest.h5'),
    'MRL-JSN-003 high',
    true,
  ],
  [
    'CVE-2025-12058: a vocabulary that is any file or address',
    () =>
      keras({
        class_name: 'StringLookup',
        module: 'keras.layers',
        config: { vocabulary: 'http://127.0.0.1/latest/meta-data' },
      }),
    'MRL-KER-004 high',
    true,
  ],
  [
    'CVE-2025-12060: get_file that unpacks what climbs out',
    () => keras(named('keras.src.utils.file_utils', 'get_file')),
    'MRL-KER-002 high',
    true,
  ],
  [
    'CVE-2025-49655: a module of PyTorch inside Keras',
    () => keras({ class_name: 'TorchModuleWrapper', module: 'keras.layers', config: {} }),
    'MRL-KER-002 critical',
    true,
  ],
  [
    'CVE-2026-1669: HDF5 that links to another file',
    () => vector('external.latest.h5'),
    'MRL-HDF-001 high',
    true,
  ],
  [
    'CVE-2022-25882: weights of ONNX above the folder',
    () => onnx('../../../etc/passwd'),
    'MRL-ONX-001 high',
    true,
  ],
  [
    'CVE-2024-27318: weights of ONNX that climb out late',
    () => onnx('weights/../../x'),
    'MRL-ONX-001 high',
    true,
  ],
  [
    'CVE-2024-5187: a downloaded tar that writes elsewhere',
    () => scan(tar('../../x', '0'), { path: 'model.tar' }),
    'MRL-ARC-004 high',
  ],
  [
    'CVE-2024-5187: a downloaded tar that links elsewhere',
    () => scan(tar('x', '2'), { path: 'model.tar' }),
    'MRL-ARC-008 high',
  ],
  [
    'CVE-2024-27322: R runs a promise when it loads',
    () => vector('promise.rds'),
    'MRL-RDS-001 critical',
    true,
  ],
];

describe('past vulnerabilities', () => {
  it.each(rows)('%s', async (name, make, expected, cited = false) => {
    const report = await make();
    expect(report.verdict).toBe('flagged');
    expect(rulesOf(report)[0]).toBe(expected);
    const [id = ''] = name.split(':');
    if (cited) expect(report.findings[0]?.cve).toContain(id);
  });
  it('are not seen in what uses the same places as it should', async () => {
    const layer = { class_name: 'StringLookup', module: 'keras.layers', config: {} };
    const clean = [
      await keras(layer),
      await keras(named('keras.activations', 'relu')),
      await onnx('weights.bin'),
      await scan(tar('x', '0'), { path: 'model.tar' }),
    ];
    expect(clean.map(({ verdict, findings }) => [verdict, ...findings.map((f) => f.rule)])).toEqual(
      [['clean'], ['clean'], ['clean', 'MRL-ONX-002'], ['clean']],
    );
  });
});
