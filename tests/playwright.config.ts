import { defineConfig } from '@playwright/test'
import { findElectron } from '../scripts/lib/electron.mjs'
import type { ShellOptions } from './e2e/fixtures.ts'

// One suite, two shells. The Electron half runs where its binary is; LAB_SHELLS=browser,electron says otherwise.
const shells = process.env['LAB_SHELLS']?.split(',') ?? (findElectron() ? ['browser', 'electron'] : ['browser'])

export default defineConfig<ShellOptions>({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  outputDir: 'results/e2e',
  snapshotDir: 'e2e/snapshots',
  fullyParallel: false,
  workers: 2,
  // Generous, because a shared machine can be many times slower; nothing here waits for a time.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  retries: process.env['CI'] ? 1 : 0,
  forbidOnly: Boolean(process.env['CI']),
  reporter: [['list'], ['json', { outputFile: 'results/e2e.json' }]],
  use: {
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    trace: 'on-first-retry',
    screenshot: 'only-on-failure',
  },
  projects: (['browser', 'electron'] as const)
    .filter((shell) => shells.includes(shell))
    .map((shell) => ({ name: shell, use: { shell } })),
})
