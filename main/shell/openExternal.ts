/** The only place that hands an address to the system's browser, after asking. */
import { dialog, shell, type BrowserWindow } from 'electron'
import { externalAddress } from './externalAddresses'

/** Asks the user and opens `text` in the system's browser if it is an address of a known site; false if it was not opened. */
export async function openExternal(text: string, window: BrowserWindow): Promise<boolean> {
  const address = externalAddress(text)
  if (address === null) return false
  const open = 0
  const cancel = 1
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: 'Open this page in your browser?',
    detail: address,
    buttons: ['Open', 'Cancel'],
    defaultId: cancel,
    cancelId: cancel,
  })
  if (response !== open) return false
  await shell.openExternal(address)
  return true
}
