// Sends `import 'electron'` to the stand-in; everything else goes its usual way.
const standIn = new URL('./electron.mjs', import.meta.url).href

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  if (specifier === 'electron') return { url: standIn, shortCircuit: true }
  return next(specifier, context)
}
