/** Which of many paths are pictures of a data set: a folder for each class, pictures in it. */
import type { PictureList } from './confine/tasks/data.ts';

const pictureName = /(?:^|\/)([^/]+)\/[^/]+\.(png|jpe?g)$/i;

/** Classes and pictures by name; numbers in names count as numbers. */
export function pictureList(paths: readonly string[]): PictureList {
  const found = paths
    .map((name) => ({ name, label: pictureName.exec(name)?.[1] }))
    .filter((each): each is { name: string; label: string } => each.label !== undefined);
  const classes = [...new Set(found.map(({ label }) => label))].sort(byName);
  const items = found
    .sort((a, b) => byName(a.label, b.label) || byName(a.name, b.name))
    .map(({ name, label }) => ({ name, label: classes.indexOf(label) }));
  return { classes, items };
}

// Classes are often numbers: 10 stands behind 9.
function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
