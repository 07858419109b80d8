/** Paths that stand in files: a model may name what lies beside it, and nothing else. */

/** True for a path that leaves the folder of the file, or an address. */
export function isOutside(path: string): boolean {
  return (
    /^[/\\]|^[A-Za-z]:|^[a-z][a-z\d+.-]*:\/\//.test(path) ||
    path.split(/[/\\]/).includes('..') ||
    path.includes('\0')
  );
}
