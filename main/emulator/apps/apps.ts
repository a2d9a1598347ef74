/**
 * The programs of a host and the switch of the load. Host 0 runs the web server, host 1 the clients; tables exist on both so that the hosts are alike.
 */
import type { Kernel } from '../kernel'
import { EV_LOAD } from '../machine/eventKinds'
import type { Machine } from '../machine/machine'
import { clientLoadOff, clientLoadOn, createHttpClient, httpClientStart } from './httpClient'
import { createHttpServer, httpServerStart } from './httpServer'
import { wireProgramEvents } from './program'

export function createApps(k: Kernel) {
  wireProgramEvents(k)
  const machine = k.machine
  if (!machine.handled(EV_LOAD)) {
    machine.on(EV_LOAD, (on) => {
      const client = machine.kernels[1]
      if (client === undefined) return
      if (on !== 0) clientLoadOn(client)
      else clientLoadOff(client)
    })
  }
  return {
    httpd: createHttpServer(k),
    client: createHttpClient(k),
    /** Boot: the server listens, the clients wait for the load to start. */
    start(): void {
      if (k.id === 0) httpServerStart(k)
      else if (k.id === 1) {
        httpClientStart(k)
        const { startNs } = machine.config.workload
        if (startNs >= 0) machine.schedule(startNs, EV_LOAD, 1)
      }
    },
  }
}

/** Starts the load now (as an event of this instant). */
export function startLoad(machine: Machine): void {
  machine.schedule(machine.time, EV_LOAD, 1)
}

/** Stops the load: answers under way are completed, then every connection closes. */
export function stopLoad(machine: Machine): void {
  machine.schedule(machine.time, EV_LOAD, 0)
}

/** True while the load generator is on. */
export function loadRunning(machine: Machine): boolean {
  return machine.kernels[1] !== undefined && machine.kernels[1].apps.client.stat.running !== 0
}

/**
 * True when nothing of the load is left but TIME_WAIT entries: no client connection, no server connection, no socket but the listening ones.
 * Then every mbuf and page reference must be back at its base line (DESIGN 4, rule 5).
 */
export function isDrained(machine: Machine): boolean {
  for (const k of machine.kernels) {
    if (k.apps.client.stat.active !== 0 || k.apps.httpd.stat.open !== 0) return false
    if (k.so.live !== k.apps.httpd.worker.live) return false
    if (k.inet.sc.live !== 0 || k.disk.state.queued !== 0) return false
    // Fragments of packets that will never be whole.
    if (k.inet6.frag.q.live !== 0) return false
  }
  return true
}

/**
 * Stops the load and runs until {@link isDrained} and the cards have given their buffers back, or until `limitNs` more virtual time is over.
 * @returns true when drained.
 */
export function drainLoad(machine: Machine, limitNs = 600e9): boolean {
  stopLoad(machine)
  const end = machine.time + limitNs
  // Steps of growing length: a fast machine is not run through minutes of silence, a lossy one gets its time.
  for (let step = 1e6; machine.time < end; step = Math.min(step * 2, 1e9)) {
    machine.runUntil(Math.min(machine.time + step, end))
    if (isDrained(machine)) {
      // Late acknowledgements and transmit completions.
      machine.runUntil(machine.time + 50e6)
      return true
    }
  }
  return isDrained(machine)
}
