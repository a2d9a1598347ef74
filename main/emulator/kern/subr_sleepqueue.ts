/**
 * Sleeping threads. A thread that sleeps is a record: what it waits for (channel) and where it goes on (resume code and one argument). Nothing is
 * kept on a stack. Source: sys/kern/subr_sleepqueue.c (derived: no priorities, no signals; wake-ups in order of sleeping).
 */
import type { Kernel } from '../kernel'
import { CAUSE } from '../machine/cost'
import { EV_THREAD_WAKEUP } from '../machine/eventKinds'
import { KASSERT } from '../sys/systm'

/** What a thread can wait for: kind and row. */
export const WCHAN_SB = 1
/** A busy page (vm_page_busy_sleep). */
export const WCHAN_PAGE = 2
/** SF_SYNC: the sync record's count reaches 0 (condition `sendfile`). */
export const WCHAN_SFSYNC = 3
/** The I/O lock of a socket buffer (sblock). */
export const WCHAN_SBLOCK = 4
/** A free sf_buf (machines without direct map). */
export const WCHAN_SFBUF = 5
/** An item of a zone at its limit (uma_zalloc with M_WAITOK); the row is the zone's number. */
export const WCHAN_ZONE = 6
/** A free page (vm_wait). */
export const WCHAN_VMWAIT = 7
/** Names as `ps` shows them (wmesg). */
export const wmesg: readonly string[] = ['', 'sbwait', 'vmpgrb', 'sendfile', 'sblock', 'sfbufa', 'zonelimit', 'vmwait']

/** Where a thread goes on. */
export const RESUME_SENDFILE = 1
/** read(2) of a program that waited for a page. */
export const RESUME_READ = 3
/** write(2) that waited for an mbuf. */
export const RESUME_SOSEND = 4
const RESUMES = 8

type Resume = (k: Kernel, argument: number) => void
const resumes: (Resume | undefined)[] = new Array<Resume | undefined>(RESUMES).fill(undefined)
/** Names the function behind a resume code. At module load only: handlers are code, not state. */
export function setResume(code: number, resume: Resume): void {
  resumes[code] = resume
}

const SC_TABLESIZE = 256

export function createThreads(k: Kernel) {
  const td = k.registry.table(k.part('thread'), {
    td_wchan: 'u8',
    td_wchanid: 'i32',
    td_resume: 'u8',
    td_arg: 'i32',
    td_cpu: 'i32',
    td_slpnext: 'i32',
    /** 1 asleep, 2 made runnable. */
    td_state: 'u8',
  })
  const sleepq = new Int32Array(SC_TABLESIZE)
  k.registry.fixed(k.part('sleepq'), sleepq)
  return Object.assign(td, { sleepq })
}

function bucket(kind: number, id: number): number {
  return (Math.imul(id, 0x9e3779b1) ^ kind) & (SC_TABLESIZE - 1)
}

/** Puts a thread to sleep on a channel. It goes on at `resume(argument)`, as a task of `cpu`, after {@link wakeup}. Returns its record. */
export function sleepq_add(k: Kernel, kind: number, id: number, resume: number, argument: number, cpu: number): number {
  const t = k.td
  const row = t.alloc()
  t.td_wchan[row] = kind
  t.td_wchanid[row] = id
  t.td_resume[row] = resume
  t.td_arg[row] = argument
  t.td_cpu[row] = cpu < 0 ? 0 : cpu
  t.td_slpnext[row] = 0
  t.td_state[row] = 1
  const b = bucket(kind, id)
  let at = t.sleepq[b]
  if (at === 0) t.sleepq[b] = row
  else {
    while (t.td_slpnext[at] !== 0) at = t.td_slpnext[at]
    t.td_slpnext[at] = row
  }
  return row
}

/** The thread that sleeps and would go on at `resume(argument)`, or 0. */
export function sleepq_find(k: Kernel, resume: number, argument: number): number {
  const t = k.td
  for (let row = 1; row < t.high; row++)
    if (t.td_state[row] === 1 && t.td_resume[row] === resume && t.td_arg[row] === argument) return row
  return 0
}

/** Takes a sleeping thread off its channel and makes it runnable. Source: sys/kern/subr_sleepqueue.c sleepq_abort (derived). */
export function sleepq_abort(k: Kernel, row: number): void {
  const t = k.td
  KASSERT(t.td_state[row] === 1, 'sleepq_abort: the thread sleeps')
  const b = bucket(t.td_wchan[row], t.td_wchanid[row])
  let at = t.sleepq[b]
  if (at === row) t.sleepq[b] = t.td_slpnext[row]
  else {
    while (t.td_slpnext[at] !== row) at = t.td_slpnext[at]
    t.td_slpnext[at] = t.td_slpnext[row]
  }
  t.td_slpnext[row] = 0
  t.td_state[row] = 2
  k.cpu.run(t.td_cpu[row], EV_THREAD_WAKEUP, k.id, row)
}

/** Makes every thread that sleeps on the channel runnable. */
export function wakeup(k: Kernel, kind: number, id: number): void {
  const t = k.td
  const b = bucket(kind, id)
  let prev = 0
  let at = t.sleepq[b]
  while (at !== 0) {
    const next = t.td_slpnext[at]
    if (t.td_wchan[at] === kind && t.td_wchanid[at] === id) {
      if (prev === 0) t.sleepq[b] = next
      else t.td_slpnext[prev] = next
      t.td_slpnext[at] = 0
      t.td_state[at] = 2
      k.cpu.run(t.td_cpu[at], EV_THREAD_WAKEUP, k.id, at)
    } else prev = at
    at = next
  }
}

/** Makes the thread that has slept longest on the channel runnable. */
export function wakeup_one(k: Kernel, kind: number, id: number): void {
  const t = k.td
  for (let at = t.sleepq[bucket(kind, id)]; at !== 0; at = t.td_slpnext[at]) {
    if (t.td_wchan[at] !== kind || t.td_wchanid[at] !== id) continue
    sleepq_abort(k, at)
    return
  }
}

/** Task of EV_THREAD_WAKEUP: the thread runs again; its record is gone before it does. */
export function threadRun(k: Kernel, row: number): void {
  const t = k.td
  KASSERT(t.td_state[row] === 2, 'sleepqueue: a thread that runs was made runnable before')
  const resume = t.td_resume[row]
  const argument = t.td_arg[row]
  t.td_state[row] = 0
  t.free(row)
  if (k.cost.on) k.cost.charge(CAUSE.other, k.cost.p.contextSwitch)
  resumes[resume]!(k, argument)
}
