/** Chains for tests and for the window without a machine: a header and two unmapped mbufs (or mapped pages), as a send buffer. */
import type { BranchLetter, ChainRow, ChainState } from '../../preload/contract'

const socket = '192.0.2.1.80-192.0.2.9.49152.snd'

function row(name: string, off: number, len: number, npgs: number): ChainRow {
  const page = npgs === 0 ? 0 : len / npgs
  return {
    name,
    packet: 0,
    off,
    len,
    flags: npgs === 0 ? [] : npgs === 1 ? ['M_EXT', 'M_RDONLY'] : ['M_EXT', 'M_RDONLY', 'M_NOMAP'],
    storage: npgs === 0 ? '' : npgs === 1 ? 'EXT_SFBUF' : 'EXT_PGS',
    of: null,
    refs: npgs === 0 ? 1 : 2,
    pages: Array.from({ length: npgs }, (_, i) => ({
      index: i,
      off: off + i * page,
      len: page,
      adjacent: i % 2 === 1,
    })),
    ready: true,
  }
}

/** What main answers: `mapped` has an mbuf a page, the other one for all pages. */
export function chainState(
  branch: BranchLetter,
  question: { chain?: string; byte?: number } = {},
  mapped = false,
): ChainState {
  const rows = [
    row('m1', 0, 187, 0),
    ...(mapped ? [2, 3, 4, 5].map((n, i) => row(`m${n}`, 187 + i * 4096, 4096, 1)) : [row('m2', 187, 16384, 4)]),
  ]
  const bytes = 16571
  const byte = question.byte ?? 0
  const index = rows.findIndex(({ off, len }) => byte < off + len)
  const at = rows[index < 0 ? rows.length - 1 : index]
  const list: ChainState['list'] = [
    { name: 'cc0.txq0', place: 'card', packets: 2, mbufs: 4, unmapped: 2, notReady: 0, bytes: 2000, mbcnt: 0 },
    { name: socket, place: 'snd', packets: 1, mbufs: rows.length, unmapped: 1, notReady: 0, bytes, mbcnt: 17152 },
  ]
  const found = question.chain === socket
  return {
    branch,
    t: 3e6,
    list,
    unlisted: 0,
    empty: 5,
    chain: found
      ? {
          name: socket,
          place: 'snd',
          sockbuf: { sb_acc: bytes, sb_ccc: bytes, sb_mbcnt: 17152, sb_mcnt: rows.length, sb_ccnt: rows.length - 1 },
          bytes,
          rows,
          more: { mbufs: 0, bytes: 0 },
          text: rows.map(({ name, len }) => `${name}  MT_DATA  len ${len}`).join('\n'),
        }
      : null,
    mbuf: found
      ? {
          name: at.name,
          index: rows.indexOf(at),
          address: '0xfffff80000001000',
          fields: [
            { at: 16, name: 'm_data', value: mapped ? '0xfffff80001000000' : '0x0', note: mapped ? '' : 'an offset' },
            { at: 24, name: 'm_len', value: String(at.len), note: '' },
            { at: 28, name: 'm_type', value: 'MT_DATA', note: '' },
          ],
          array:
            at.storage === 'EXT_PGS'
              ? {
                  summary: 'npgs 4, nrdy 0, first_pg_off 0, last_pg_len 4096',
                  pages: at.pages.map(({ off, len }, i) => ({
                    frame: `0x100000${i}000`,
                    shown: true,
                    chosen: byte >= off && byte < off + len,
                  })),
                }
              : null,
          page:
            at.storage === '' ? null : { frame: '0x1000000', facts: [{ name: 'file', value: '/www/file-0001.bin' }] },
          bytes: {
            where: 'in the page',
            at: 0,
            chosen: 1,
            bytes: [...'The first bytes of a page.'].map((c) => c.charCodeAt(0)),
          },
          holders: [
            { name: at.name, chain: socket, how: 'owner' },
            { name: 'm9', chain: 'cc0.txq0', how: 'shadow' },
          ],
        }
      : null,
  }
}
