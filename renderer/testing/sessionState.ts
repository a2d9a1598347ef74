/** A session as main would tell it, for tests of views. */
import type { BranchInfo, BranchLetter, SessionState } from '../../preload/contract'

/** A run; all but A are forks of A at 8 ms. */
export function branchInfo(letter: BranchLetter, part: Partial<BranchInfo> = {}): BranchInfo {
  return {
    letter,
    name: letter === 'A' ? 'mapped' : `fork ${letter}`,
    parent: letter === 'A' ? null : { letter: 'A', t: 8e6 },
    baseline: letter === 'A',
    t: 12_400_000,
    changed: [],
    live: true,
    ...part,
  }
}

/** A paused session of 14 ms with these runs; give what differs. */
export function sessionState(letters: readonly BranchLetter[] = ['A'], part: Partial<SessionState> = {}): SessionState {
  return {
    name: 'first-lab',
    path: null,
    unsaved: false,
    savedAt: null,
    scenario: { id: 'first-lab', title: 'First lab', description: '', duration: 14e6 },
    seed: 7,
    state: 'paused',
    speed: 1,
    loading: true,
    branches: letters.map((letter) => branchInfo(letter)),
    commands: [],
    marks: [],
    undo: null,
    redo: null,
    notes: '',
    report: '',
    layout: null,
    exercise: null,
    ...part,
  }
}
