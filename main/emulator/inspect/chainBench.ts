/**
 * A bench for tests that show an operation as two drawings: build a text, run the operation, draw what became of it. Mbufs keep the names of the text;
 * what the operation takes from the zones is named n1, n2 … in the order of allocation. Not part of the machine.
 */
import { createSendfile } from '../kern/kern_sendfile'
import { m_free, m_freem } from '../kern/kern_mbuf'
import { m_copydata } from '../kern/uipc_mbuf'
import { sbrelease } from '../kern/uipc_sockbuf'
import { M_EXT, M_NOTREADY, MT_NOTMBUF } from '../sys/mbuf'
import { createMemoryKernel, type MemoryKernel, type MemoryKernelOptions } from '../testing'
import { buildChains, type BuiltChains } from './chainBuild'
import { drawChains, recordsOf } from './chainLive'
import { canonicalChains } from './chainParse'
import { formatChains, type ChainDrawing } from './chainText'
import { leakCheck, memoryUse, type MemoryUse } from './memoryUse'

/** A head, or a socket buffer by its row. */
export type Shown = number | { sb: number }

export class ChainBench {
  readonly k: MemoryKernel
  private readonly base: MemoryUse
  private readonly names = new Map<number, string>()
  private readonly built: BuiltChains[] = []
  private taken = 0

  /** @param pages pages of the only file: p0 … */
  constructor(pages = 64, options: MemoryKernelOptions = {}) {
    const file = Uint8Array.from({ length: pages * 4096 }, (_, i) => (i * 7) ^ (i >>> 9))
    this.k = createMemoryKernel({ files: [file], ...options })
    // Pages of files go back the way sendfile(2) gives them back.
    Object.assign(this.k, { sendfile: createSendfile(this.k) })
    this.base = memoryUse(this.k)
  }

  /** Builds a text. Names of texts before it stay, so that two texts may not share one. */
  read(text: string): BuiltChains {
    const built = buildChains(this.k, text)
    for (const section of built.drawing)
      for (const m of section.records.flat()) {
        if ([...this.names].some(([row, name]) => name === m.name && this.alive(row) && row !== built.row(m.name)))
          throw new Error(`${m.name} is already drawn`)
        this.names.set(built.row(m.name), m.name)
      }
    this.built.push(built)
    return built
  }

  /** Runs an operation and names the mbufs that it takes. */
  run<T>(operation: (k: MemoryKernel) => T): T {
    const { uma } = this.k
    uma.observe((zone, item) => {
      if (item !== 0 && (zone === uma.zone_mbuf || zone === uma.zone_pack)) this.names.set(item, `n${++this.taken}`)
    })
    try {
      return operation(this.k)
    } finally {
      uma.observe(null)
    }
  }

  private readonly nameOf = (m: number): string => this.names.get(m) ?? `row${m}`

  drawing(shown: { [label: string]: Shown }): ChainDrawing {
    const chains = Object.entries(shown).map(([label, what]) =>
      typeof what === 'number' ? { label, heads: recordsOf(this.k, what) } : { label, heads: [], sb: what.sb },
    )
    return drawChains(this.k, chains, { nameOf: this.nameOf, pages: 'disk' })
  }

  /** What is there now: one chain, or several by label. */
  draw(shown: number | { [label: string]: Shown }): string {
    return formatChains(this.drawing(typeof shown === 'number' ? { '': shown } : shown))
  }

  /** A text as {@link draw} would write it. */
  text(text: string): string {
    return canonicalChains(text)
  }

  /** The bytes of a chain. */
  bytes(head: number): Uint8Array {
    const { mb } = this.k
    const parts: number[] = []
    for (let m = head; m !== 0; m = mb.m_next[m]) {
      const out = new Uint8Array(mb.m_len[m])
      const next = mb.m_next[m]
      mb.m_next[m] = 0
      if (out.length > 0) m_copydata(this.k, m, 0, out.length, out, 0)
      mb.m_next[m] = next
      parts.push(...out)
    }
    return Uint8Array.from(parts)
  }

  private alive(m: number): boolean {
    return this.k.mb.m_type[m] !== MT_NOTMBUF
  }

  /** Frees chains (records included), socket buffers and the holders outside. @returns what is left over: {} when nothing leaked. */
  end(...shown: Shown[]): { [name: string]: number } {
    const { k } = this
    for (const what of shown) {
      if (typeof what !== 'number') {
        // What is not ready belongs to its I/O, which is the bench's here.
        const waiting: number[] = []
        for (let m = k.sb.sb_mb[what.sb]; m !== 0; m = k.mb.m_next[m])
          if ((k.mb.m_flags[m] & M_NOTREADY) !== 0) waiting.push(m)
        sbrelease(k, what.sb)
        for (const m of waiting) m_free(k, m)
      } else
        for (let m = what; m !== 0;) {
          const next = k.mb.m_nextpkt[m]
          m_freem(k, m)
          m = next
        }
    }
    for (const { outside } of this.built.splice(0))
      for (const m of outside) if ((k.mb.m_flags[m] & M_EXT) !== 0) m_free(k, m)
    this.names.clear()
    this.taken = 0
    return leakCheck(k, this.base)
  }
}
