/** What the Electron shell was asked to do. */
export interface ElectronArguments {
  userData?: string
  /** Documents to open, as they were given. */
  files: string[]
}

/**
 * Reads the arguments of the Electron shell from `process.argv`. Unknown options are left to Chromium, which has many of its own.
 * From a checkout (`packaged` false) the first argument that is no option is the folder of the app.
 */
export function readElectronArguments(argv: string[], packaged: boolean): ElectronArguments {
  const rest = argv.slice(1)
  const files: string[] = []
  let userData: string | undefined
  for (let index = 0; index < rest.length; index++) {
    const argument = rest[index]
    if (argument === '--user-data') userData = rest[++index]
    else if (argument.startsWith('--user-data=')) userData = argument.slice('--user-data='.length)
    else if (!argument.startsWith('-')) files.push(argument)
  }
  if (!packaged) files.shift()
  return userData === undefined || userData === '' ? { files } : { files, userData }
}
