/** One call of one function: toext, compress, mops, cksum. */
import { in_cksum_skip } from '../../main/emulator/netinet/in_cksum'
import * as kern from '../../main/emulator/kern/kern_mbuf'
import * as uipc from '../../main/emulator/kern/uipc_mbuf'
import { mbufFlagNames } from '../../main/emulator/sys/mbuf'
import { M_NOWAIT } from '../../main/emulator/sys/param'
import { crc32, type Fields, type VectorCase } from './format'
import { errorName } from './names'
import { toHex, type World } from './world'

/** What the first argument became, and what else the call gave. */
interface CallResult {
  fields: Fields
  chain: number
  /** Second chain, when the vectors show it. */
  chain2?: number
}

type Operation = (world: World, chain: number, chain2: number, args: { [name: string]: number | string }) => CallResult

const num = (value: number | string | undefined): number => {
  if (typeof value !== 'number') throw new Error('an argument is missing')
  return value
}
/** Functions that give the chain back or NULL. */
const replaces =
  (f: (world: World, chain: number, args: { [name: string]: number | string }) => number): Operation =>
  (world, chain, _chain2, args) => {
    const head = f(world, chain, args)
    return { fields: { ok: head === 0 ? 0 : 1 }, chain: head }
  }
/** Functions that make a second chain and leave the first. */
const copies =
  (f: (world: World, chain: number, args: { [name: string]: number | string }) => number): Operation =>
  (world, chain, _chain2, args) => {
    const copy = f(world, chain, args)
    return { fields: { ok: copy === 0 ? 0 : 1 }, chain, chain2: copy }
  }

export const calls: { [op: string]: Operation } = {
  mb_unmapped_to_ext: replaces(({ k }, chain) => kern.mb_unmapped_to_ext(k, chain)),
  mb_unmapped_compress: ({ k }, chain) => ({ fields: { err: errorName(kern.mb_unmapped_compress(k, chain)) }, chain }),
  mb_free_notready: ({ k }, chain, _chain2, args) => {
    // The function gives nothing back: the rest is found by walking the same units.
    let rest = chain
    let count = num(args['count'])
    while (count > 0 && rest !== 0) {
      const pgs = kern.isPgs(k, rest) ? k.pgs.nrdy[k.mb.ext_buf[rest]] : 1
      if (pgs > count) break
      count -= pgs
      rest = k.mb.m_next[rest]
    }
    kern.mb_free_notready(k, chain, num(args['count']))
    return { fields: { ok: 1 }, chain: rest }
  },
  m_copydata: ({ k }, chain, _chain2, args) => {
    const bytes = new Uint8Array(num(args['len']))
    uipc.m_copydata(k, chain, num(args['off']), bytes.length, bytes, 0)
    const fields: Fields = { crc: bytes.length === 0 ? 0 : crc32(bytes) }
    if (bytes.length > 0) fields['hex'] = toHex(bytes)
    return { fields, chain }
  },
  m_copym: copies(({ k }, chain, args) => uipc.m_copym(k, chain, num(args['off']), num(args['len']), M_NOWAIT)),
  m_copypacket: copies(({ k }, chain) => uipc.m_copypacket(k, chain, M_NOWAIT)),
  m_dup: copies(({ k }, chain) => uipc.m_dup(k, chain, M_NOWAIT)),
  m_split: copies(({ k }, chain, args) => uipc.m_split(k, chain, num(args['len']), M_NOWAIT)),
  m_pullup: replaces(({ k }, chain, args) => uipc.m_pullup(k, chain, num(args['len']))),
  m_copyup: replaces(({ k }, chain, args) => uipc.m_copyup(k, chain, num(args['len']), num(args['dstoff']))),
  m_unshare: replaces(({ k }, chain) => uipc.m_unshare(k, chain, M_NOWAIT)),
  m_defrag: ({ k }, chain) => {
    const head = uipc.m_defrag(k, chain, M_NOWAIT)
    return { fields: { ok: head === 0 ? 0 : 1 }, chain: head === 0 ? chain : head }
  },
  m_collapse: ({ k }, chain, _chain2, args) => {
    const head = uipc.m_collapse(k, chain, M_NOWAIT, num(args['maxfrags']))
    return { fields: { ok: head === 0 ? 0 : 1 }, chain }
  },
  m_prepend: replaces(({ k }, chain, args) => {
    const len = num(args['len'])
    const head = uipc.M_PREPEND(k, chain, len, M_NOWAIT)
    if (head !== 0) k.phys.fill(kern.mtodAddr(k, head), len, 0xaa)
    return head
  }),
  m_adj: ({ k }, chain, _chain2, args) => {
    uipc.m_adj(k, chain, num(args['len']))
    return { fields: { ok: 1 }, chain }
  },
  m_cat: ({ k }, chain, chain2) => {
    uipc.m_cat(k, chain, chain2)
    return { fields: { ok: 1 }, chain }
  },
  m_catpkt: ({ k }, chain, chain2) => {
    uipc.m_catpkt(k, chain, chain2)
    return { fields: { ok: 1 }, chain }
  },
  m_demote: ({ k }, chain, _chain2, args) => {
    let keep = 0
    for (const wanted of String(args['keep'] ?? '').split('|')) {
      if (wanted === '') continue
      const flag = mbufFlagNames.find(([, name]) => name === wanted)
      if (flag === undefined) throw new Error(`flag ${wanted} is not known`)
      keep |= flag[0]
    }
    uipc.m_demote(k, chain, args['all'] === 1, keep)
    return { fields: { ok: 1 }, chain }
  },
  m_length: (world, chain) => ({
    fields: { len: uipc.m_length(world.k, chain), last: chain === 0 ? null : world.id(uipc.m_last(world.k, chain)) },
    chain,
  }),
  m_getptr: (world, chain, _chain2, args) => {
    const m = uipc.m_getptr(world.k, chain, num(args['loc']))
    return { fields: { mbuf: world.id(m), off: m === 0 ? null : uipc.getptrOff }, chain }
  },
  in_cksum_skip: ({ k }, chain, _chain2, args) => {
    const host = in_cksum_skip(k, chain, num(args['len']), num(args['skip']))
    return { fields: { host, wire: toHex(Uint8Array.of(host & 0xff, host >> 8)) }, chain }
  },
}

/** Runs a case of this kind; returns all fields of `out`, and frees everything. */
export function runCall(world: World, vector: VectorCase): Fields {
  const operation = calls[vector.op]
  const { chain, chain2 } = world.build(vector.in ?? {})
  const { value, allocs } = world.call(
    () => operation(world, chain, chain2, vector.args ?? {}),
    vector.fail_at,
    vector.sf_fail_at,
  )
  const heads = [value.chain, value.chain2 ?? 0]
  let out: Fields = value.fields
  if (vector.op !== 'in_cksum_skip') {
    out = {
      ...out,
      chain: world.chain(value.chain, true),
      ...(value.chain2 !== undefined && { chain2: world.chain(value.chain2, true) }),
      storages: world.storages(),
      hidden: world.hidden(heads),
      released: [...world.released],
      allocs,
    }
  }
  world.free(heads)
  return out
}
