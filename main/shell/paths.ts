import { fileURLToPath } from 'node:url'

/** Where the parts of the built lab lie. */
export interface LabPaths {
  /** Folder of the built page. */
  renderer: string
  /** The built preload (Electron only). */
  preload: string
  workerUrl: URL
  contentDirs: { scenarios: string; exercises: string }
}

/**
 * The parts of the lab, seen from a built main program, whose own `import.meta.url` is handed in: code that is shared between
 * programs lies in another folder than they do.
 */
export function labPaths(programUrl: string): LabPaths {
  const at = (path: string): string => fileURLToPath(new URL(path, programUrl))
  return {
    renderer: at('../renderer'),
    preload: at('../preload/index.cjs'),
    workerUrl: new URL('./engine.worker.js', programUrl),
    contentDirs: { scenarios: at('../../scenarios'), exercises: at('../../exercises') },
  }
}
