/**
 * Markdown to HTML text, without raw HTML: what looks like markup stays text. Links lead only inside the page, pictures only to
 * files of our own origin; anything else is shown as its words. The result is cleaned once more before it becomes markup.
 */
import MarkdownIt from 'markdown-it'

const renderer = new MarkdownIt({ html: false, linkify: false, typographer: false })

/** Addresses that fetch nothing from elsewhere: a place in the page, a relative path. */
function isOurs(address: string): boolean {
  return address.startsWith('#') || /^(?:\.{0,2}\/)?[\w-][\w./-]*$/.test(address)
}

renderer.renderer.rules['link_open'] = (tokens, index, options, _environment, self) => {
  const token = tokens[index]
  const address = String(token?.attrGet('href') ?? '')
  if (token !== undefined && !address.startsWith('#')) token.attrs = [['title', address]]
  return self.renderToken(tokens, index, options)
}
renderer.renderer.rules['image'] = (tokens, index, options, _environment, self) => {
  const token = tokens[index]
  if (token === undefined) return ''
  const alternative = renderer.utils.escapeHtml(token.content)
  if (!isOurs(String(token.attrGet('src') ?? ''))) return alternative
  token.attrSet('alt', token.content)
  return self.renderToken(tokens, index, options)
}

/** HTML text of a document, or of a single line. */
export function renderMarkdown(text: string, inline = false): string {
  return inline ? renderer.renderInline(text) : renderer.render(text)
}
