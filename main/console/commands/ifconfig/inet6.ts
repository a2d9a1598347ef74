/**
 * `ifconfig NAME inet6 …`: an address is added, or with `-alias` (`delete`, `remove`) taken away; every other keyword does what it always does. IPv6 has no
 * "the" address: one that is set never replaces another. Source: sbin/ifconfig/af_inet6.c (reference console-tools 1.6; read).
 */
import { inet_pton6 } from '../../../emulator/index'
import type { Ifreq, SystemCalls } from '../../../emulator/index'
import { changeInterface, findKeyword, perror } from './change'
import { Failure } from './failure'

const notModelled = ['anycast', 'deprecated', 'autoconf', 'pltime', 'vltime', 'eui64', 'ifdisabled', '-ifdisabled']

/** Words of the family, for completion. */
export const inet6Words: readonly string[] = ['prefixlen']

/** Applies parameters to an interface. @returns the new name to print, or null. @throws Failure */
export function changeInet6(
  sys: SystemCalls,
  name: string,
  words: readonly string[],
  warnings: string[] = [],
): string | null {
  let address: string | null = null
  let length: number | undefined
  let remove = false
  const rest: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]
    const keyword = findKeyword(sys, word)
    if (word === 'alias' || word === 'add') remove = false
    else if (word === '-alias' || word === 'delete' || word === 'remove') remove = true
    else if (word === 'prefixlen') {
      if (i + 1 >= words.length) throw new Failure("'prefixlen' requires argument")
      length = prefixLength(words[++i])
    } else if (notModelled.includes(word))
      throw new Failure(`inet6 ${word} is not part of the emulated host yet; nothing was changed by this word`)
    else if (keyword !== undefined) {
      rest.push(word)
      if (keyword.argument === 1 && i + 1 < words.length) rest.push(words[++i])
    } else if (address === null) {
      const slash = word.indexOf('/')
      address = slash < 0 ? word : word.slice(0, slash)
      if (slash >= 0) length = prefixLength(word.slice(slash + 1))
    } else throw new Failure(`${word}: bad value`)
  }
  const request = address === null ? null : addressOf(name, address)
  // The other words come first, the address at the end.
  const renamed = rest.length > 0 ? changeInterface(sys, name, rest, warnings) : null
  if (request !== null) {
    const to = renamed ?? name
    if (length !== undefined) request.ifra6_prefixlen = length
    const error = sys.ioctl(remove ? 'SIOCDIFADDR_IN6' : 'SIOCAIFADDR_IN6', to, request)
    if (error !== 0) throw perror(`ioctl (${remove ? 'SIOCDIFADDR' : 'SIOCAIFADDR'})`, error)
  } else if (remove) {
    const error = sys.ioctl('SIOCDIFADDR_IN6', renamed ?? name, {})
    if (error !== 0) throw perror('ioctl (SIOCDIFADDR)', error)
  }
  return renamed
}

function prefixLength(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > 128) throw new Failure(`${text}: bad value`)
  return Number(text)
}

/** An address, link-local ones with or without their interface. Names are not looked up: there is no name service. */
function addressOf(name: string, text: string): Ifreq {
  const [bare, zone] = text.split('%')
  const words = inet_pton6(bare)
  if (words === null || (zone !== undefined && zone !== name)) throw new Failure(`${text}: bad value`)
  return { ifra6_addr: words }
}
