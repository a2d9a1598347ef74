/** The native menu, made from its table. */
import { Menu, type MenuItemConstructorOptions } from 'electron'
import { menuTable, type MenuEntry, type ShellAction } from './menuTable'

export interface MenuActions {
  /** A command of the renderer's command table was chosen. */
  command(id: string): void
  shell(action: ShellAction): void
}

/** `Mod+Shift+P` in Electron's words. */
function accelerator(keys: string): string {
  return keys.replace('Mod', 'CmdOrCtrl')
}

function item(entry: MenuEntry, actions: MenuActions): MenuItemConstructorOptions {
  switch (entry.kind) {
    case 'separator':
      return { type: 'separator' }
    case 'role':
      return { role: entry.role }
    case 'shell':
      return { label: entry.label, click: () => actions.shell(entry.action) }
    case 'command': {
      const { label, command, keys } = entry
      const shown = keys === undefined ? {} : { accelerator: accelerator(keys), registerAccelerator: false }
      return { id: command, label, click: () => actions.command(command), ...shown }
    }
  }
}

/** Installs the application menu. */
export function installMenu(platform: NodeJS.Platform, developer: boolean, actions: MenuActions): void {
  const template: MenuItemConstructorOptions[] = menuTable(platform, developer).map(({ label, entries }) => ({
    label,
    submenu: entries.map((entry) => item(entry, actions)),
  }))
  if (platform === 'darwin') template.unshift({ role: 'appMenu' })
  Menu.setApplicationMenu(Menu.buildFromTemplate(template))
}
