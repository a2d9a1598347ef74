/**
 * The one table of commands. Menus, palette, shortcuts dialog, tooltips, keyboard and the shell's own menu all read it; nothing
 * else in the window binds a key for the whole window.
 */
import { forkFrom, nextLetter } from '../actions/switches'
import { openDocument, saveDocument } from '../actions/documents'
import { focusConsole, focusPane, toggleFindInConsole } from '../frame/panes'
import type { ThemeChoice } from '../stores/settings'
import type { SidePanel, WorkTab } from '../stores/layout'
import type { Command, CommandContext } from './types'

const needsSession = (c: CommandContext): true | string => c.session.state !== null || 'no session is open'
const needsTwo = (c: CommandContext): true | string => c.session.branches.length > 1 || 'there is only one run'
const noPause = (c: CommandContext): true | string => (c.session.state === null ? 'no session is open' : true)

function show(panel: SidePanel, title: string, icon: Command['icon'], keys?: readonly string[]): Command {
  return {
    id: `view.${panel}`,
    group: 'View',
    title,
    icon,
    ...(keys === undefined ? {} : { keys }),
    words: 'panel side bar',
    run: ({ layout }) => layout.toggleSide(panel),
  }
}

function tab(name: WorkTab, title: string, key: string): Command {
  return {
    id: `view.${name}`,
    group: 'View',
    title,
    icon: 'chart',
    keys: [key],
    words: 'tab',
    when: needsSession,
    run: ({ layout, session, dialogs }) => {
      session.welcome = false
      dialogs.startWanted = false
      layout.tab = name
    },
  }
}

function theme(name: ThemeChoice, title: string): Command {
  return {
    id: `view.theme.${name}`,
    group: 'View',
    title,
    icon: 'settings',
    words: 'colours dark light contrast appearance',
    run: ({ settings }) => void (settings.theme = name),
  }
}

export const commands: readonly Command[] = [
  // File
  {
    id: 'file.new',
    group: 'File',
    title: 'New lab…',
    icon: 'plus',
    keys: ['Mod+N'],
    words: 'free lab scenario session',
    run: ({ dialogs }) => void dialogs.show({ kind: 'new' }),
  },
  {
    id: 'file.open',
    group: 'File',
    title: 'Open…',
    icon: 'file',
    keys: ['Mod+O'],
    words: 'document session',
    run: () => openDocument(),
  },
  {
    id: 'file.save',
    group: 'File',
    title: 'Save',
    icon: 'save',
    keys: ['Mod+S'],
    when: needsSession,
    run: () => saveDocument(),
  },
  {
    id: 'file.saveAs',
    group: 'File',
    title: 'Save as…',
    icon: 'save',
    keys: ['Mod+Shift+S'],
    when: needsSession,
    run: () => saveDocument(true),
  },
  {
    id: 'file.start',
    group: 'File',
    title: 'Show the Start screen',
    icon: 'lab',
    words: 'welcome home',
    run: ({ dialogs }) => void (dialogs.startWanted = true),
  },
  {
    id: 'file.recover',
    group: 'File',
    title: 'Recover sessions…',
    icon: 'clock',
    words: 'crash',
    when: (c) => c.session.recoverable.length > 0 || 'there is nothing to recover',
    run: ({ dialogs }) => void dialogs.show({ kind: 'recovery' }),
  },

  // Edit
  {
    id: 'edit.undo',
    group: 'Edit',
    icon: 'undo',
    keys: ['Mod+Z'],
    title: (c) => (c.session.state?.undo ? `Undo ${c.session.state.undo.text}` : 'Undo'),
    when: (c) => (c.session.state?.undo ? true : 'nothing to undo'),
    run: ({ session, problems }) => {
      const undone = session.state?.undo
      return session.undo().then(() => {
        if (undone)
          problems.say('info', `${undone.text} is undone on ${undone.branch}`, {
            label: 'Redo',
            key: 'Mod+Shift+Z',
            run: () => void problems.attempt(() => session.redo()),
          })
      })
    },
  },
  {
    id: 'edit.redo',
    group: 'Edit',
    icon: 'redo',
    keys: ['Mod+Shift+Z', 'Mod+Y'],
    title: (c) => (c.session.state?.redo ? `Redo ${c.session.state.redo.text}` : 'Redo'),
    when: (c) => (c.session.state?.redo ? true : 'nothing to redo'),
    run: ({ session }) => session.redo(),
  },
  {
    id: 'edit.find',
    group: 'Edit',
    title: 'Find in the console',
    icon: 'search',
    keys: ['Mod+F'],
    when: needsSession,
    run: ({ layout }) => toggleFindInConsole(layout),
  },

  // Run
  {
    id: 'run.toggle',
    group: 'Run',
    icon: 'run',
    keys: ['F5', 'Space'],
    title: (c) => (c.run.running ? 'Pause' : 'Run'),
    words: 'continue pause resume',
    when: needsSession,
    runs: (c) => (c.run.running ? 'lab pause' : 'lab run'),
    run: ({ session, run }) => session.control(run.running ? 'pause' : 'run'),
  },
  {
    id: 'run.stop',
    group: 'Run',
    title: 'Pause',
    icon: 'pause',
    keys: ['Shift+F5'],
    hidden: (c) => !c.run.running,
    when: noPause,
    words: 'stop',
    runs: () => 'lab pause',
    run: ({ session }) => session.control('pause'),
  },
  {
    id: 'run.step',
    group: 'Run',
    title: 'Step one event',
    icon: 'step',
    keys: ['F10'],
    when: needsSession,
    run: ({ session }) => session.control('step'),
  },
  {
    id: 'run.back',
    group: 'Run',
    title: 'Step back one event',
    icon: 'back',
    keys: ['Shift+F10'],
    when: needsSession,
    run: ({ session }) => session.control('back'),
  },
  {
    id: 'run.load',
    group: 'Run',
    icon: 'chart',
    words: 'clients traffic generator',
    title: (c) => (c.session.state?.loading ? 'Stop the load' : 'Start the load'),
    when: needsSession,
    runs: (c) => `lab load ${c.session.state?.loading ? 'stop' : 'start'}`,
    run: ({ session }) => session.setLoad(!(session.state?.loading ?? false)),
  },
  {
    id: 'run.fork',
    group: 'Run',
    icon: 'fork',
    keys: ['Mod+Shift+F'],
    words: 'fork branch copy try',
    title: (c) => {
      const next = nextLetter(c.session.branches.map((b) => b.letter))
      return next === null ? 'Try on a fork' : `Try on ${next} from here`
    },
    when: (c) =>
      c.session.state === null
        ? 'no session is open'
        : nextLetter(c.session.branches.map((b) => b.letter)) !== null || 'all eight runs are used: delete one first',
    runs: () => 'lab fork',
    on: (c) => c.selection.branch,
    run: ({ selection }) => forkFrom(selection.branch),
  },
  {
    id: 'run.mark',
    group: 'Run',
    title: 'Mark this instant…',
    icon: 'flag',
    keys: ['M'],
    words: 'note flag',
    when: needsSession,
    on: (c) => c.selection.branch,
    run: ({ dialogs, selection }) => void dialogs.show({ kind: 'mark', branch: selection.branch }),
  },
  {
    id: 'run.swap',
    group: 'Run',
    icon: 'swap',
    keys: ['X'],
    title: (c) =>
      c.selection.other === null ? 'Swap A and B' : `Show ${c.selection.other} instead of ${c.selection.branch}`,
    when: needsTwo,
    run: ({ selection }) => selection.swap(),
  },

  // View
  tab('overview', 'Overview', 'Mod+1'),
  tab('charts', 'Charts', 'Mod+2'),
  tab('compare', 'Compare', 'Mod+3'),
  tab('report', 'Report', 'Mod+4'),
  tab('chains', 'Chains', 'Mod+5'),
  show('lab', 'Lab: exercises and scenarios', 'lab'),
  show('host', 'Host: interfaces and knobs', 'host'),
  show('runs', 'Runs', 'runs'),
  show('files', 'Files', 'file'),
  show('settings', 'Settings', 'settings', ['Mod+,']),
  {
    id: 'view.sideBar',
    group: 'View',
    title: (c) => (c.layout.side === null ? 'Open the side bar' : 'Close the side bar'),
    icon: 'layout',
    keys: ['Mod+B'],
    run: ({ layout }) => void (layout.side === null ? layout.reopenSide() : layout.toggleSide(layout.side)),
  },
  {
    id: 'view.console',
    group: 'View',
    title: 'Console, and back',
    icon: 'console',
    keys: ['Mod+`'],
    words: 'terminal shell focus',
    when: needsSession,
    run: ({ layout }) => focusConsole(layout),
  },
  { id: 'view.nextPane', group: 'View', title: 'Next pane', icon: 'layout', keys: ['F6'], run: () => focusPane(1) },
  {
    id: 'view.previousPane',
    group: 'View',
    title: 'Previous pane',
    icon: 'layout',
    keys: ['Shift+F6'],
    run: () => focusPane(-1),
  },
  {
    id: 'view.clear',
    group: 'View',
    title: 'Clear the selection',
    icon: 'close',
    keys: ['Escape'],
    words: 'crosshair followed byte now',
    when: (c) =>
      c.selection.crosshair !== null ||
      c.selection.byte !== null ||
      (c.layout.narrow && c.layout.side !== null) ||
      'nothing is selected',
    run: ({ selection, layout }) => {
      // One thing at a time: what floats above first, then the instant, then the byte.
      if (layout.narrow && layout.side !== null) layout.side = null
      else if (selection.crosshair !== null) selection.crosshair = null
      else selection.byte = null
    },
  },
  {
    id: 'view.zoomIn',
    group: 'View',
    title: 'Larger',
    icon: 'plus',
    keys: ['Mod+=', 'Mod++'],
    words: 'zoom',
    run: ({ settings }) => settings.zoomBy(1),
  },
  {
    id: 'view.zoomOut',
    group: 'View',
    title: 'Smaller',
    icon: 'minus',
    keys: ['Mod+-'],
    words: 'zoom',
    run: ({ settings }) => settings.zoomBy(-1),
  },
  {
    id: 'view.zoomReset',
    group: 'View',
    title: 'Normal size',
    icon: 'search',
    keys: ['Mod+0'],
    words: 'zoom 100',
    run: ({ settings }) => void (settings.zoom = 100),
  },
  theme('system', 'Theme: follow the system'),
  theme('light', 'Theme: light'),
  theme('dark', 'Theme: dark'),
  theme('contrast', 'Theme: high contrast'),
  {
    id: 'view.resetLayout',
    group: 'View',
    title: 'Normal layout',
    icon: 'layout',
    words: 'reset panels size',
    run: ({ layout }) => layout.reset(),
  },
  {
    id: 'exercise.close',
    group: 'View',
    title: 'Close the exercise',
    icon: 'close',
    hidden: (c) => c.exercise.state === null,
    run: ({ exercise }) => exercise.close(),
  },

  // Help
  {
    id: 'help.palette',
    group: 'Help',
    title: 'All commands…',
    icon: 'search',
    keys: ['Mod+Shift+P', 'F1'],
    words: 'palette',
    run: ({ dialogs }) => void dialogs.show({ kind: 'palette', mode: 'commands' }),
  },
  {
    id: 'help.goto',
    group: 'Help',
    title: 'Go to…',
    icon: 'search',
    keys: ['Mod+P'],
    words: 'sysctl interface run',
    run: ({ dialogs }) => void dialogs.show({ kind: 'palette', mode: 'goto' }),
  },
  {
    id: 'help.shortcuts',
    group: 'Help',
    title: 'Keyboard',
    icon: 'keyboard',
    keys: ['?'],
    words: 'shortcuts keys',
    run: ({ dialogs }) => void dialogs.show({ kind: 'shortcuts' }),
  },
  {
    id: 'help.model',
    group: 'Help',
    title: 'What is modelled and what is not',
    icon: 'book',
    words: 'fidelity read derived assumed',
    run: ({ dialogs }) => void dialogs.show({ kind: 'model' }),
  },
  {
    id: 'help.about',
    group: 'Help',
    title: 'About nomap lab',
    icon: 'help',
    words: 'version licence',
    run: ({ dialogs }) => void dialogs.show({ kind: 'about' }),
  },
]

/** Entry of an id, or undefined. */
export function commandById(id: string): Command | undefined {
  return commands.find((c) => c.id === id)
}
