/**
 * Where this program lies: in the repository, as TypeScript beside the other packages, or installed
 * from the registry, as bundled JavaScript with the console and the tour's models and data.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isJsonObject } from '@merlon/core';
import { PlatformError } from './errors.ts';

/** The folder of this package. */
export const packageFolder = folderAbove(dirname(fileURLToPath(import.meta.url)));

/** The version of this package. */
export const merlonVersion = versionIn(join(packageFolder, 'package.json'));

/** A program of this package, such as `confine/child`, as the runtime can start it. */
export function programPath(name: string): string {
  const source = join(packageFolder, 'src', `${name}.ts`);
  return existsSync(source) ? source : join(packageFolder, 'dist', `${name}.js`);
}

/** The folder of the built console, or null when it has not been built. */
export function consoleFolder(): string | null {
  const places = [join(packageFolder, '../console/dist'), join(packageFolder, 'console')];
  return places.find((place) => existsSync(join(place, 'index.html'))) ?? null;
}

/** A model or data file of the tour, such as `models/digits-cnn.onnx`; throws `not-found`. */
export function fixturePath(path: string): string {
  const places = [join(packageFolder, '../..', path), join(packageFolder, 'fixtures', path)];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new PlatformError('not-found', `"${path}" is missing from this installation`, {
    hint: 'install the package again, or run from a whole checkout',
  });
}

/**
 * Where compiled sources may be kept between starts: beside the libraries, which whoever could
 * write there could change anyway; null for the installed package, which is compiled already.
 */
export function compileCacheFolder(): string | null {
  const libraries = join(packageFolder, '../../node_modules');
  return existsSync(join(packageFolder, 'src')) && existsSync(libraries)
    ? join(libraries, '.cache/merlon')
    : null;
}

function folderAbove(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) {
      throw new PlatformError('not-found', 'the package file of Merlon is missing', {
        hint: 'install the package again, or run from a whole checkout',
      });
    }
  }
}

function versionIn(path: string): string {
  const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return isJsonObject(found) ? String(found.version) : '';
}
