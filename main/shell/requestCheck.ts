/**
 * What a request must be before a handler sees it: a known method, plain data of bounded size, and the method's schema.
 */
import type { ContractError, Method } from '../../preload/contract'
import { requests } from '../../preload/contract'
import { maximumDepth } from '../../preload/framing'

/** Most values and most characters of text in one request; notes and report together may have two million characters. */
const mostValues = 100_000
const mostCharacters = 16_000_000

/** Keys with which careless merging would reach the prototype of every object. */
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

export type CheckedRequest = { ok: true; method: Method; body: unknown } | { ok: false; error: ContractError }

function refused(code: string, message: string): CheckedRequest {
  const remedy = 'Nothing was changed. Reload the window; if it happens again, report it with this text.'
  return { ok: false, error: { code, message, remedy } }
}

function isMethod(method: string): method is Method {
  return Object.hasOwn(requests, method)
}

/** What is wrong with `body` as plain data, or null. Without recursion: it may be nested as deeply as the sender likes. */
export function plainDataProblem(body: unknown): string | null {
  const open: { value: unknown; depth: number }[] = [{ value: body, depth: 0 }]
  let values = 0
  let characters = 0
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { value, depth } = item
    values++
    if (typeof value === 'string') characters += value.length
    if (values > mostValues || characters > mostCharacters) return 'it is too large'
    if (value === null || typeof value === 'boolean' || typeof value === 'string') continue
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) return 'it holds a number that is not finite'
      continue
    }
    // A MessagePort delivers optional fields as undefined where JSON leaves them out.
    if (value === undefined && depth > 0) continue
    if (typeof value !== 'object') return `it holds a ${typeof value}`
    if (depth >= maximumDepth) return `it is nested deeper than ${maximumDepth} levels`
    const prototype: unknown = Object.getPrototypeOf(value)
    if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null)
      return 'it holds something that is not plain data'
    for (const key of Object.keys(value)) {
      if (forbiddenKeys.has(key)) return `it has a field “${key}”`
      characters += key.length
      open.push({ value: (value as Record<string, unknown>)[key], depth: depth + 1 })
    }
  }
  return null
}

/** Checks one request; the body that comes back is what the schema made of it. */
export function checkRequest(method: string, body: unknown): CheckedRequest {
  if (!isMethod(method)) return refused('unknown-method', `The lab knows no request “${method.slice(0, 60)}”.`)
  const problem = plainDataProblem(body)
  if (problem !== null) return refused('bad-request', `The lab does not accept this “${method}”: ${problem}.`)
  const parsed = requests[method].safeParse(body)
  if (parsed.success) return { ok: true, method, body: parsed.data }
  const problems = parsed.error.issues.slice(0, 3).map(({ path, message }) => [...path.map(String), message].join(': '))
  return refused('bad-request', `The lab does not accept this “${method}”: ${problems.join('; ').slice(0, 300)}.`)
}
