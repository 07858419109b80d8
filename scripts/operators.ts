/** Writes docs/operators.md: what becomes of each ONNX operator under differentiation. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type OperatorStatus, operatorStatuses } from '@merlon/graph';

const file = new URL('../docs/operators.md', import.meta.url);

const domains = {
  '': 'Operators of ONNX',
  'ai.onnx.ml': 'Classic models (`ai.onnx.ml`)',
  'com.microsoft': "ONNX Runtime's own (`com.microsoft`)",
} as const;

function table(rows: readonly OperatorStatus[]): string {
  const lines = rows.map(({ operator, status, note }) => `| ${operator} | ${status} | ${note} |`);
  return ['| operator | gradient | how, or why not |', '|---|---|---|', ...lines].join('\n');
}

/** The page as it should stand. */
export function operatorsPage(): string {
  const count = (status: OperatorStatus['status']): number =>
    operatorStatuses.filter((each) => each.status === status).length;
  const sections = Object.entries(domains).map(([domain, title]) => {
    return `## ${title}\n\n${table(operatorStatuses.filter((each) => each.domain === domain))}\n`;
  });
  return `# Operators and their gradients

White-box attacks and training differentiate the model itself (\`gradientModel\` of
\`@merlon/graph\`). This page is written by \`node scripts/operators.ts\`; a test holds it to the
tables that the program uses. Opsets 6 to 25 are read; half and double precision are
differentiated as a copy in single precision.

- **exact** (${count('exact')}): the true gradient, checked against differences of the runtime
  itself and against PyTorch.
- **straight-through** (${count('straight-through')}): rounding is taken as if it were not there;
  \`approximations\` of the result names every such node.
- **zero** (${count('zero')}): nothing flows back, since the result is flat or holds no floats.
- **refused** (${count('refused')}): when a gradient reaches it, differentiation stops with
  \`unsupported-operator\`, the node and the reason, and attacks use methods without gradients.

${sections.join('\n')}`;
}

if (process.argv[1] === import.meta.filename) {
  const page = operatorsPage();
  const same = ((): boolean => {
    try {
      return readFileSync(file, 'utf8') === page;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  })();
  if (!same) writeFileSync(file, page);
  console.log(same ? 'docs/operators.md is up to date' : 'wrote docs/operators.md');
}
