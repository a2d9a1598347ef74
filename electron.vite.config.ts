import vue from '@vitejs/plugin-vue'
import { defineConfig, type UserConfig } from 'electron-vite'
import { resolve } from 'node:path'

/** An absolute path inside the project. */
const at = (path: string): string => resolve(import.meta.dirname, path)

// The floor of the plain-Node shells. Without it electron-vite aims at the Node inside Electron, whose syntax Node 20
// does not parse.
const nodeTarget = 'node20.19'

const main: UserConfig['main'] = {
  build: {
    outDir: at('out/main'),
    target: nodeTarget,
    sourcemap: true,
    rolldownOptions: {
      // Four programs from one tree. The worker is an input of its own so that it has a stable name: the entry that
      // starts it says new URL('./engine.worker.js', import.meta.url).
      input: {
        electron: at('main/shell/electron.ts'),
        browser: at('main/shell/browser.ts'),
        cli: at('main/shell/cli.ts'),
        'engine.worker': at('main/engine/worker.ts'),
      },
      output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
    },
  },
}

const preload: UserConfig['preload'] = {
  build: {
    outDir: at('out/preload'),
    target: nodeTarget,
    // A sandboxed preload may require nothing but electron: one CommonJS file with everything inside.
    externalizeDeps: false,
    rolldownOptions: {
      input: { index: at('preload/index.ts') },
      output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false },
    },
  },
}

const renderer: UserConfig['renderer'] = {
  root: at('renderer'),
  plugins: [vue()],
  build: {
    outDir: at('out/renderer'),
    target: 'es2022',
    minify: true,
    sourcemap: true,
    // The page's policy forbids data: scripts and fonts; keep every asset a file of our own origin.
    assetsInlineLimit: 0,
    rolldownOptions: { input: at('renderer/index.html') },
  },
}

// scripts/lib/build.mjs builds only what is stale: the command line needs no page. Unset means everything.
const wanted = process.env['LAB_BUILD']?.split(',') ?? ['main', 'preload', 'renderer']

export default defineConfig({
  ...(wanted.includes('main') && { main }),
  ...(wanted.includes('preload') && { preload }),
  ...(wanted.includes('renderer') && { renderer }),
})
