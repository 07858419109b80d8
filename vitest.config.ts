import { defineConfig } from 'vitest/config';

/** One project for the whole house: tests are small, so isolation would cost more than they do. */
export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'tidy/**/*.test.ts'],
    globalSetup: ['packages/platform/test/support/softhsm.ts'],
    pool: 'threads',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
