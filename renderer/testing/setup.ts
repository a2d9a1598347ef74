/** For every file of component tests: parts that load when they are wanted finish loading, because the next file shares their modules. */
import { afterAll, vi } from 'vitest'

afterAll(() => vi.dynamicImportSettled())
