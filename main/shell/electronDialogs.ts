/** The system's own dialogs for choosing files. */
import { dialog, type BrowserWindow, type OpenDialogOptions } from 'electron'
import type { LabOptions } from '../lab/labTypes'

const documents = { name: 'nomap lab', extensions: ['nomaplab', 'nomapex'] }
const sessions = { name: 'nomap lab session', extensions: ['nomaplab'] }

/** Dialogs on top of the window that `window()` gives; without a window they are cancelled. */
export function nativeDialogs(window: () => BrowserWindow | null): NonNullable<LabOptions['dialogs']> {
  async function open(options: OpenDialogOptions): Promise<string | null> {
    const owner = window()
    if (owner === null) return null
    const { canceled, filePaths } = await dialog.showOpenDialog(owner, options)
    return canceled ? null : (filePaths.at(0) ?? null)
  }

  /** Only macOS has a dialog in which both files and folders can be chosen. */
  async function openFileOrFolder(): Promise<string | null> {
    if (process.platform === 'darwin') return open({ properties: ['openFile', 'openDirectory'] })
    const owner = window()
    if (owner === null) return null
    const { response } = await dialog.showMessageBox(owner, {
      type: 'question',
      message: 'What shall the emulated host serve?',
      buttons: ['One file…', 'The files of a folder…', 'Cancel'],
      defaultId: 0,
      cancelId: 2,
    })
    if (response === 2) return null
    return open({ properties: [response === 0 ? 'openFile' : 'openDirectory'] })
  }

  return {
    open: (kind) => (kind === 'files' ? openFileOrFolder() : open({ properties: ['openFile'], filters: [documents] })),
    async save(name) {
      const owner = window()
      if (owner === null) return null
      const { canceled, filePath } = await dialog.showSaveDialog(owner, {
        defaultPath: name,
        filters: [sessions],
        properties: ['createDirectory', 'showOverwriteConfirmation'],
      })
      return canceled || filePath === '' ? null : filePath
    },
  }
}
