import { describe, expect, it } from 'vitest'
import type { BranchLetter } from '../../preload/contract'
import type { ConsoleBlock } from '../stores/console'
import { blockMeta, blocksOf, nearNames } from './blocks'

let id = 0
const block = (branch: BranchLetter, t: number, text: string, extra: Partial<ConsoleBlock> = {}): ConsoleBlock => ({
  id: ++id,
  branch,
  t,
  tEnd: t,
  text,
  origin: 'console',
  output: '',
  status: 0,
  recalled: false,
  ...extra,
})

describe('blocks of a run', () => {
  const a = [block('A', 1e6, 'uname'), block('A', 9e6, 'netstat -m')]
  const b = [block('B', 8e6, 'sysctl x=1')]
  const branches = [
    { letter: 'A' as const, parent: null },
    { letter: 'B' as const, parent: { letter: 'A' as const, t: 8e6 } },
  ]
  const own = (l: BranchLetter): ConsoleBlock[] => (l === 'A' ? a : l === 'B' ? b : [])

  it('a fork – shows what its parent did before the fork, then its own', () => {
    expect(blocksOf('B', branches, own).map((x) => x.text)).toEqual(['uname', 'sysctl x=1'])
  })
  it('the parent – shows its own only', () => {
    expect(blocksOf('A', branches, own).map((x) => x.text)).toEqual(['uname', 'netstat -m'])
  })
})

describe('right edge', () => {
  it('a command that failed – says its status and is marked', () => {
    expect(blockMeta(block('B', 8e6, 'x', { status: 1 }), 'B')).toEqual({
      text: 't = 8.000\u2009ms, exit 1',
      failed: true,
    })
  })
  it('a command of another run – names the run', () => {
    expect(blockMeta(block('A', 8e6, 'x'), 'B').text).toMatch(/^on A, /)
  })
  it('a command that was undone – says so', () => {
    expect(blockMeta(block('A', 0, 'x'), 'A', true).text).toMatch(/, undone$/)
  })
  it('a command that took virtual time – says how much', () => {
    expect(blockMeta(block('A', 0, 'x', { tEnd: 2.4e6 }), 'A').text).toContain('took 2.400\u2009ms')
  })
})

describe('names near a mistyped one', () => {
  it('two letters swapped – the right name comes first', () => {
    expect(nearNames('ifconfgi', ['sysctl', 'ifconfig', 'ifstat'])[0]).toBe('ifconfig')
  })
  it('nothing like it – offers nothing', () => {
    expect(nearNames('zzzzzz', ['sysctl', 'ifconfig'])).toEqual([])
  })
})
