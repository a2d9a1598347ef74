/** Which pages sendfile(2) reads, and what it counts: kernel-mbuf-sendfile 6.2 step 8, 6.3 steps 2 to 6, 6.6. */
import { describe, expect, it } from 'vitest'
import { PROGRAM_TEST } from '../apps/program'
import { SF_USER_READAHEAD, SO_SNDBUF, SS_NBIO } from '../sys/socket'
import { baseLine, connectPair, createNet, createSink, type Net, ok, readInto, runUntil } from '../testkit/netRig'
import { vm_object_of_file, vm_page_grab, vm_page_lookup } from '../vm/vm_object'
import { vm_page_deactivate } from '../vm/vm_page'
import { unbusyPage } from '../vm/vnode_pager'
import { sendfile } from './kern_sendfile'
import { sosetopt } from './uipc_socket'

const FILE = vm_object_of_file(0)
function rig(pages: number, sndbuf = 0): Net & { server: number; client: number } {
  const net = createNet({
    files: [pages * 4096 - 10],
    warm: false,
    sysctls: { 'kern.ipc.mb_use_ext_pgs': '1' },
  })
  const pair = connectPair(net)
  if (sndbuf > 0) ok(sosetopt(net.a, pair.server, SO_SNDBUF, sndbuf), 'SO_SNDBUF')
  net.a.so.so_state[pair.server] |= SS_NBIO
  return { ...net, ...pair }
}
/** Puts a page into memory with its contents. */
function valid(net: Net, index: number): void {
  const m = vm_page_grab(net.a, FILE, index, 0)
  net.a.page.valid[m] = 0xff
  vm_page_deactivate(net.a, m)
  unbusyPage(net.a, m)
}
const send = (net: Net & { server: number }, flags = 0): number =>
  sendfile(
    net.a,
    net.server,
    { object: FILE, offset: 0, nbytes: 0, hdrUb: 0, hdrOff: 0, hdrLen: 0, trlUb: 0, trlOff: 0, trlLen: 0, flags },
    PROGRAM_TEST,
    0,
  )
const counts = (net: Net) => {
  const { stat } = net.a.sendfile
  return {
    iocnt: stat.sf_iocnt,
    read: stat.sf_pages_read,
    valid: stat.sf_pages_valid,
    bogus: stat.sf_pages_bogus,
    ahead: stat.sf_rhpages_read,
    noio: stat.sf_noiocnt,
  }
}
const inMemory = (net: Net): number =>
  Array.from({ length: net.a.object.size[FILE] }, (_, i) => vm_page_lookup(net.a, FILE, i)).filter((m) => m !== 0)
    .length

describe('sendfile_swapin (6.3)', () => {
  it.each([
    { there: [], want: { iocnt: 1, read: 10, valid: 0, bogus: 0, ahead: 0, noio: 0 } },
    // Step 2: valid pages in front are passed over; step 4: those at the tail are cut off, those inside replaced by the bogus page.
    { there: [0], want: { iocnt: 1, read: 9, valid: 1, bogus: 0, ahead: 0, noio: 0 } },
    { there: [9], want: { iocnt: 1, read: 9, valid: 1, bogus: 0, ahead: 0, noio: 0 } },
    { there: [8, 9], want: { iocnt: 1, read: 8, valid: 2, bogus: 0, ahead: 0, noio: 0 } },
    { there: [3], want: { iocnt: 1, read: 10, valid: 1, bogus: 1, ahead: 0, noio: 0 } },
    { there: [0, 3, 4, 9], want: { iocnt: 1, read: 8, valid: 4, bogus: 2, ahead: 0, noio: 0 } },
    // Step 6: nothing to read.
    { there: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], want: { iocnt: 0, read: 0, valid: 10, bogus: 0, ahead: 0, noio: 1 } },
  ])('pages $there of 10 in memory – one request, these counters, right bytes', ({ there, want }) => {
    const net = rig(10, 60_000)
    const before = baseLine(net.a)
    for (const i of there) valid(net, i)
    expect(send(net)).toBe(0)
    expect(counts(net)).toEqual(want)
    // Valid pages are free for others while the rest is read (unbusied, still wired).
    for (const i of there) expect(net.a.page.busy_lock[vm_page_lookup(net.a, FILE, i)]).toBe(1)
    const sink = createSink(50_000)
    runUntil(net, () => (readInto(net.b, net.client, sink), sink.length === 40_950), 'the file')
    expect(Buffer.compare((sink.bytes as Uint8Array).subarray(0, 40_950), net.file(0))).toBe(0)
    net.machine.runUntil(net.machine.time + 1e9)
    expect(baseLine(net.a)).toEqual(before)
  })

  it('6.2 step 8, 6.3 step 5: more than 32 pages – requests of MAXPHYS, 128 KiB', () => {
    const net = rig(70, 400_000)
    expect(send(net)).toBe(0)
    expect(counts(net)).toMatchObject({ iocnt: 3, read: 70 })
  })
})

describe('readahead (6.2 step 8)', () => {
  // Eight pages fit into 32 768 bytes of send buffer; the request of the disk holds 32.
  it.each([
    { pages: 100, flags: 0, ahead: 24, asked: 0 },
    { pages: 12, flags: 0, ahead: 4, asked: 0 },
    { pages: 100, flags: SF_USER_READAHEAD, ahead: 0, asked: 0 },
    { pages: 100, flags: SF_USER_READAHEAD | (5 << 16), ahead: 5, asked: 5 },
    { pages: 100, flags: SF_USER_READAHEAD | (60 << 16), ahead: 24, asked: 60 },
    { pages: 10, flags: SF_USER_READAHEAD | (60 << 16), ahead: 2, asked: 60 },
    { pages: 100, flags: 3 << 16, ahead: 24, asked: 3 },
  ])('file of $pages pages, flags $flags – $ahead pages ahead', ({ pages, flags, ahead, asked }) => {
    const net = rig(pages, 32_768)
    send(net, flags)
    expect(counts(net)).toMatchObject({ iocnt: 1, read: 8, ahead })
    expect([net.a.sendfile.stat.sf_rhpages_requested, inMemory(net)]).toEqual([asked, 8 + ahead])
  })

  it('a valid page at the tail of the request – no readahead (6.3 step 4)', () => {
    const net = rig(100, 32_768)
    valid(net, 7)
    send(net)
    expect(counts(net)).toMatchObject({ iocnt: 1, read: 7, ahead: 0, valid: 1 })
  })

  it('a page ahead that is in memory already – ends it', () => {
    const net = rig(100, 32_768)
    valid(net, 11)
    send(net)
    expect(counts(net)).toMatchObject({ iocnt: 1, read: 8, ahead: 3 })
  })
})
