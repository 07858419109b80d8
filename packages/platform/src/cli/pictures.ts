/** A folder with a folder of pictures for each class, as the sources of a confined worker. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenSource } from '../blob/blob.ts';
import type { PictureList } from '../confine/tasks/data.ts';
import { pictureList } from '../pictures.ts';
import { openSource } from './files.ts';
import { usage } from './usage.ts';

const picturesMax = 1_000_000;

/** The pictures below a folder, classes and files by name. Throws `bad-request` for none. */
export function picturesBelow(
  folder: string,
  source: string,
): {
  readonly pictures: PictureList;
  readonly sources: Readonly<Record<string, OpenSource>>;
} {
  const folders = readdirSync(folder).filter((name) => statSync(join(folder, name)).isDirectory());
  const paths = folders.flatMap((name) =>
    readdirSync(join(folder, name)).map((file) => `${name}/${file}`),
  );
  const pictures = pictureList(paths);
  const files = pictures.items;
  if (files.length === 0 || files.length > picturesMax) {
    const wanted = 'a folder of PNG or JPEG files for each class';
    throw usage(`the data "${folder}" expected ${wanted}, got ${files.length} pictures`);
  }
  const sources = Object.fromEntries(
    files.map(({ name }, i) => [`${source}:picture:${i}`, opening(join(folder, name))] as const),
  );
  return { pictures, sources };
}

/** A file that is only open while it is read: there may be more of them than can be open. */
function opening(path: string): OpenSource {
  return {
    size: statSync(path).size,
    read: async (offset, length) => {
      const file = await openSource(path);
      try {
        return await file.read(offset, length);
      } finally {
        await file.close();
      }
    },
    close: async () => undefined,
  };
}
