import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'
import { expect, test } from 'vitest'

// A disk that is full cannot be had without privileges; a limit on the size of files breaks off a write in the same place.
test.skipIf(process.platform === 'win32')(
  'a save that runs out of room in the middle – says so, and the old file is whole',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lab-full-'))
    await build({
      configFile: false,
      logLevel: 'error',
      build: {
        outDir: folder,
        ssr: join(import.meta.dirname, 'diskFullChild.ts'),
        rolldownOptions: { output: { entryFileNames: 'child.mjs' } },
      },
      ssr: { noExternal: true },
    })
    const path = join(folder, 'session.nomaplab')
    const shell = `ulimit -f 256; exec "${process.execPath}" "${join(folder, 'child.mjs')}" "${path}"`
    const said = execFileSync('/bin/sh', ['-c', shell], { encoding: 'utf8' })
    expect(JSON.parse(said)).toMatchObject({
      code: 'disk-full',
      message: expect.stringContaining(path),
      remedy: expect.stringMatching(/save/i),
    })
    expect(readFileSync(path, 'utf8')).toBe('the version that fits')
    // Nothing half-written is left behind.
    expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([])
  },
)
