/** Finds what a step works on: a version's model file, its data and the schema between them. */
import type { DataInput } from './confine/tasks/data.ts';
import { PlatformError } from './errors.ts';
import { openSigned, openSignedMany, type SignedSource } from './keys/signed.ts';
import type { DataUse, Version, VersionFile } from './model.ts';
import { pictureList } from './pictures.ts';
import type { Services } from './services.ts';

const schemaName = 'schema.json';
const dataEndings = ['.npz', '.npy', '.csv', '.parquet', '.idx', '-ubyte'];

/** Opened inputs; `close` must be called. */
export interface OpenedInputs {
  readonly sources: Readonly<Record<string, SignedSource>>;
  /** How a worker reads the data out of the sources. */
  readonly data: Pick<DataInput, 'dataName' | 'hasSchema' | 'pictures' | 'source'>;
  close(): Promise<void>;
}

/** The ONNX file of a version; throws `not-found`. */
export async function modelFile({ store }: Services, version: Version): Promise<VersionFile> {
  const files = await store.files(version.id);
  const models = files.filter((file) => file.path.endsWith('.onnx'));
  const [model] = models;
  if (model === undefined || models.length > 1) {
    const got = `${models.length} of ${files.length} files`;
    throw new PlatformError('not-found', `the version expected one .onnx file, got ${got}`, {
      hint: 'bring the model in as ONNX',
    });
  }
  return model;
}

/** Decrypts (in memory, on demand) the model, the data of a use and the schema, if there is one. */
export async function openInputs(
  services: Services,
  version: Version,
  use: DataUse,
): Promise<OpenedInputs> {
  const { store } = services;
  const link = (await store.dataLinks(version.id)).find((each) => each.use === use);
  if (link === undefined) {
    throw new PlatformError('not-ready', `no ${use} data is linked to this version`, {
      hint: `bring the data in, then link it with use "${use}"`,
    });
  }
  const dataFiles = await store.files(link.dataVersionId);
  const own = await store.files(version.id);
  const schema = [...own, ...dataFiles].find((file) => file.path.endsWith(schemaName));
  const opened: Record<string, SignedSource> = {};
  const close = async (): Promise<void> => {
    await Promise.all(Object.values(opened).map((source) => source.close()));
  };
  try {
    opened.model = await openSigned(services, await modelFile(services, version));
    const found = await openData(services, dataFiles, { opened, source: 'data' });
    if (schema !== undefined) opened.schema = await openSigned(services, schema);
    return { sources: opened, data: { ...found, hasSchema: schema !== undefined }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A second data set beside opened ones, as the source `others`; null where none is linked. */
export async function openOthers(
  { store, ...services }: Services,
  version: Version,
  { use, beside }: { readonly use: DataUse; readonly beside: OpenedInputs },
): Promise<OpenedInputs | null> {
  const link = (await store.dataLinks(version.id)).find((each) => each.use === use);
  if (link === undefined) return null;
  const sources: Record<string, SignedSource> = {};
  const files = await store.files(link.dataVersionId);
  const found = await openData({ store, ...services }, files, {
    opened: sources,
    source: 'others',
  });
  const close = async (): Promise<void> => {
    await Promise.all(Object.values(sources).map((each) => each.close()));
  };
  const data = { ...found, source: 'others', hasSchema: beside.data.hasSchema };
  return { sources: { ...beside.sources, ...sources }, data, close };
}

/** A table, an archive of arrays, or pictures by class, put among the sources. */
async function openData(
  services: Services,
  files: readonly VersionFile[],
  into: { readonly opened: Record<string, SignedSource>; readonly source: string },
): Promise<Pick<DataInput, 'dataName' | 'pictures'>> {
  const { opened, source: name } = into;
  const table = files.find((file) => dataEndings.some((end) => file.path.endsWith(end)));
  if (table !== undefined) {
    opened[name] = await openSigned(services, table);
    return { dataName: table.path };
  }
  const pictures = pictureList(files.map((file) => file.path));
  if (pictures.items.length === 0) {
    const wanted = [...dataEndings, 'or pictures in a folder for each class'].join(', ');
    throw new PlatformError('not-found', `the data version expected a file ending in ${wanted}`);
  }
  const byPath = new Map(files.map((file) => [file.path, file]));
  const chosen = pictures.items.map(({ name }) => byPath.get(name)).filter((file) => file != null);
  for (const [i, source] of (await openSignedMany(services, chosen)).entries()) {
    opened[`${name}:picture:${i}`] = source;
  }
  return { dataName: 'pictures', pictures };
}
