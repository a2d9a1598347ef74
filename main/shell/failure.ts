/**
 * Any thrown thing as the {@link ContractError} that may leave the main process: never a stack, never the home folder's path.
 */
import { homedir } from 'node:os'
import type { ContractError } from '../../preload/contract'
import { fileProblem } from '../lab/problem'

/** Longest text of details that is sent along. */
const longestDetails = 2000

function isContractError(error: unknown): error is ContractError {
  if (typeof error !== 'object' || error === null) return false
  const { code, message, remedy } = error as Record<string, unknown>
  return typeof code === 'string' && typeof message === 'string' && typeof remedy === 'string'
}

/** `text` with the path of the home folder written as `~`, as it may stand in a screenshot or a report. */
export function hideHome(text: string, home = homedir()): string {
  const folder = home.replace(/[/\\]+$/, '')
  if (folder.length < 2) return text
  const spelled = folder.split(/[/\\]/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  // Either separator, also doubled as in a quoted Windows path; a whole path and not part of a longer name.
  const source = `(?<![\\w.-])${spelled.join('(?:/|\\\\{1,2})')}(?![\\w-]|\\.\\w)`
  const pattern = new RegExp(source, /^[a-z]:/i.test(folder) ? 'gi' : 'g')
  return text.replace(pattern, '~')
}

/** `text` without the lines of a stack trace, cut to a length that one can read. */
function withoutStack(text: string): string {
  const lines = text.split('\n').filter((line) => !/^\s*at\s/.test(line))
  return lines.join('\n').slice(0, longestDetails)
}

/** A well-known error of the operating system that nobody put into words before. */
function fromSystemError(error: unknown): ContractError | null {
  if (!(error instanceof Error)) return null
  const { path, syscall } = error as NodeJS.ErrnoException
  const doing = /^(write|rename|mkdir|fsync|ftruncate|unlink|copyfile)/.test(syscall ?? '') ? 'write' : 'read'
  const problem = fileProblem(error, path === undefined ? 'a file' : `“${path}”`, doing)
  return problem === null ? null : { ...problem.toContract(), details: error.message }
}

/**
 * What the page is told about `error`, which ended `doing` (a method's name).
 *
 * An error that has a code, a message and a remedy is passed on as it is; a well-known error of the operating system is put into
 * words; anything else is a fault of ours and is said to be one.
 */
export function toContractError(error: unknown, doing: string, home = homedir()): ContractError {
  const known: ContractError = isContractError(error)
    ? error
    : (fromSystemError(error) ?? {
        code: 'internal',
        message: `The lab failed at “${doing}”; this is a fault in the lab.`,
        remedy: 'What was done so far is in the recovery copy. Try again; if it stays, copy the details for a report.',
        details: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      })
  const clean: ContractError = {
    code: known.code,
    message: hideHome(known.message, home),
    remedy: hideHome(known.remedy, home),
  }
  if (known.details !== undefined) clean.details = hideHome(withoutStack(known.details), home)
  return clean
}
