/** The emulated machine and its console as the engine's model. */
import { createConsole } from '../console'
import {
  counterDeclarations,
  loadRunning,
  Machine,
  readCounters,
  SendPathReader,
  startLoad,
  stopLoad,
  type Disk,
  type MachineConfig,
} from '../emulator'
import { bootValues, hostView, settingsText } from './hostView'
import type { Built, Model } from './model'

/** Host under test. */
const server = 0

export const counterNames: readonly string[] = counterDeclarations.map(({ name }) => name)

/** Builds machines of one config that share the bytes of one disk. */
export function realModel(config: MachineConfig, disk: Disk): Model<Machine> {
  return {
    counterNames,
    build(hooks): Built<Machine> {
      const machine = new Machine(config, disk)
      const console = createConsole(machine, server, hooks)
      const boot = bootValues(machine, server)
      const sendPath = new SendPathReader(machine)
      return {
        machine,
        console,
        readCounters: (out) => readCounters(machine, out),
        loading: () => loadRunning(machine),
        setLoad: (on) => {
          if (on === loadRunning(machine)) return { output: `load: already ${on ? 'on' : 'off'}\n`, status: 0 }
          if (on) startLoad(machine)
          else stopLoad(machine)
          return { output: `load: ${on ? 'started' : 'stopped'}\n`, status: 0 }
        },
        settings: () => `${settingsText(machine, server)} ${loadRunning(machine)}`,
        inspect: (what, argument) => {
          if (what === 'host') return hostView(machine, server, boot)
          if (what === 'sendPath') return sendPath.read(typeof argument === 'number' ? argument : null)
          throw new Error(`nothing is called ${what}`)
        },
        restored: () => sendPath.reset(),
      }
    },
  }
}
