#!/usr/bin/env node
/**
 * `merlon-scan`: the scanner on its own, for a shell, a hook or a pipeline. Only this file is
 * compiled at every start; the rest comes from the cache.
 */
import { enableCompileCache } from 'node:module';

enableCompileCache?.();
const { main } = await import('./command.ts');
process.exitCode = await main(process.argv.slice(2));
