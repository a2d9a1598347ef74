/** Everything the page looks like, in the order it has to load. Fonts are files of our own; nothing comes from a network. */
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import './tokens.css'
import './base.css'
import './controls.css'

/** Resolves once the fonts that are measured (console, drawings) are there; after two seconds at the latest. */
export function fontsReady(): Promise<void> {
  const wanted = [
    '400 12px "JetBrains Mono Variable"',
    '600 12px "JetBrains Mono Variable"',
    '400 12px "Inter Variable"',
  ]
  const loaded = Promise.all(wanted.map((font) => document.fonts.load(font))).then(() => undefined)
  return Promise.race([loaded.catch(() => undefined), new Promise<void>((resolve) => setTimeout(resolve, 2000))])
}
