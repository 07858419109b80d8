/** The frame of every report: one file without scripts that loads nothing, light and dark. */
import { reportStyle } from './style.ts';
import { escapeHtml } from './text.ts';

/** What stands in the frame. */
export interface DocumentContent {
  /** Heading and name of the document; escaped here. */
  readonly title: string;
  /** Markup below the heading; whoever wrote it has escaped what came from outside. */
  readonly body: string;
  /** Rules beside those of every report. */
  readonly style?: string;
  /** Pictures inside the document are shown. */
  readonly images?: boolean;
}

/** A self-contained HTML document. */
export function htmlDocument({ title, body, style = '', images = false }: DocumentContent): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'${images ? '; img-src data:' : ''}`;
  const name = escapeHtml(title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<title>${name}</title>
<style>${reportStyle}${style}</style>
</head>
<body>
<main>
<h1>${name}</h1>
${body}
</main>
</body>
</html>
`;
}
