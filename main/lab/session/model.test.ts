import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadScenario } from '../scenario/load'
import { checkLog, commandsOf, lastChange, lettersOf, nameOf, planOf, type LogEntry } from './log'
import { apply, newModel, nextId, type Operation, type SessionModel } from './model'

const { scenario } = loadScenario('first-lab', resolve(import.meta.dirname, '../../../scenarios'))
const fresh = (): SessionModel =>
  newModel({ name: 'test', scenarioId: 'first-lab', scenario, files: { kind: 'generated' }, now: new Date(0) })

let id = 0
const command = (branch: 'A' | 'B' | 'C', t: number, text: string, changed = true): LogEntry => ({
  kind: 'command',
  id: ++id,
  branch,
  t,
  text,
  origin: 'console',
  status: 0,
  changed,
})
const fork = (branch: 'B' | 'C', from: 'A' | 'B', t: number, inherited: number[], by?: number): LogEntry => ({
  kind: 'fork',
  id: ++id,
  branch,
  from,
  t,
  inherited,
  ...(by !== undefined && { by }),
})
const enter = (model: SessionModel, ...entries: LogEntry[]): SessionModel =>
  entries.reduce((m, entry) => apply(m, { op: 'entry', entry }), model)

describe('the log', () => {
  test('a copy – has what was inherited and its own commands, and no other branch’s', () => {
    const one = command('A', 10, 'one')
    const two = command('A', 30, 'two')
    const copy = fork('B', 'A', 20, [one.id])
    const own = command('B', 25, 'own')
    const log = [one, two, copy, own]
    expect(planOf(log, 'B').map((c) => c.text)).toEqual(['one', 'own'])
    expect(planOf(log, 'A').map((c) => c.text)).toEqual(['one', 'two'])
    expect(lettersOf(log)).toEqual(['A', 'B'])
  })

  test('a letter used again – after its run was deleted – knows nothing of the old one', () => {
    const log: LogEntry[] = [
      fork('B', 'A', 0, []),
      command('B', 5, 'old'),
      { kind: 'delete', id: ++id, branch: 'B', t: 9 },
      fork('B', 'A', 10, []),
      command('B', 11, 'new'),
    ]
    expect(checkLog(log).fault).toBeNull()
    expect(commandsOf(log, 'B').map((c) => c.text)).toEqual(['new'])
  })

  test('a copy of a copy – whose parent was deleted – keeps its history', () => {
    const a = command('A', 1, 'a')
    const b = fork('B', 'A', 2, [a.id])
    const onB = command('B', 3, 'b')
    const c = fork('C', 'B', 4, [a.id, onB.id])
    const log = [a, b, onB, c, { kind: 'delete', id: ++id, branch: 'B', t: 4 } as LogEntry]
    expect(lettersOf(log)).toEqual(['A', 'C'])
    expect(commandsOf(log, 'C').map((entry) => entry.text)).toEqual(['a', 'b'])
  })

  test.each<[LogEntry[], number, RegExp]>([
    [[command('B', 1, 'x')], 0, /run B does not exist/],
    [[fork('B', 'A', 1, []), fork('B', 'A', 2, [])], 1, /made twice/],
    [[fork('B', 'A', 1, [999_999])], 0, /inherits command 999999/],
    [[{ kind: 'delete', id: 1, branch: 'A', t: 0 }], 0, /no run is left/],
  ])('a log that contradicts itself – is checked – the good part is counted', (log, good, fault) => {
    const checked = checkLog(log)
    expect(checked.good).toBe(good)
    expect(checked.fault).toMatch(fault)
  })

  test('Undo – takes the last change, not the last question', () => {
    const model = enter(fresh(), command('A', 1, 'sysctl x=1'), command('A', 2, 'netstat -m', false))
    expect(nameOf(lastChange(model.log))).toEqual({ text: 'sysctl x=1', branch: 'A' })
    const undone = apply(model, { op: 'undo' })
    expect(planOf(undone.log, 'A').map((c) => c.text)).toEqual(['netstat -m'])
    expect(planOf(apply(undone, { op: 'redo' }).log, 'A').map((c) => c.text)).toEqual(['sysctl x=1', 'netstat -m'])
  })

  test('Undo of a fork – takes the command that made it and everything done on the copy', () => {
    const made = command('A', 1, 'lab fork', false)
    const model = enter(fresh(), made, fork('B', 'A', 1, [made.id], made.id), command('B', 2, 'netstat -m', false))
    const undone = apply(model, { op: 'undo' })
    expect(undone.log).toEqual([])
    expect(lettersOf(undone.log)).toEqual(['A'])
    expect(apply(undone, { op: 'redo' }).log).toHaveLength(3)
  })

  test('a new change after Undo – ends Redo; a question does not', () => {
    const one = command('A', 1, 'one')
    const undone = apply(enter(fresh(), one), { op: 'undo' })
    const question = command('A', 2, 'netstat -m', false)
    const asked = apply(enter(undone, { ...question, status: null } as LogEntry), {
      op: 'status',
      id: question.id,
      status: 0,
      changed: false,
    })
    expect(asked.undone).toHaveLength(1)
    const change = command('A', 3, 'two')
    const changed = apply(enter(asked, change), { op: 'status', id: change.id, status: 0, changed: true })
    expect(changed.undone).toEqual([])
    expect(nextId(asked)).toBe(Math.max(one.id, question.id) + 1)
  })

  test('any number of Undo and as many Redo – the runs are the same', () => {
    const entry = fc.oneof(
      fc.record({
        what: fc.constant('command' as const),
        branch: fc.constantFrom('A', 'B', 'C'),
        changed: fc.boolean(),
      }),
      fc.record({ what: fc.constant('fork' as const), branch: fc.constantFrom('B', 'C'), changed: fc.constant(true) }),
      fc.record({
        what: fc.constant('delete' as const),
        branch: fc.constantFrom('B', 'C'),
        changed: fc.constant(true),
      }),
    )
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), fc.integer({ min: 0, max: 25 }), (wishes, count) => {
        let model = fresh()
        let t = 0
        for (const { what, branch, changed } of wishes) {
          const alive = lettersOf(model.log)
          t += 10
          if (what === 'command' && alive.includes(branch)) model = enter(model, command(branch, t, `c${t}`, changed))
          if (what === 'fork' && !alive.includes(branch))
            model = enter(
              model,
              fork(
                branch,
                'A',
                t,
                commandsOf(model.log, 'A').map((c) => c.id),
              ),
            )
          if (what === 'delete' && alive.includes(branch)) model = enter(model, { kind: 'delete', id: ++id, branch, t })
        }
        const plans = (m: SessionModel): unknown => lettersOf(m.log).map((letter) => [letter, planOf(m.log, letter)])
        const before = plans(model)
        const ops: Operation[] = [...Array.from({ length: count }, () => ({ op: 'undo' as const }))]
        let changed = ops.reduce((m, op) => apply(m, op), model)
        expect(checkLog(changed.log).fault).toBeNull()
        while (changed.undone.length > 0) changed = apply(changed, { op: 'redo' })
        expect(plans(changed)).toEqual(before)
      }),
    )
  })

  test('what only shows where one is – leaves no unsaved mark; a command does, saving takes it off', () => {
    let model = apply(fresh(), { op: 'reached', reached: { A: 5 } })
    model = apply(model, { op: 'layout', layout: { wide: true } })
    expect(model.unsaved).toBe(false)
    model = enter(model, command('A', 1, 'x'))
    expect(model.unsaved).toBe(true)
    expect(apply(model, { op: 'saved', path: '/x.nomaplab', at: 1 })).toMatchObject({
      unsaved: false,
      path: '/x.nomaplab',
    })
  })
})
