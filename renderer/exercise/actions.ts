/** What the buttons of a step do: the same as the commands of the window, so that nothing can be done only here. */
import type { ExerciseStepState } from '../../preload/contract'
import { runCommand } from '../commands/runner'
import { useLayoutStore } from '../stores/layout'
import { useProblemsStore } from '../stores/problems'
import { useSessionStore } from '../stores/session'

export type ActionId = ExerciseStepState['actions'][number]['id']

export function runAction(id: ActionId): void {
  const session = useSessionStore()
  const layout = useLayoutStore()
  const problems = useProblemsStore()
  switch (id) {
    case 'load':
      void problems.attempt(() => session.setLoad(true))
      break
    case 'run':
      void problems.attempt(() => session.control('run'))
      break
    case 'pause':
      void problems.attempt(() => session.control('pause'))
      break
    case 'fork':
      runCommand('run.fork')
      break
    case 'undo':
      runCommand('edit.undo')
      break
    case 'save':
      runCommand('file.save')
      break
    case 'compare':
      layout.tab = 'compare'
      break
    case 'chains':
      // The chains of the followed byte are drawn in the overview.
      layout.tab = 'overview'
      break
  }
}
