import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

// npm run soak multiplies the cases of property tests (tests/helpers/soak.ts) and adds the long runs.
const soak = process.env['LAB_SOAK'] !== undefined
const testTimeout = soak ? 12 * 3600_000 : 60_000

const ignored = ['**/node_modules/**', 'out/**', 'tests/e2e/**']
// What puts something of its own in the place of a module or of an entry of a module's table, for all who use it.
const alone = ['main/emulator/dev/cxgbe/t4_sge_rx.test.ts', 'tests/property/{chains,failures,sockbufs}.test.ts']

export default defineConfig({
  test: {
    // Two cores is what CI has. Tests that start processes or emulate seconds of traffic may be slow on a busy
    // machine; a timeout is there to end a hang, never to judge speed.
    maxWorkers: 2,
    testTimeout,
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
          // The emulator keeps no state in modules, so files share them: its code is compiled once, and is warm for the next file.
          isolate: false,
          include: [
            'main/**/*.test.ts',
            'preload/**/*.test.ts',
            'tests/{unit,fidelity,property,shells}/**/*.test.ts',
            'scripts/**/*.test.{mjs,ts}',
            ...(soak ? ['tests/soak/**/*.test.ts'] : []),
          ],
          exclude: [...ignored, ...alone],
        },
      },
      { extends: true, test: { name: 'alone', environment: 'node', include: alone, exclude: ignored } },
      {
        extends: true,
        plugins: [vue()],
        test: {
          name: 'renderer',
          environment: 'happy-dom',
          // One page for all files: making it costs more than most of them, and every test mounts and forgets what it needs.
          isolate: false,
          setupFiles: ['renderer/testing/setup.ts'],
          include: ['renderer/**/*.test.ts'],
          exclude: ignored,
        },
      },
    ],
  },
})
