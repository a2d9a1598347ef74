import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const ignored = ['**/node_modules/**', 'out/**', 'tests/e2e/**']

export default defineConfig({
  test: {
    // Two cores is what CI has. Tests that start processes or emulate seconds of traffic may be slow on a busy
    // machine; a timeout is there to end a hang, never to judge speed.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    passWithNoTests: true,
    coverage: {
      provider: 'v8',
      include: ['main/**/*.ts', 'preload/**/*.ts', 'renderer/**/*.{ts,vue}', 'scripts/lib/**/*.mjs'],
      exclude: ['**/*.test.ts'],
      reportsDirectory: 'coverage',
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: [
            'main/**/*.test.ts',
            'preload/**/*.test.ts',
            'tests/{unit,fidelity,property,shells}/**/*.test.ts',
            'scripts/**/*.test.{mjs,ts}',
          ],
          exclude: ignored,
        },
      },
      {
        extends: true,
        plugins: [vue()],
        test: {
          name: 'renderer',
          environment: 'happy-dom',
          include: ['renderer/**/*.test.ts'],
          exclude: ignored,
        },
      },
    ],
  },
})
