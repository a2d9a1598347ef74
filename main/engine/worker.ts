/** The worker thread in which the emulated machines run. */
import { parentPort } from 'node:worker_threads'
import type { MachineConfig } from '../emulator'
import { realModel } from './realModel'
import { serveCore } from './workerHost'

if (parentPort === null) throw new Error('the engine runs in a worker thread')
serveCore(parentPort, ({ config, disk }) => realModel(config as MachineConfig, { bytes: disk }))
