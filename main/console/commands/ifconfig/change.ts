/**
 * The parameters of ifconfig(8): each keyword acts at once, left to right, with its own ioctl; the address is applied at the end. A failing keyword ends
 * the run with the earlier ones applied. Source: sbin/ifconfig ifconfig(), setifcap(), setifflags(), af_inet.c, ifvlan.c, ifmedia.c (reference
 * console-tools 1.1, 1.5, 1.6; read).
 */
import type { Ifreq, IoctlName, SystemCalls } from '../../../emulator/index'
import { EADDRNOTAVAIL, ENXIO, EPERM, strerror } from '../../libc/errno'
import { inet_aton, prefixMask } from '../../libc/inet'
import { atoi } from '../../libc/stdio'
import { Failure } from './failure'
import { laggKeywords } from './lagg'

/** What the address keywords collected until the end of the line. */
interface Run {
  sys: SystemCalls
  name: string
  /** 1 = `alias`, −1 = `-alias`, 0 = replace. */
  doAlias: number
  setsAddress: boolean
  setsMask: boolean
  newAddress: boolean
  clearsAddress: boolean
  address?: number
  mask?: number
  broadcast?: number
  /** Address that SIOCDIFADDR names; undefined = the first one. */
  removed?: number
  vlanTag?: number
  vlanParent?: string
  mediaType?: string
  /** New name, printed at the end. */
  renamed: string | null
  /** Complaints that do not end the run but make its exit status 1. */
  warnings: string[]
}

export type Keyword = { argument: 0 | 1; act: (run: Run, keyword: string, argument: string) => void }

/** Perror() of ifconfig.c: how most keywords report an errno. */
export function perror(command: string, error: number): Failure {
  if (error === ENXIO) return new Failure(`${command}: no such interface`)
  if (error === EPERM) return new Failure(`${command}: permission denied`)
  return new Failure(`${command}: ${strerror(error)}`)
}

function ioctl(run: Run, command: IoctlName, request: Ifreq): number {
  return run.sys.ioctl(command, run.name, request)
}

/** setifcap(): the change is masked with what the interface supports, so an unsupported keyword changes nothing, silently. */
function setCapability(bits: number, on: boolean): Keyword['act'] {
  return (run, keyword) => {
    const ifr: Ifreq = {}
    const failed = ioctl(run, 'SIOCGIFCAP', ifr)
    if (failed !== 0) throw perror('SIOCGIFCAP (SIOCGIFCAP)', failed)
    const { ifr_curcap = 0, ifr_reqcap = 0 } = ifr
    const wanted = (on ? ifr_curcap | bits : ifr_curcap & ~bits) & ifr_reqcap
    const error = ioctl(run, 'SIOCSIFCAP', { ifr_reqcap: wanted })
    if (error !== 0) throw perror(keyword, error)
  }
}

function setFlag(name: string, on: boolean): Keyword['act'] {
  return (run, keyword) => {
    const ifr: Ifreq = {}
    const bit = run.sys.flagNames.find((flag) => flag.name === name)?.bit ?? 0
    const failed = ioctl(run, 'SIOCGIFFLAGS', ifr)
    if (failed !== 0) throw perror('ioctl (SIOCGIFFLAGS)', failed)
    const flags = ifr.ifr_flags ?? 0
    const error = ioctl(run, 'SIOCSIFFLAGS', { ifr_flags: on ? flags | bit : flags & ~bit })
    if (error !== 0) throw perror(keyword, error)
  }
}

function setAlias(kind: number): Keyword['act'] {
  return (run) => {
    if (run.setsAddress && run.doAlias === 0 && kind < 0) run.removed = run.address
    run.doAlias = kind
    if (kind < 0) {
      run.clearsAddress = true
      run.newAddress = false
    } else run.clearsAddress = false
  }
}

function getAddress(text: string): number {
  const address = inet_aton(text)
  // Names are looked up before this is said; the host has no name service, so every look-up fails.
  if (address === null) throw new Failure(`${text}: bad value`)
  return address
}

/** setifaddr(): `A` or `A/N`. */
function setAddress(run: Run, text: string): void {
  const slash = text.indexOf('/')
  let address = text
  if (slash >= 0) {
    address = text.slice(0, slash)
    const width = text.slice(slash + 1)
    if (!/^\d+$/.test(width)) throw new Failure(`${text}: bad value (width invalid)`)
    if (Number(width) > 32) throw new Failure(`${text}: bad value (width too large)`)
    run.mask = prefixMask(Number(width))
  }
  run.setsAddress = true
  if (run.doAlias === 0) run.clearsAddress = true
  const value = getAddress(address)
  if (run.doAlias >= 0) run.address = value
  else run.removed = value
}

const setMask: Keyword['act'] = (run, _keyword, text) => {
  run.setsMask = true
  const hexadecimal = /^0[xX][0-9a-fA-F]{1,8}$/.test(text) ? Number(text) : null
  run.mask = hexadecimal ?? getAddress(text)
}

const setMtu: Keyword['act'] = (run, _keyword, text) => {
  const error = ioctl(run, 'SIOCSIFMTU', { ifr_mtu: atoi(text) })
  if (error !== 0) throw new Failure(`ioctl SIOCSIFMTU (set mtu): ${strerror(error)}`)
}

const setMetric: Keyword['act'] = (run, _keyword, text) => {
  const error = ioctl(run, 'SIOCSIFMETRIC', { ifr_metric: atoi(text) })
  if (error !== 0) throw new Failure(`ioctl SIOCSIFMETRIC (set metric): ${strerror(error)}`)
}

function setDescription(text: string | null): Keyword['act'] {
  return (run, _keyword, argument) => {
    const error = ioctl(run, 'SIOCSIFDESCR', { ifr_descr: text ?? argument })
    if (error !== 0) throw new Failure(`ioctl (set descr): ${strerror(error)}`)
  }
}

const setName: Keyword['act'] = (run, _keyword, text) => {
  const error = ioctl(run, 'SIOCSIFNAME', { ifr_newname: text })
  if (error !== 0) throw new Failure(`ioctl SIOCSIFNAME (set name): ${strerror(error)}`)
  run.name = text
  run.renamed = text
}

const setMedia: Keyword['act'] = (run, _keyword, text) => {
  const ifr: Ifreq = {}
  if (ioctl(run, 'SIOCGIFMEDIA', ifr) !== 0 || ifr.ifm === undefined) throw new Failure(`${run.name}: no media types?`)
  const known = ifr.ifm.supported.map((medium) => medium.subtype)
  const subtype = known.find((name) => name.toLowerCase() === text.toLowerCase())
  if (subtype === undefined) throw new Failure(`unknown media subtype: ${text}`)
  const error = ioctl(run, 'SIOCSIFMEDIA', { ifr_media: subtype })
  if (error !== 0) throw new Failure(`SIOCSIFMEDIA (media): ${strerror(error)}`)
}

const setVlan: Keyword['act'] = (run, keyword, text) => {
  if (keyword === 'vlandev') {
    run.vlanParent = text
    return
  }
  run.vlanTag = vlanTag(text)
}

const unsetVlan: Keyword['act'] = (run) => {
  const error = ioctl(run, 'SIOCSETVLAN', { vlr_parent: '', vlr_tag: 0 })
  if (error !== 0) throw new Failure(`SIOCSETVLAN: ${strerror(error)}`)
}

const create: Keyword['act'] = (run) => {
  throw new Failure(`interface ${run.name} already exists`)
}

const destroy: Keyword['act'] = (run) => {
  const error = run.sys.destroyInterface(run.name)
  if (error !== 0) throw new Failure(`SIOCIFDESTROY: ${strerror(error)}`)
}

function notModelled(what: string): Keyword['act'] {
  return () => {
    throw new Failure(`${what} is not part of the emulated host yet; nothing was changed by this word`)
  }
}

/** Keywords with what they need. Capability keywords are added from the table of capabilities. */
const fixedKeywords: { readonly [keyword: string]: Keyword } = {
  up: { argument: 0, act: setFlag('UP', true) },
  down: { argument: 0, act: setFlag('UP', false) },
  arp: { argument: 0, act: setFlag('NOARP', false) },
  '-arp': { argument: 0, act: setFlag('NOARP', true) },
  debug: { argument: 0, act: setFlag('DEBUG', true) },
  '-debug': { argument: 0, act: setFlag('DEBUG', false) },
  promisc: { argument: 0, act: setFlag('PPROMISC', true) },
  '-promisc': { argument: 0, act: setFlag('PPROMISC', false) },
  link0: { argument: 0, act: setFlag('LINK0', true) },
  '-link0': { argument: 0, act: setFlag('LINK0', false) },
  link1: { argument: 0, act: setFlag('LINK1', true) },
  '-link1': { argument: 0, act: setFlag('LINK1', false) },
  link2: { argument: 0, act: setFlag('LINK2', true) },
  '-link2': { argument: 0, act: setFlag('LINK2', false) },
  monitor: { argument: 0, act: setFlag('MONITOR', true) },
  '-monitor': { argument: 0, act: setFlag('MONITOR', false) },
  staticarp: { argument: 0, act: setFlag('STATICARP', true) },
  '-staticarp': { argument: 0, act: setFlag('STATICARP', false) },
  alias: { argument: 0, act: setAlias(1) },
  add: { argument: 0, act: setAlias(1) },
  '-alias': { argument: 0, act: setAlias(-1) },
  delete: { argument: 0, act: setAlias(-1) },
  remove: { argument: 0, act: setAlias(-1) },
  netmask: { argument: 1, act: setMask },
  broadcast: { argument: 1, act: (run, _keyword, text) => (run.broadcast = getAddress(text)) },
  mtu: { argument: 1, act: setMtu },
  metric: { argument: 1, act: setMetric },
  description: { argument: 1, act: setDescription(null) },
  descr: { argument: 1, act: setDescription(null) },
  '-description': { argument: 0, act: setDescription('') },
  '-descr': { argument: 0, act: setDescription('') },
  name: { argument: 1, act: setName },
  media: { argument: 1, act: setMedia },
  mediaopt: { argument: 1, act: notModelled('mediaopt') },
  '-mediaopt': { argument: 1, act: notModelled('-mediaopt') },
  group: { argument: 1, act: notModelled('group') },
  '-group': { argument: 1, act: notModelled('-group') },
  vlan: { argument: 1, act: setVlan },
  vlandev: { argument: 1, act: setVlan },
  // It takes an optional argument and so swallows the next word, as in ifvlan.c.
  '-vlandev': { argument: 1, act: unsetVlan },
  create: { argument: 0, act: create },
  plumb: { argument: 0, act: create },
  destroy: { argument: 0, act: destroy },
  unplumb: { argument: 0, act: destroy },
  ...Object.fromEntries(
    Object.entries(laggKeywords).map(([word, { argument, act }]): [string, Keyword] => [
      word,
      { argument, act: (run, _keyword, text) => act(run, text) },
    ]),
  ),
}

/** A keyword of the line, or undefined: then the word is an address. */
export function findKeyword(sys: SystemCalls, word: string): Keyword | undefined {
  if (Object.hasOwn(fixedKeywords, word)) return fixedKeywords[word]
  const on = !word.startsWith('-')
  const keyword = on ? word : word.slice(1)
  let bits = 0
  for (const entry of sys.capabilities) if (entry.keywords.includes(keyword)) bits |= entry.bit
  return bits === 0 ? undefined : { argument: 0, act: setCapability(bits, on) }
}

/** Words that ifconfig takes besides capabilities, for completion. */
export const parameterWords: readonly string[] = Object.keys(fixedKeywords)

/**
 * `ifconfig NAME create …`: the parameters that configure a vlan belong to its creation. Source: ifclone.c ifclonecreate(), ifvlan.c vlan_create().
 * @returns the name made, and the words that are left. @throws Failure
 */
export function createInterface(
  sys: SystemCalls,
  wanted: string,
  words: readonly string[],
): { name: string; words: string[] } {
  const rest: string[] = []
  const given: { vlan?: string; vlandev?: string } = {}
  for (let i = 0; i < words.length; i++) {
    const word = words[i]
    if (word !== 'vlan' && word !== 'vlandev') rest.push(word)
    else if (i + 1 >= words.length) throw new Failure(`'${word}' requires argument`)
    else given[word] = words[++i]
  }
  if (given.vlan !== undefined || given.vlandev !== undefined) {
    if (given.vlan === undefined) throw new Failure('must specify a tag for vlan create')
    if (given.vlandev === undefined) throw new Failure('must specify a parent device for vlan create')
  }
  const made = sys.createInterface(wanted)
  if (made.error !== 0) throw new Failure(`SIOCIFCREATE2: ${strerror(made.error)}`)
  if (given.vlan === undefined || given.vlandev === undefined) return { name: made.name, words: rest }
  try {
    const tag = vlanTag(given.vlan)
    const parent = given.vlandev
    const known = sys.interfaces().some((info) => info.name === parent)
    const error = known ? sys.ioctl('SIOCSETVLAN', made.name, { vlr_parent: parent, vlr_tag: tag }) : ENXIO
    if (error !== 0) throw new Failure(`SIOCIFCREATE2: ${strerror(error)}`)
  } catch (failure) {
    sys.destroyInterface(made.name)
    throw failure
  }
  return { name: made.name, words: rest }
}

function vlanTag(text: string): number {
  if (!/^\d+$/.test(text)) throw new Failure('invalid value for vlan')
  if (Number(text) > 65535) throw new Failure('value for vlan out of range')
  return Number(text)
}

/** Applies parameters to an interface. Complaints go to `warnings`. @returns the new name to print, or null. @throws Failure */
export function changeInterface(
  sys: SystemCalls,
  name: string,
  words: readonly string[],
  warnings: string[] = [],
): string | null {
  const run: Run = {
    warnings,
    sys,
    name,
    doAlias: 0,
    setsAddress: false,
    setsMask: false,
    newAddress: true,
    clearsAddress: false,
    renamed: null,
  }
  for (let i = 0; i < words.length; i++) {
    const word = words[i]
    const keyword = findKeyword(sys, word)
    if (keyword !== undefined) {
      const optional = word === '-vlandev'
      if (keyword.argument === 1 && i + 1 >= words.length && !optional) throw new Failure(`'${word}' requires argument`)
      keyword.act(run, word, keyword.argument === 1 ? (words[++i] ?? '') : '')
    } else if (!run.setsAddress) setAddress(run, word)
    // A second address is the destination, which a broadcast interface takes for its broadcast address.
    else run.broadcast = getAddress(word)
  }
  applyVlan(run)
  applyAddress(run)
  return run.renamed
}

function applyVlan(run: Run): void {
  if (run.vlanTag === undefined && run.vlanParent === undefined) return
  if (run.vlanTag === undefined || run.vlanParent === undefined)
    throw new Failure('both vlan and vlandev must be specified')
  const error = ioctl(run, 'SIOCSETVLAN', { vlr_parent: run.vlanParent, vlr_tag: run.vlanTag })
  if (error !== 0) throw new Failure(`SIOCSETVLAN: ${strerror(error)}`)
}

function applyAddress(run: Run): void {
  if (run.clearsAddress) {
    const error = ioctl(run, 'SIOCDIFADDR', run.removed === undefined ? {} : { ifra_addr: run.removed })
    // Replacing where there was no address is no error; deleting what is not there is one.
    if (error !== 0 && !(error === EADDRNOTAVAIL && run.doAlias >= 0)) throw perror('ioctl (SIOCDIFADDR)', error)
  }
  if (run.newAddress && (run.setsAddress || run.setsMask)) {
    const request: Ifreq = { ifra_addr: run.address ?? 0 }
    if (run.mask !== undefined) request.ifra_mask = run.mask
    if (run.broadcast !== undefined) request.ifra_broadaddr = run.broadcast
    const error = ioctl(run, 'SIOCAIFADDR', request)
    if (error !== 0) throw perror('ioctl (SIOCAIFADDR)', error)
  }
}
