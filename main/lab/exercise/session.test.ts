import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { CheckState, ExerciseState } from '../../../preload/contract'
import { buildWorker } from '../../../tests/lab/buildWorker'
import { testLab, type TestLab } from '../../../tests/lab/harness'

let workerUrl: URL
const open: TestLab[] = []
beforeAll(async () => {
  workerUrl = await buildWorker()
})
afterEach(async () => {
  for (const { lab } of open.splice(0)) await lab.close()
})

const checkOf = (state: ExerciseState | null | undefined, id: string): CheckState | undefined =>
  state?.steps.flatMap(({ checks }) => checks).find((check) => check.id === id)

describe('an exercise in a session', () => {
  test('is started, worked on, saved and opened again – what was predicted, answered and passed is still there', async () => {
    const first = await testLab(workerUrl)
    open.push(first)
    const { ask, of, until } = first
    const [summary] = await ask('exercise.list', {})
    expect(summary).toMatchObject({ id: 'ten-minutes', minutes: 10 })
    const started = await ask('exercise.start', { id: 'ten-minutes' })
    expect(started).toMatchObject({ scenario: { id: 'first-lab' }, speed: 0.005, exercise: { step: 0, points: 0 } })

    await ask('console.execute', { branch: 'A', text: 'netstat -m', origin: 'exercise' })
    // The panel hears of it without asking.
    await until(() => checkOf(of('exercise').at(-1), 'saw-mbufs')?.state === 'passed', 'the check of netstat -m')

    expect(checkOf(await ask('exercise.answer', { id: 'ext-pgs-value', value: '0' }), 'ext-pgs-is-off')?.state).toBe(
      'passed',
    )
    await expect(ask('exercise.answer', { id: 'ext-pgs-value', value: 'none' })).rejects.toMatchObject({
      code: 'not-a-number',
    })
    await expect(ask('exercise.step', { step: 99 })).rejects.toMatchObject({ code: 'bad-request' })
    await ask('exercise.predict', { id: 'mbufs-ratio', value: '0.5' })
    await expect(ask('exercise.predict', { id: 'mbufs-ratio', value: '0.1' })).rejects.toMatchObject({
      code: 'prediction-stored',
    })
    expect((await ask('exercise.step', { step: 3 })).step).toBe(3)
    const made = await ask('branch.fork', { from: 'A', command: 'sysctl kern.ipc.mb_use_ext_pgs=1' })
    expect(made.letter).toBe('B')
    await until(() => checkOf(of('exercise').at(-1), 'fork-has-it')?.state === 'passed', 'the knob on the fork')

    const file = join(mkdtempSync(join(tmpdir(), 'lab-exercise-')), 'mine.nomaplab')
    await ask('session.save', { path: file })
    const before = (await ask('session.state', {}))!
    expect(before.unsaved).toBe(false)
    await first.lab.close()
    open.pop()

    const second = await testLab(workerUrl)
    open.push(second)
    const again = (await second.ask('session.open', { path: file }))!.exercise!
    expect(again).toMatchObject({ id: 'ten-minutes', step: 3, points: before.exercise!.points })
    expect(again.steps[3].predictions[0].stored?.value).toBe('0.5')
    expect(again.steps[0].questions[1].given).toBe('0')
    expect(checkOf(again, 'saw-mbufs')).toEqual(checkOf(before.exercise, 'saw-mbufs'))
    expect((await second.ask('exercise.close', {})).exercise).toBeNull()
    await expect(second.ask('exercise.step', { step: 0 })).rejects.toMatchObject({ code: 'no-exercise' })
  })
})
