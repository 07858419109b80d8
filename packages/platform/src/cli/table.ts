/** Tables in plain text. */

/** Columns padded to their widest cell; the last one is left as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === head.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width, i) => '─'.repeat(i === head.length - 1 ? 12 : width)).join('  ');
  return [line(head), rule, ...rows.map(line)].join('\n');
}
