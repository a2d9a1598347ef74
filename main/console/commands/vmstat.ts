/** vmstat(8): only `-z`, the zones of the allocator. Source: usr.bin/vmstat/vmstat.c domemstat_zone() (reference console-tools 4.1; read). */
import type { SystemCalls } from '../../emulator/index'
import { getopt } from '../filters/options'
import { Output, pad, whole } from '../libc/stdio'
import type { CommandFunction } from '../shell/run'

const usage = `usage: vmstat -z
`

export function vmstat(sys: SystemCalls): CommandFunction {
  return (args) => {
    const out = new Output('vmstat')
    const { given, fault } = getopt(args, 'z')
    if (fault !== null || given.length === 0) {
      out.warnx(fault ?? 'only the zones (-z) are part of the emulated host')
      out.complain(usage)
      return out.exit(1)
    }
    out.print(
      `${pad('ITEM', -20)} ${pad('SIZE', 6)} ${pad('LIMIT', 6)} ${pad('USED', 8)} ${pad('FREE', 8)} ${pad('REQ', 8)} ${pad('FAIL', 4)} ${pad('SLEEP', 4)}\n\n`,
    )
    for (const zone of sys.zones()) {
      const n = (value: number, width: number): string => pad(whole(value), width)
      out.print(
        `${pad(`${zone.name}:`, -20)} ${n(zone.size, 6)}, ${n(zone.limit, 6)},${n(zone.used, 8)},${n(zone.free, 8)},${n(zone.requests, 8)},${n(zone.fail, 4)},${n(zone.sleep, 4)}\n`,
      )
    }
    out.print('\n')
    return out.exit(0)
  }
}
