import { describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { globToRegExp, importsOf, judge, meaningOf } from './imports.mjs'
import { ROOT } from './project.mjs'

/** @type {import('./imports.mjs').Rules} */
const rules = JSON.parse(readFileSync(join(ROOT, 'import-rules.json'), 'utf8'))

const project = new Set([
  'main/emulator/index.ts',
  'main/emulator/kern/uipc_mbuf.ts',
  'main/emulator/kern/uipc_mbuf.test.ts',
  'main/console/index.ts',
  'main/lab/runs.ts',
  'main/engine/worker.ts',
  'preload/contract.ts',
  'renderer/App.vue',
])
const exists = (/** @type {string} */ path) => project.has(path)

/**
 * The breaches of one file, as "line: text".
 * @param {string} file
 * @param {string} text
 * @param {import('./imports.mjs').Debt[]} [debts]
 */
function breachesOf(file, text, debts = []) {
  return judge({ ...rules, debts }, [{ file, text }], exists).map((breach) => `${breach.line}: ${breach.text}`)
}

describe('import rules', () => {
  it('reports a forbidden import with its line, the import and the rule', () => {
    const text = "import { a } from './a'\n\nimport { readFileSync } from 'node:fs'\n"
    const [breach, ...others] = judge(rules, [{ file: 'main/emulator/kern/x.ts', text }], exists)
    expect(others).toEqual([])
    expect(breach).toMatchObject({ file: 'main/emulator/kern/x.ts', line: 3 })
    expect(breach?.text).toContain('imports \'node:fs\': zone "emulator" may import: main/emulator/**')
  })

  it.each([
    ['main/emulator/net/if.ts', "import x from 'fs'"],
    ['main/emulator/net/if.ts', "import { z } from 'zod'"],
    ['main/emulator/net/if.ts', "import { run } from '../../lab/runs'"],
    ['main/console/ifconfig.ts', "import { m } from '../emulator/kern/uipc_mbuf'"],
    ['main/lab/runs2.ts', "export * from '../emulator/kern/uipc_mbuf.js'"],
    ['main/lab/runs2.ts', "const e = await import('electron')"],
    ['main/engine/pace.ts', "import { requests } from '../../preload/contract'"],
    ['main/lab/runs2.ts', "import { Branch } from '../engine/branch'"],
    ['main/engine/pace.ts', "import { runs } from '../lab/runs'"],
    ['main/shell/browser.ts', "import { app } from 'electron'"],
    ['main/shell/browser.ts', "import { host } from '../emulator'"],
    ['main/shell/electron.ts', "import { host } from '../emulator'"],
    ['preload/contract.ts', "import type { Host } from '../main/emulator'"],
    ['preload/index.ts', "import fs from 'node:fs'"],
    ['renderer/App.vue', '<script setup lang="ts">\nimport { run } from \'../main/lab/runs\'\n</script>'],
    ['renderer/main.ts', "import type { BrowserWindow } from 'electron'"],
    ['renderer/main.ts', "const fs = require('fs')"],
    ['renderer/main.ts', "let x: import('node:fs').Stats"],
    ['main/emulator/index.ts', "import { t } from './kern/uipc_mbuf.test'"],
    ['scenarios/first.ts', ''],
    ['elsewhere/x.ts', ''],
  ])('%s may not: %s', (file, text) => {
    expect(breachesOf(file, text)).toHaveLength(1)
  })

  it.each([
    ['main/emulator/net/if.ts', "import { m } from '../kern/uipc_mbuf.ts'"],
    [
      'main/console/ifconfig.ts',
      "import { Host } from '../emulator'\nimport { Host as H } from '../emulator/index.js'",
    ],
    ['main/lab/runs2.ts', "import { readFile } from 'node:fs/promises'\nimport { zipSync } from 'fflate'"],
    ['main/lab/runs2.ts', "import type { Requests } from '../../preload/contract'"],
    ['main/engine/pace.ts', "import { type Run } from '../lab/runs'\nimport { parentPort } from 'node:worker_threads'"],
    ['main/shell/electron.ts', "import { app } from 'electron'\nimport { requests } from '../../preload/contract'"],
    ['main/shell/window.ts', "import type { BrowserWindow } from 'electron'"],
    ['preload/index.ts', "import { contextBridge } from 'electron'\nimport { x } from './contract'"],
    ['renderer/main.ts', "import type { Requests } from '../preload/contract'\nimport 'echarts/core'"],
    [
      'renderer/main.ts',
      "import App from './App.vue'\nimport logo from './logo.svg?url'\nimport '@xterm/xterm/css/xterm.css'",
    ],
    [
      'main/emulator/kern/uipc_mbuf.test.ts',
      "import { readFileSync } from 'node:fs'\nimport { run } from '../../lab/runs'",
    ],
    ['scripts/start.mjs', "import { spawn } from 'node:child_process'\nimport ts from 'typescript'"],
  ])('%s may: %s', (file, text) => {
    expect(breachesOf(file, text)).toEqual([])
  })

  it('lets a debt through, and says when it is paid', () => {
    const debt = { from: 'main/console/**', to: 'main/emulator/kern/uipc_mbuf.ts', owner: 'someone', reason: 'issue 9' }
    const text = "import { m } from '../emulator/kern/uipc_mbuf'"
    expect(breachesOf('main/console/a.ts', text, [debt])).toEqual([])
    expect(breachesOf('main/console/a.ts', '', [debt])[0]).toContain('is paid')
    expect(breachesOf('main/console/a.ts', text, [{ ...debt, owner: '' }])[0]).toContain('lacks owner or reason')
  })

  it('has no debts without an owner', () => {
    for (const debt of rules.debts)
      expect(debt).toMatchObject({ owner: expect.stringMatching(/./), reason: expect.stringMatching(/./) })
  })
})

describe('importsOf', () => {
  it('tells type-only imports from those that run the module', () => {
    const text = [
      "import type { A } from 'a'",
      "import { type B } from 'b'",
      "import { type C, d } from 'c'",
      "import 'd'",
      "export type { E } from 'e'",
      "export { f } from 'f'",
      "import G, { type H } from 'g'",
    ].join('\n')
    expect(importsOf('x.ts', text).map(({ specifier, line, typeOnly }) => [specifier, line, typeOnly])).toEqual([
      ['a', 1, true],
      ['b', 2, true],
      ['c', 3, false],
      ['d', 4, false],
      ['e', 5, true],
      ['f', 6, false],
      ['g', 7, false],
    ])
  })

  it('gives the lines of the .vue file for both of its scripts', () => {
    const text =
      '<template><p /></template>\n<script lang="ts">\nimport \'a\'\n</script>\n\n<script setup lang="ts">\nimport \'b\'\n</script>\n'
    expect(importsOf('x.vue', text).map(({ specifier, line }) => [specifier, line])).toEqual([
      ['a', 3],
      ['b', 7],
    ])
  })

  it('is not fooled by comments and strings', () => {
    expect(importsOf('x.ts', "// import 'a'\nconst s = `import 'b'`\n/* require('c') */")).toEqual([])
  })
})

describe('meaningOf', () => {
  it('knows files, built-ins and packages', () => {
    expect(meaningOf('main/lab/x.ts', '../emulator', exists).target).toBe('main/emulator/index.ts')
    expect(meaningOf('main/lab/x.ts', 'fs/promises', exists)).toEqual({ kind: 'builtin', target: 'node:fs/promises' })
    expect(meaningOf('main/lab/x.ts', '@xterm/xterm/css/xterm.css', exists)).toEqual({
      kind: 'package',
      target: '@xterm/xterm',
    })
  })
})

describe('globToRegExp', () => {
  it.each([
    ['main/**', 'main/a/b.ts', true],
    ['main/*.ts', 'main/a/b.ts', false],
    ['**/*.test.ts', 'a.test.ts', true],
    ['**/*.test.ts', 'a/b/c.test.ts', true],
    ['main/shell/electron*.ts', 'main/shell/electronMenu.ts', true],
    ['a.b', 'axb', false],
  ])('%s on %s: %s', (glob, path, expected) => {
    expect(globToRegExp(glob).test(path)).toBe(expected)
  })
})
