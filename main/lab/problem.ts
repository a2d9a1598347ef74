/**
 * An error that a user is meant to read: what happened (it names the thing), and what can be done. Everything that goes wrong because of
 * input, files or the system is thrown as one of these; any other exception is a defect of the lab.
 */
import type { ContractError } from '../../preload/contract'

export class LabProblem extends Error implements ContractError {
  override name = 'LabProblem'
  readonly code: string
  readonly remedy: string
  readonly details?: string

  /**
   * @param code stable word for programs, for instance `file-missing`
   * @param message one sentence that names the thing
   * @param remedy one sentence that says what the user can do
   */
  constructor(code: string, message: string, remedy: string, details?: string) {
    super(message)
    this.code = code
    this.remedy = remedy
    if (details !== undefined) this.details = details
  }

  /** As it crosses the contract or goes into a file. */
  toContract(): ContractError {
    const error: ContractError = { code: this.code, message: this.message, remedy: this.remedy }
    if (this.details !== undefined) error.details = this.details
    return error
  }
}

/** Text of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Code of a system error (`ENOENT`), or an empty string. */
export function systemCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : ''
}

/** What a system error of reading or writing a file means, in words; null if it is not one we know. */
export function fileProblem(error: unknown, path: string, doing: 'read' | 'write'): LabProblem | null {
  switch (systemCode(error)) {
    case 'ENOENT':
      return doing === 'read'
        ? new LabProblem(
            'file-missing',
            `There is no file or folder ${path}.`,
            'Check the name, or choose another one.',
          )
        : new LabProblem(
            'folder-missing',
            `The folder of ${path} does not exist.`,
            'Create it, or save somewhere else.',
          )
    case 'EACCES':
    case 'EPERM':
      return new LabProblem(
        'file-denied',
        `You may not ${doing} ${path}.`,
        doing === 'read'
          ? 'Change its permissions, or choose another one.'
          : 'Save somewhere else, for instance in your own folder.',
      )
    case 'EISDIR':
      return new LabProblem('file-is-folder', `${path} is a folder.`, 'Choose a file.')
    case 'ENOTDIR':
      return new LabProblem(
        'file-missing',
        `There is no file or folder ${path}.`,
        'Check the name, or choose another one.',
      )
    case 'ENOSPC':
    case 'EDQUOT':
      return new LabProblem(
        'disk-full',
        `There is no room left on the disk for ${path}; what was saved before is still there.`,
        'Free some space or save on another disk, then save again.',
      )
    case 'EROFS':
      return new LabProblem('file-denied', `${path} is on a disk that cannot be written.`, 'Save somewhere else.')
    case 'EFBIG':
      return new LabProblem('disk-full', `${path} would be larger than this disk allows.`, 'Save on another disk.')
    case 'EIO':
      return new LabProblem(
        'disk-broken',
        `The disk reported an error for ${path}.`,
        'Try another disk; what was saved before is still there.',
      )
    case 'EMFILE':
    case 'ENFILE':
      return new LabProblem(
        'too-many-files',
        `Too many files are open to ${doing} ${path}.`,
        'Close other programs and try again.',
      )
    default:
      return null
  }
}
