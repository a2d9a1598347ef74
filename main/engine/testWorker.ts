/** Worker with the tiny machine, for tests of the client: built by them, never shipped. */
import { parentPort } from 'node:worker_threads'
import { testModel } from './testModel'
import { serveCore } from './workerHost'

serveCore(parentPort!, () => testModel)
