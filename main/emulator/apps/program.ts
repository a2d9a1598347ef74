/**
 * Programs of the emulated hosts. A program is code behind a number; what it remembers lies in tables. It runs as a task when its kqueue has something
 * ready, when a timer of it runs out, or when a system call it slept in returns.
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { EV_APP_SOCKET, EV_APP_TIMER, EV_APP_TIMER_TASK } from '../machine/eventKinds'

export const PROGRAM_HTTPD = 1
export const PROGRAM_CLIENT = 2
export const PROGRAM_TEST = 3
const PROGRAMS = 8

export interface Program {
  name: string
  /** Something is ready on kqueue `kq`: handle one event. `kq_scheduled` is still set. */
  run(k: Kernel, kq: number): void
  /** A timer ran out. */
  timer?(k: Kernel, record: number): void
}
const programs: (Program | undefined)[] = new Array<Program | undefined>(PROGRAMS).fill(undefined)

/** Registers a program. At module load only. */
export function setProgram(code: number, program: Program): void {
  programs[code] = program
}

/** Event d: the program a timer belongs to. */
export function wireProgramEvents(k: Kernel): void {
  const machine = k.machine
  if (machine.handled(EV_APP_SOCKET)) return
  const kernels = machine.kernels
  machine.on(EV_APP_SOCKET, (host, kq) => {
    const kernel = kernels[host]
    programs[kernel.kq.kq_program[kq]]!.run(kernel, kq)
  })
  machine.on(EV_APP_TIMER, (host, record, cpu, program) => {
    kernels[host].cpu.run(cpu, EV_APP_TIMER_TASK, host, record, 0, program)
  })
  machine.on(EV_APP_TIMER_TASK, (host, record, _c, program) => programs[program]!.timer?.(kernels[host], record))
}

/** Starts a timer of a program; gives the handle to cancel it with. */
export function programTimer(k: Kernel, program: number, record: number, cpu: number, delayNs: number): number {
  return k.machine.schedule(k.now() + delayNs, EV_APP_TIMER, k.id, record, cpu, program)
}

/** Charges entering and leaving the kernel. */
export function chargeSyscall(k: Kernel): void {
  if (k.cost.on) k.cost.charge(CAUSE.syscall, k.cost.p.syscall)
}
