import { defineConfig } from 'vitest/config';

const slow = { testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false, pool: 'forks' as const };

/** Pure tests run side by side; tests on the fleet and in browsers one file at a time, since two cores serve all of it. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{apps,libs}/*/src/**/*.spec.ts', '{tools,e2e}/**/*.spec.ts'],
          exclude: ['**/*.int.spec.ts', '**/*.e2e.spec.ts', '**/node_modules/**', '**/dist/**'],
        },
      },
      { test: { name: 'integration', include: ['{apps,libs}/*/src/**/*.int.spec.ts', 'e2e/**/*.int.spec.ts'], ...slow } },
      { test: { name: 'browser', include: ['e2e/**/*.e2e.spec.ts'], ...slow } },
    ],
  },
});
