/**
 * The native menu as data. Most entries are commands of the renderer's command table, named by their id there; the menu only sends
 * the id. Keys are shown, not bound: the page binds them, so that they work alike in both shells.
 */

export type MenuEntry =
  | { kind: 'command'; label: string; command: string; keys?: string }
  | { kind: 'role'; role: MenuRole }
  | { kind: 'shell'; label: string; action: ShellAction }
  | { kind: 'separator' }

/** What the system's own menu entries do, in Electron's words. */
export type MenuRole =
  | 'appMenu'
  | 'quit'
  | 'cut'
  | 'copy'
  | 'paste'
  | 'selectAll'
  | 'togglefullscreen'
  | 'minimize'
  | 'close'
  | 'toggleDevTools'

/** What the shell does itself. */
export type ShellAction = 'reload'

export interface Menu {
  label: string
  entries: MenuEntry[]
}

function command(label: string, id: string, keys?: string): MenuEntry {
  return keys === undefined ? { kind: 'command', label, command: id } : { kind: 'command', label, command: id, keys }
}

function role(name: MenuRole): MenuEntry {
  return { kind: 'role', role: name }
}

const separator: MenuEntry = { kind: 'separator' }

/** The menus of a platform; `developer` adds what only a checkout needs. */
export function menuTable(platform: NodeJS.Platform, developer: boolean): Menu[] {
  const mac = platform === 'darwin'
  return [
    {
      label: 'File',
      entries: [
        command('New lab…', 'file.new', 'Mod+N'),
        command('Open…', 'file.open', 'Mod+O'),
        command('Show the Start screen', 'file.start'),
        separator,
        command('Save', 'file.save', 'Mod+S'),
        command('Save as…', 'file.saveAs', 'Mod+Shift+S'),
        separator,
        command('Recover sessions…', 'file.recover'),
        separator,
        role(mac ? 'close' : 'quit'),
      ],
    },
    {
      label: 'Edit',
      entries: [
        command('Undo', 'edit.undo', 'Mod+Z'),
        command('Redo', 'edit.redo', 'Mod+Shift+Z'),
        separator,
        role('cut'),
        role('copy'),
        role('paste'),
        role('selectAll'),
        separator,
        command('Find in the console', 'edit.find', 'Mod+F'),
      ],
    },
    {
      label: 'Run',
      entries: [
        command('Run or pause', 'run.toggle', 'F5'),
        command('Step one event', 'run.step', 'F10'),
        command('Step back one event', 'run.back', 'Shift+F10'),
        separator,
        command('Start or stop the load', 'run.load'),
        command('Try on a fork from here', 'run.fork', 'Mod+Shift+F'),
        command('Mark this instant…', 'run.mark'),
      ],
    },
    {
      label: 'View',
      entries: [
        command('Overview', 'view.overview', 'Mod+1'),
        command('Charts', 'view.charts', 'Mod+2'),
        command('Compare', 'view.compare', 'Mod+3'),
        command('Report', 'view.report', 'Mod+4'),
        command('Chains', 'view.chains', 'Mod+5'),
        separator,
        command('Console, and back', 'view.console', 'Mod+`'),
        command('Open or close the side bar', 'view.sideBar', 'Mod+B'),
        command('Settings', 'view.settings', 'Mod+,'),
        command('Normal layout', 'view.resetLayout'),
        separator,
        command('Larger', 'view.zoomIn', 'Mod+='),
        command('Smaller', 'view.zoomOut', 'Mod+-'),
        command('Normal size', 'view.zoomReset', 'Mod+0'),
        role('togglefullscreen'),
        ...(developer ? [separator, role('toggleDevTools')] : []),
      ],
    },
    ...(mac ? [{ label: 'Window', entries: [role('minimize')] }] : []),
    {
      label: 'Help',
      entries: [
        command('All commands…', 'help.palette', 'Mod+Shift+P'),
        command('Keyboard', 'help.shortcuts'),
        command('What is modelled and what is not', 'help.model'),
        separator,
        { kind: 'shell', label: 'Reload the window', action: 'reload' },
        command('About nomap lab', 'help.about'),
      ],
    },
  ]
}
