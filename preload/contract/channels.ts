/**
 * Names of the two IPC channels between the preload and the Electron main process. The page never sees them: it gets a
 * MessagePort, and everything else travels through that.
 */

/** Preload → main: the page asks for a port. Carries nothing. */
export const connectChannel = 'lab:connect'

/** Main → preload: carries one MessagePort and nothing else. */
export const portChannel = 'lab:port'
