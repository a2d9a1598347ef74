import { createPinia, setActivePinia } from 'pinia'
import { mount } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import type { CheckState, ExerciseState, ExerciseStepState } from '../../preload/contract'
import type { Client } from '../connection/client'
import { useClient } from '../connection/lab'
import { useConsoleStore } from '../stores/console'
import { useExerciseStore } from '../stores/exercise'
import ExercisePanel from './ExercisePanel.vue'
import { blockedReason, blockers, checkWord, nextCommand, passedText, results, segments } from './progress'

const check = (part: Partial<CheckState> = {}): CheckState => ({
  id: 'c',
  title: 'B has the knob, A has not',
  level: 'required',
  state: 'not-yet',
  text: '',
  evidence: '',
  progress: null,
  ...part,
})
const step = (part: Partial<ExerciseStepState> = {}): ExerciseStepState => ({
  id: 's',
  title: 'One knob, on a fork',
  body: 'Copy the **running** host.',
  commands: [],
  actions: [],
  predictions: [],
  questions: [],
  checks: [],
  hints: [],
  ...part,
})
const exercise = (part: Partial<ExerciseState> = {}): ExerciseState => ({
  id: 'ten-minutes',
  title: 'Ten minutes: unmapped mbufs',
  step: 0,
  steps: [step(), step({ id: 't', title: 'Compare' })],
  points: 5,
  maxPoints: 12,
  ...part,
})

describe('progress', () => {
  it('a step with nothing to prove – is done – and opens the next', () => {
    expect(blockedReason(step())).toBeNull()
  })
  it('an open check – blocks – and is named', () => {
    expect(blockedReason(step({ checks: [check()] }))).toBe('opens when this has passed: B has the knob, A has not')
  })
  it('two, or more, open checks – block – with their number', () => {
    const checks = [check({ state: 'failed' }), check({ state: 'waiting' })]
    expect(blockedReason(step({ checks }))).toBe('opens when both open checks have passed')
    expect(blockedReason(step({ checks: [...checks, check()] }))).toBe('opens when the 3 open checks have passed')
  })
  it('bonus checks and warnings – never block', () => {
    expect(
      blockers(step({ checks: [check({ level: 'bonus' }), check({ level: 'warning', state: 'failed' })] })),
    ).toEqual([])
  })
  it('a prediction that is not stored – blocks first – whatever the checks say', () => {
    const predictions = [
      { id: 'p', label: 'x', kind: 'number' as const, unit: '', choices: [], stored: null, model: null },
    ]
    expect(blockedReason(step({ predictions, checks: [check()] }))).toBe('opens when your prediction is stored')
  })
  it('segments – show – done before, now, open after', () => {
    const steps = [step(), step({ checks: [check()] }), step(), step()]
    expect(segments(exercise({ steps, step: 2 }))).toEqual(['done', 'open', 'now', 'open'])
  })
  it.each([
    ['passed', 'passed'],
    ['waiting', 'waiting'],
    ['failed', 'not yet right'],
    ['not-yet', 'not yet'],
  ] as const)('a check that is %s – is called – %s', (state, word) => {
    expect(checkWord(check({ state })).word).toBe(word)
  })
  it('counts – are said – in words', () => {
    expect(passedText([check({ state: 'passed' }), check()])).toBe('1 of 2 passed')
    expect(results(exercise({ steps: [step({ checks: [check({ state: 'passed' })] })] }))).toEqual([
      { title: 'One knob, on a fork', passed: 1, total: 1, done: true },
    ])
  })
  it('the next command – is – the first that was not given', () => {
    const commands = [
      { text: 'a', branch: 'A' as const, doneAt: 1 },
      { text: 'b', branch: 'A' as const, doneAt: null },
    ]
    expect(nextCommand(step({ commands }))).toBe(1)
  })
})

describe('panel', () => {
  const asked: { method: string; body: unknown }[] = []
  beforeEach(() => {
    setActivePinia(createPinia())
    asked.length = 0
    const client = {
      open: true,
      on: () => () => {},
      attach: () => {},
      onLost: () => {},
      request: (method: string, body: { step?: number }) => {
        asked.push({ method, body })
        return Promise.resolve({ ...useExerciseStore().state, step: body.step ?? 0 })
      },
    }
    useClient(client as unknown as Client)
  })
  const open = (state: ExerciseState) => {
    useExerciseStore().take(state)
    return mount(ExercisePanel, { attachTo: document.body })
  }

  it('no exercise – is said – with the way to one', () => {
    expect(mount(ExercisePanel).text()).toContain('No exercise is open')
  })
  it('an open check – disables Next – and its reason stands below', async () => {
    const panel = open(exercise({ steps: [step({ checks: [check()] }), step()] }))
    const next = panel.findAll('footer button').find((b) => b.text().startsWith('Next'))!
    expect(next.attributes('aria-disabled')).toBe('true')
    expect(panel.find('#exercise-reason').text()).toContain('B has the knob')
    await next.trigger('click')
    expect(asked).toEqual([])
  })
  it('a step that is done – Next – goes to the next one', async () => {
    const panel = open(exercise())
    await panel
      .findAll('footer button')
      .find((b) => b.text().startsWith('Next'))!
      .trigger('click')
    expect(asked).toEqual([{ method: 'exercise.step', body: { step: 1 } }])
  })
  it('Alt+I – puts the next command into the console – of its run, without running it', () => {
    open(exercise({ steps: [step({ commands: [{ text: 'netstat -m', branch: 'A', doneAt: null }] })] }))
    window.dispatchEvent(new KeyboardEvent('keydown', { altKey: true, code: 'KeyI', key: 'i' }))
    expect(useConsoleStore().insertion).toMatchObject({ branch: 'A', text: 'netstat -m' })
    expect(asked).toEqual([])
  })
  it('a command that was given – says when – and can be inserted again', () => {
    const panel = open(exercise({ steps: [step({ commands: [{ text: 'fork B', branch: 'A', doneAt: 8e6 }] })] }))
    expect(panel.text()).toContain('at 8.000\u2009ms')
    expect(panel.findAll('button').some((b) => b.text() === 'fork B')).toBe(true)
  })
  it('predictions – are stored all at once – and then cannot be typed any more', async () => {
    const predictions: ExerciseStepState['predictions'] = [
      { id: 'm', label: 'mbufs, B / A', kind: 'number', unit: '', choices: [], stored: null, model: null },
      {
        id: 'w',
        label: 'packets on the wire',
        kind: 'choice',
        unit: '',
        choices: ['fewer', 'same', 'more'],
        stored: null,
        model: null,
      },
    ]
    const panel = open(exercise({ steps: [step({ predictions })] }))
    const store = () => panel.findAll('button').find((b) => b.text().includes('Store prediction'))!
    expect(store().attributes('aria-disabled')).toBe('true')
    await panel.find('input').setValue('0,10')
    await panel.findAll('[role=radio]')[1].trigger('click')
    expect(store().attributes('aria-disabled')).not.toBe('true')
    await panel.find('form').trigger('submit')
    await new Promise((done) => setTimeout(done))
    expect(asked).toEqual([
      { method: 'exercise.predict', body: { id: 'm', value: '0.1' } },
      { method: 'exercise.predict', body: { id: 'w', value: 'same' } },
    ])
  })
  it('a number that is none – is refused beside its field – and nothing is stored', async () => {
    const predictions: ExerciseStepState['predictions'] = [
      { id: 'm', label: 'mbufs, B / A', kind: 'number', unit: '', choices: [], stored: null, model: null },
    ]
    const panel = open(exercise({ steps: [step({ predictions })] }))
    await panel.find('input').setValue('a tenth')
    expect(panel.text()).toContain('“a tenth” is not a number')
    await panel.find('form').trigger('submit')
    expect(asked).toEqual([])
  })
  it('stored predictions – stand beside the model – neither right nor wrong', () => {
    const predictions: ExerciseStepState['predictions'] = [
      {
        id: 'm',
        label: 'mbufs, B / A',
        kind: 'number',
        unit: '',
        choices: [],
        stored: { value: '0.10', t: 7_902_000 },
        model: '0.31, final in 1.4 ms',
      },
    ]
    const panel = open(exercise({ steps: [step({ predictions })] }))
    expect(panel.text()).toContain('stored at 7.902\u2009ms')
    expect(panel.text()).toContain('0.31, final in 1.4 ms')
    expect(panel.find('input').exists()).toBe(false)
  })
  it('hints – come one by one – when they are asked for', async () => {
    const panel = open(exercise({ steps: [step({ hints: ['Tab completes.', 'Look at B.'] })] }))
    expect(panel.text()).not.toContain('Tab completes.')
    const button = () =>
      panel.findAll('footer button').find((b) => b.text().includes('Hint') || b.text().includes('hints'))!
    await button().trigger('click')
    expect(panel.text()).toContain('Tab completes.')
    expect(panel.text()).not.toContain('Look at B.')
    await button().trigger('click')
    expect(button().text()).toBe('No more hints')
  })
  it('the last step – ends – with the points and every step', async () => {
    const panel = open(exercise({ step: 1, points: 12 }))
    await panel
      .findAll('footer button')
      .find((b) => b.text().startsWith('Finish'))!
      .trigger('click')
    expect(panel.text()).toContain('12 of 12 points')
    expect(panel.text()).toContain('1. One knob, on a fork')
  })
})
