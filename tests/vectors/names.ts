/** Names of error numbers as the vectors write them. */
import { EBUSY, EFBIG, EINPROGRESS, EINVAL, ENOBUFS } from '../../main/emulator/sys/errno'

const names = new Map([
  [0, '0'],
  [EBUSY, 'EBUSY'],
  [EFBIG, 'EFBIG'],
  [EINVAL, 'EINVAL'],
  [EINPROGRESS, 'EINPROGRESS'],
  [ENOBUFS, 'ENOBUFS'],
])

export function errorName(error: number): string {
  return names.get(error) ?? `errno ${error}`
}
