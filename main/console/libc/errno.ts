/** Error numbers and texts of FreeBSD as the commands print them. Source: lib/libc/gen/errlst.c (reference console-tools 0; read). */
const texts: { readonly [number: number]: string } = {
  1: 'Operation not permitted',
  2: 'No such file or directory',
  3: 'No such process',
  4: 'Interrupted system call',
  5: 'Input/output error',
  6: 'Device not configured',
  9: 'Bad file descriptor',
  12: 'Cannot allocate memory',
  13: 'Permission denied',
  14: 'Bad address',
  16: 'Device busy',
  17: 'File exists',
  19: 'Operation not supported by device',
  20: 'Not a directory',
  21: 'Is a directory',
  22: 'Invalid argument',
  28: 'No space left on device',
  32: 'Broken pipe',
  34: 'Result too large',
  35: 'Resource temporarily unavailable',
  36: 'Operation now in progress',
  43: 'Protocol not supported',
  45: 'Operation not supported',
  46: 'Protocol family not supported',
  47: 'Address family not supported by protocol family',
  48: 'Address already in use',
  49: "Can't assign requested address",
  50: 'Network is down',
  51: 'Network is unreachable',
  55: 'No buffer space available',
  57: 'Socket is not connected',
  60: 'Operation timed out',
  61: 'Connection refused',
  63: 'File name too long',
  64: 'Host is down',
  65: 'No route to host',
  78: 'Function not implemented',
  84: 'Value too large to be stored in data type',
  85: 'Operation canceled',
}

export const EPERM = 1
export const ENXIO = 6
export const EEXIST = 17
export const ENOMEM = 12
export const ENOTDIR = 20
export const EOPNOTSUPP = 45
export const EADDRNOTAVAIL = 49

/** Exit statuses of sysexits(3). */
export const EX_USAGE = 64
export const EX_DATAERR = 65
export const EX_NOINPUT = 66

/** strerror(3). */
export function strerror(error: number): string {
  return texts[error] ?? `Unknown error: ${error}`
}
