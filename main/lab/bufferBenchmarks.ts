/** The emulator's own benchmarks, for the shells, which do not see the emulator. */
export { bufferBenchmarks, type BufferBenchmark } from '../emulator'
