import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { afterAnswer, awaitAnswer, forgetWaiting, keyPressed, longestMs, startAnew } from './answerFirst'

describe('views while an answer is waited for', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    startAnew()
  })
  afterEach(() => void vi.useRealTimers())

  it('nobody waits – a picture is shown at once', () => {
    const shown: number[] = []
    afterAnswer('a', () => shown.push(1))
    expect(shown).toEqual([1])
  })
  it('an answer is waited for – pictures come after it was drawn, of each kind the last', () => {
    const shown: string[] = []
    const answered = awaitAnswer()
    afterAnswer('a', () => shown.push('a1'))
    afterAnswer('b', () => shown.push('b1'))
    afterAnswer('a', () => shown.push('a2'))
    expect(shown).toEqual([])
    answered()
    expect(shown).toEqual([])
    vi.advanceTimersByTime(longestMs / 2)
    expect(shown).toEqual(['a2', 'b1'])
    afterAnswer('a', () => shown.push('a3'))
    expect(shown.at(-1)).toBe('a3')
  })
  it('what waits is out of date – it is not shown any more, other things are', () => {
    const shown: string[] = []
    const answered = awaitAnswer()
    afterAnswer('host A', () => shown.push('old'))
    afterAnswer('frame', () => shown.push('frame'))
    forgetWaiting('host ')
    answered()
    vi.advanceTimersByTime(longestMs / 2)
    expect(shown).toEqual(['frame'])
  })
  it('two answers – the views wait for both', () => {
    const shown: number[] = []
    const first = awaitAnswer()
    const second = awaitAnswer()
    afterAnswer('a', () => shown.push(1))
    first()
    vi.advanceTimersByTime(longestMs / 2)
    expect(shown).toEqual([])
    second()
    vi.advanceTimersByTime(longestMs / 2 - 1)
    expect(shown).toEqual([1])
  })
  it('a command that takes its time – the views go on without it', () => {
    const shown: number[] = []
    const answered = awaitAnswer()
    afterAnswer('a', () => shown.push(1))
    vi.advanceTimersByTime(longestMs)
    expect(shown).toEqual([1])
    answered()
    vi.advanceTimersByTime(longestMs)
    afterAnswer('a', () => shown.push(2))
    expect(shown).toEqual([1, 2])
  })
  it('keys follow each other – the views wait, but never longer than the longest time', () => {
    const shown: number[] = []
    keyPressed()
    afterAnswer('a', () => shown.push(1))
    vi.advanceTimersByTime(longestMs / 2)
    keyPressed()
    vi.advanceTimersByTime(longestMs / 2 - 1)
    expect(shown).toEqual([])
    keyPressed()
    vi.advanceTimersByTime(1)
    expect(shown).toEqual([1])
    afterAnswer('a', () => shown.push(2))
    expect(shown).toEqual([1, 2])
  })
  it('another connection – nothing is waited for any more, and what waited is not shown: everything is loaded anew', () => {
    const shown: number[] = []
    const answered = awaitAnswer()
    keyPressed()
    afterAnswer('a', () => shown.push(1))
    startAnew()
    afterAnswer('b', () => shown.push(2))
    answered()
    vi.advanceTimersByTime(longestMs)
    expect(shown).toEqual([2])
  })
})
