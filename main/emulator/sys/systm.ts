/** What the whole kernel shares: assertions that stop the machine. Source: sys/sys/systm.h (derived). */

/**
 * An INVARIANTS kernel would stop here: a rule that the code relies on is broken. The message names the rule, so that a reader can look it up.
 * Catching it is for the lab (it shows the sentence and stops the run), never for kernel code.
 */
export class KernelPanic extends Error {
  constructor(rule: string) {
    super(`panic: ${rule}`)
    this.name = 'KernelPanic'
  }
}

/** Asserts a rule. On hot paths pass a constant sentence: a template string would be built at every call. */
export function KASSERT(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new KernelPanic(rule)
}

export function panic(rule: string): never {
  throw new KernelPanic(rule)
}
