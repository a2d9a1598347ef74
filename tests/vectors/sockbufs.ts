/** Sequences of sockbuf.json and examples.json, and the reservations of sbspace.json. */
import { mb_free_notready } from '../../main/emulator/kern/kern_mbuf'
import * as sockbuf from '../../main/emulator/kern/uipc_sockbuf'
import { m_copym } from '../../main/emulator/kern/uipc_mbuf'
import { MT_NOTMBUF, M_NOTREADY } from '../../main/emulator/sys/mbuf'
import { M_NOWAIT } from '../../main/emulator/sys/param'
import { PRUS_NOTREADY, SB_NOCOALESCE, SB_STOP } from '../../main/emulator/sys/sockbuf'
import type { MemoryKernel } from '../../main/emulator/testing'
import { type Fields, type VectorCase, type VectorInput } from './format'
import { errorName } from './names'
import type { World } from './world'

interface Step {
  op: string
  in?: VectorInput
  notready?: number
  m0?: string
  count?: number
  len?: number
  off?: number
  hold?: number
}

function newSockbuf(k: MemoryKernel): number {
  const sb = k.sb.alloc()
  for (const column of Object.values(k.sb)) if (ArrayBuffer.isView(column)) (column as unknown as number[])[sb] = 0
  return sb
}

/** Runs a sequence; the result has the same shape as the case: steps with their outputs. */
export function runSockbuf(world: World, vector: VectorCase): Fields {
  const { k } = world
  const s = k.sb
  const sb = newSockbuf(k)
  s.sb_hiwat[sb] = vector['hiwat'] as number
  s.sb_mbmax[sb] = vector['mbmax'] as number
  s.sb_flags[sb] = vector['nocoalesce'] === 1 ? SB_NOCOALESCE : 0
  const holds: number[] = []
  /** NOTREADY mbufs that left the buffer: their I/O owns them. */
  const unlinked = new Set<number>()

  const members = (): number[] => {
    const list: number[] = []
    for (let record = s.sb_mb[sb]; record !== 0; record = k.mb.m_nextpkt[record])
      for (let m = record; m !== 0; m = k.mb.m_next[m]) list.push(m)
    return list
  }
  const removing = (body: () => void): void => {
    const before = members().filter((m) => (k.mb.m_flags[m] & M_NOTREADY) !== 0)
    body()
    const after = new Set(members())
    for (const m of before) if (!after.has(m)) unlinked.add(m)
  }
  const operations: { [op: string]: (step: Step) => Fields } = {
    sbappendstream: (step) => append(step, (m, flags) => sockbuf.sbappendstream(k, sb, m, flags)),
    sbappend: (step) => append(step, (m, flags) => sockbuf.sbappend(k, sb, m, flags)),
    sbappendrecord: (step) => append(step, (m) => sockbuf.sbappendrecord(k, sb, m)),
    sbready: (step) => ({ ret: errorName(sockbuf.sbready(k, sb, world.row(step.m0!), step.count!)) }),
    sbdrop: (step) => {
      removing(() => sockbuf.sbdrop(k, sb, step.len!))
      return {}
    },
    sbflush: (step) => {
      // As the vectors define it: a drop of everything.
      removing(() => sockbuf.sbdrop(k, sb, step.len!))
      return {}
    },
    sbcut: (step) => {
      let cut = 0
      removing(() => (cut = sockbuf.sbcut(k, sb, step.len!)))
      const returned = world.chain(cut, false)
      world.freeChain(cut)
      return { returned }
    },
    mb_free_notready: (step) => {
      mb_free_notready(k, world.row(step.m0!), step.count!)
      for (const m of unlinked) if (k.mb.m_type[m] === MT_NOTMBUF) unlinked.delete(m)
      return {}
    },
    sbsndptr: (step) => {
      const m = sockbuf.sbsndptr_noadv(k, sb, step.off!)
      const moff = sockbuf.sndMoff
      sockbuf.sbsndptr_adv(k, sb, m, step.len!)
      return { ret: world.id(m), moff }
    },
    sbsndmbuf: (step) => {
      const m = sockbuf.sbsndmbuf(k, sb, step.off!)
      return { ret: world.id(m), moff: sockbuf.sndMoff }
    },
    hold: (step) => {
      const copy = m_copym(k, s.sb_mb[sb], step.off!, step.len!, M_NOWAIT)
      holds.push(copy)
      return { copy: world.chain(copy, false) }
    },
    release: (step) => {
      world.freeChain(holds.splice(step.hold!, 1)[0])
      return {}
    },
  }
  let input = 0
  const append = (step: Step, f: (m: number, flags: number) => void): Fields => {
    f(input, step.notready === 1 ? PRUS_NOTREADY : 0)
    return {}
  }

  const steps = (vector['steps'] as Step[]).map((step) => {
    const operation = operations[step.op]
    if (operation === undefined) throw new Error(`operation ${step.op} is not known`)
    world.released.length = 0
    // The input is built outside of the call: what it allocates is not the function's.
    input = step.in === undefined ? 0 : world.build(step.in).chain
    const { value } = world.call(() => operation(step))
    return { ...value, out: state() }
  })

  function state(): Fields {
    const records: (Fields[] | null)[] = []
    for (let record = s.sb_mb[sb]; record !== 0; record = k.mb.m_nextpkt[record])
      records.push(world.chain(record, false))
    return {
      acc: s.sb_acc[sb],
      ccc: s.sb_ccc[sb],
      mbcnt: s.sb_mbcnt[sb],
      mcnt: s.sb_mcnt[sb],
      ccnt: s.sb_ccnt[sb],
      ctl: s.sb_ctl[sb],
      sndptroff: s.sb_sndptroff[sb],
      space: sockbuf.sbspace(k, sb),
      fnrdy: world.id(s.sb_fnrdy[sb]),
      sndptr: world.id(s.sb_sndptr[sb]),
      tail: world.id(s.sb_mbtail[sb]),
      lastrecord: world.id(s.sb_lastrecord[sb]),
      records,
      released: [...world.released],
    }
  }

  removing(() => sockbuf.sbflush(k, sb))
  for (const m of unlinked) world.freeOne(m)
  for (const copy of holds) world.freeChain(copy)
  world.free([])
  k.sb.free(sb)
  return { steps }
}

export function runReserve(k: MemoryKernel, vector: VectorCase): Fields {
  const sb = newSockbuf(k)
  const s = k.sb
  const { settings } = s
  settings.sb_max = vector['sb_max'] as number
  settings.sb_max_adj = vector['sb_max_adj'] as number
  settings.ui_sbsize = vector['user_total'] as number
  settings.rlimit_sbsize = (vector['rlimit'] as number) || -1
  s.sb_lowat[sb] = vector['lowat'] as number
  const steps = (vector['steps'] as { cc: number; ccc: number; mbcnt: number; stop: number }[]).map(
    ({ cc, ccc, mbcnt, stop }) => {
      const ret = sockbuf.sbreserve(k, sb, cc, vector['thread'] === 1) ? 1 : 0
      const after = {
        hiwat: s.sb_hiwat[sb],
        mbmax: s.sb_mbmax[sb],
        lowat: s.sb_lowat[sb],
        user_total: settings.ui_sbsize,
      }
      s.sb_ccc[sb] = ccc
      s.sb_mbcnt[sb] = mbcnt
      s.sb_flags[sb] = stop === 1 ? SB_STOP : 0
      const space = sockbuf.sbspace(k, sb)
      return { cc, ret, ...after, ccc, mbcnt, stop, space }
    },
  )
  k.sb.free(sb)
  return { steps }
}
