/**
 * Makes the packages that are published: built JavaScript with types, the console, and the models
 * and data of the tour. `node scripts/pack.ts FOLDER` writes one tarball a package there.
 *
 * The platform is bundled with its libraries of plain JavaScript: the ranges that some of them give
 * for their peers contradict each other, and nobody who installs Merlon should have to know.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Files of the tour, at the root of the repository and in the published package. */
const fixtures = [
  ...['models/digits-cnn.onnx', 'models/digits-cnn.schema.json', 'models/loans.onnx'],
  ...['models/loans.schema.json', 'models/README.md', 'data/README.md'],
  ...['data/mnist-train.npz', 'data/mnist-test.npz', 'data/loans-train.csv', 'data/loans-test.csv'],
];

interface PackageFile {
  readonly name: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** Entry points of the platform: the command, its threads, the confined child, the library. */
const programs = ['cli/merlon.ts', 'parallel/thread.ts', 'confine/child.ts', 'main.ts'];

/** Libraries that stay dependencies: those with native parts, or that seek parts as they run. */
const external = [
  ...['libsql', 'pg', '@aws-sdk/client-kms', '@aws-sdk/client-s3', 'pkcs11js'],
  ...['@grpc/grpc-js', '@grpc/proto-loader'],
];

await pack(resolve(process.argv[2] ?? 'dist'));

async function pack(out: string): Promise<void> {
  const stage = mkdtempSync(join(tmpdir(), 'merlon-pack-'));
  try {
    run('vite', ['build', '--logLevel', 'error', 'packages/console']);
    run('tsc', ['-p', 'tsconfig.build.json', '--outDir', join(stage, 'built')]);
    await bundlePlatform(join(stage, 'built/platform/src'));
    mkdirSync(out, { recursive: true });
    for (const folder of folders()) {
      const staged = stagePackage(folder, stage);
      run('npm', ['pack', '--silent', '--pack-destination', out], staged);
    }
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** The platform's programs, with what they import, in place of what the compiler wrote. */
async function bundlePlatform(to: string): Promise<void> {
  const sources = join(root, 'packages/platform/src');
  rmSync(to, { recursive: true });
  const built = await build({
    configFile: false,
    root: join(root, 'packages/platform'),
    logLevel: 'error',
    ssr: { noExternal: true, external },
    build: {
      ssr: true,
      target: 'node24',
      outDir: to,
      minify: false,
      rolldownOptions: {
        external: [/^node:/, /^@merlon\//, ...external],
        input: Object.fromEntries(
          programs.map((path) => [path.replace(/\.ts$/, ''), join(sources, path)]),
        ),
        output: { entryFileNames: '[name].js', chunkFileNames: 'parts/[name]-[hash].js' },
      },
    },
  });
  const chunks = [built].flat().flatMap((part) => ('output' in part ? part.output : []));
  const modules = chunks.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  writeFileSync(join(to, 'LICENSES.txt'), licensesOf(modules));
}

/** Name, version and licence text of every library that was bundled, as their licences ask. */
function licensesOf(modules: readonly string[]): string {
  const found = new Set(
    modules.flatMap((id) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []),
  );
  return [...found]
    .sort()
    .map((folder) => {
      const { name, version, license } = readJson(join(folder, 'package.json')) as PackageFile;
      const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
      const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
      return `${name} ${version} (${license})\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** The packages with code of their own, in the order of the workspace. */
function folders(): string[] {
  const workspace = readJson(join(root, 'package.json')) as { workspaces: readonly string[] };
  return workspace.workspaces
    .map((path) => path.replace('packages/', ''))
    .filter((name) => name !== 'console');
}

function stagePackage(folder: string, stage: string): string {
  const to = join(stage, folder);
  mkdirSync(to);
  cpSync(join(stage, 'built', folder, 'src'), join(to, 'dist'), { recursive: true });
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
  const extra = folder === 'platform' ? platformFiles(to) : [];
  const source = readJson(join(root, 'packages', folder, 'package.json')) as PackageFile;
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(published(source, extra), null, 2)}\n`);
  return to;
}

function platformFiles(to: string): string[] {
  cpSync(join(root, 'packages/console/dist'), join(to, 'console'), { recursive: true });
  for (const path of fixtures) cpSync(join(root, path), join(to, 'fixtures', path));
  cpSync(join(root, 'README.md'), join(to, 'README.md'));
  return ['console', 'fixtures'];
}

/** The package file with sources replaced by what was built from them. */
function published(source: PackageFile, extra: readonly string[]): PackageFile {
  const built = (path: string, ending: string): string =>
    path.replace('./src/', './dist/').replace(/\.ts$/, ending);
  const { bin = {}, exports = {} } = source;
  const entries = Object.entries(exports).map(([name, path]) => [
    name,
    { types: built(path, '.d.ts'), default: built(path, '.js') },
  ]);
  return {
    ...source,
    dependencies: dependenciesOf(source),
    files: ['dist', ...extra],
    ...(source.bin && {
      bin: Object.fromEntries(
        Object.entries(bin).map(([name, path]) => [name, built(path, '.js')]),
      ),
    }),
    ...(source.exports && { exports: Object.fromEntries(entries) }),
  };
}

/** What is left to install: all of it, or for the platform what was not bundled. */
function dependenciesOf({
  name,
  dependencies = {},
}: PackageFile): Readonly<Record<string, string>> {
  if (name !== 'merlon') return dependencies;
  const kept = (library: string): boolean =>
    library.startsWith('@merlon/') || external.includes(library);
  return Object.fromEntries(Object.entries(dependencies).filter(([library]) => kept(library)));
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function run(program: string, args: readonly string[], cwd = root): void {
  const { status } = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}`);
}
