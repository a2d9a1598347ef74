/** The emulated machine and its console as the engine's model. */
import type { BranchInfo } from '../../preload/contract'
import { createConsole } from '../console'
import {
  counterDeclarations,
  loadRunning,
  Machine,
  readCounters,
  chainView,
  SendPathReader,
  type ChainQuestion,
  startLoad,
  stopLoad,
  type Disk,
  type MachineConfig,
} from '../emulator'
import { bootValues, changedSettings, hostView, settingsOf } from './hostView'
import type { Built, Model } from './model'

/** Host under test. */
const server = 0

export const counterNames: readonly string[] = counterDeclarations.map(({ name }) => name)

/** Answer of `inspect('settings')`. */
export interface SettingsView {
  now: { [name: string]: string }
  /** What differs from the host as it booted. */
  changed: BranchInfo['changed']
}

/** Builds machines of one config that share the bytes of one disk. */
export function realModel(config: MachineConfig, disk: Disk): Model<Machine> {
  return {
    counterNames,
    build(hooks): Built<Machine> {
      const machine = new Machine(config, disk)
      const console = createConsole(machine, server, hooks)
      const boot = bootValues(machine, server)
      const bootSettings = settingsOf(machine, server)
      const { sysctl } = machine.kernels[server]
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
        settings: () => `${loadRunning(machine)} ${[...settingsOf(machine, server)].join(' ')}`,
        inspect: (what, argument) => {
          if (what === 'host') return hostView(machine, server, boot)
          if (what === 'sendPath') return sendPath.read(typeof argument === 'number' ? argument : null)
          if (what === 'chains') return chainView(machine.kernels[server], argument as ChainQuestion)
          if (what === 'settings') {
            const now = settingsOf(machine, server)
            return { now: Object.fromEntries(now), changed: changedSettings(bootSettings, now) } satisfies SettingsView
          }
          if (what === 'refused')
            return [
              ...sysctl.refused.map(({ name, value }) => `${name}=${value}`),
              ...sysctl.unusedTunables(),
            ] satisfies string[]
          throw new Error(`nothing is called ${what}`)
        },
        restored: () => sendPath.reset(),
      }
    },
  }
}
