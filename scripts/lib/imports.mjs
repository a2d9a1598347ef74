// The import rules' engine: reads the imports of a source file and judges them by the allow-list of
// import-rules.json. Kept apart from the command so that tests can hand it files that do not exist.
//
// Why not an off-the-shelf tool: the rules speak of `import type` against run-time imports and of lines in .vue files,
// and a message has to name file:line. With the parser that is installed anyway this takes 0.5 s for the project.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import ts from 'typescript'
import { parse as parseVue } from 'vue/compiler-sfc'

/**
 * One import as written.
 * @typedef {{ specifier: string, line: number, typeOnly: boolean }} Import
 *
 * One zone of import-rules.json.
 * @typedef {{ name: string, why?: string, files: string[], may: string[], mayNot?: string[], noCode?: boolean }} Zone
 *
 * @typedef {{ from: string, to: string, owner: string, reason: string }} Debt
 * @typedef {{ zones: Zone[], names?: Record<string, string[]>, debts: Debt[] }} Rules
 *
 * A breach of the rules, ready to print.
 * @typedef {{ file: string, line: number, text: string }} Breach
 */

const CODE = /\.(ts|tsx|mts|cts|js|mjs|cjs|vue)$/
const TEST = /\.test\.(ts|mjs)$/

/**
 * The imports of one source text, `.vue` included (both of its script blocks, with the file's own line numbers).
 * @param {string} file
 * @param {string} text
 * @returns {Import[]}
 */
export function importsOf(file, text) {
  if (!file.endsWith('.vue')) return importsOfScript(text, 0, file.endsWith('x'))
  const { descriptor } = parseVue(text, { filename: file, sourceMap: false })
  return [descriptor.script, descriptor.scriptSetup].flatMap((block) => {
    if (!block) return []
    const own = importsOfScript(block.content, block.loc.start.line - 1, false)
    if (block.src) own.push({ specifier: block.src, line: block.loc.start.line, typeOnly: false })
    return own
  })
}

/**
 * @param {string} text
 * @param {number} lineOffset lines of the file above the text
 * @param {boolean} jsx
 * @returns {Import[]}
 */
function importsOfScript(text, lineOffset, jsx) {
  const kind = jsx ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, false, kind)
  /** @type {Import[]} */
  const found = []
  /** @param {ts.Node} node @param {boolean} typeOnly */
  const add = (node, typeOnly) => {
    if (!ts.isStringLiteralLike(node)) return
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1 + lineOffset
    found.push({ specifier: node.text, line, typeOnly })
  }
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node.importClause))
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node.moduleSpecifier, isTypeOnlyExport(node))
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
      add(node.moduleReference.expression, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && node.arguments.length > 0 && loadsModule(node.expression)) {
      const [argument] = node.arguments
      if (argument) add(argument, false)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/**
 * `import type …`, or every name marked `type`. `import {} from` and `import 'x'` run the module.
 * @param {ts.ImportClause | undefined} clause
 */
function isTypeOnly(clause) {
  if (!clause) return false
  if (clause.isTypeOnly) return true
  const named = clause.namedBindings
  return (
    !clause.name &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.length > 0 &&
    named.elements.every((element) => element.isTypeOnly)
  )
}

/** @param {ts.ExportDeclaration} node */
function isTypeOnlyExport(node) {
  if (node.isTypeOnly) return true
  const named = node.exportClause
  return (
    named !== undefined &&
    ts.isNamedExports(named) &&
    named.elements.length > 0 &&
    named.elements.every((element) => element.isTypeOnly)
  )
}

/**
 * `import(…)` and `require(…)`. (`vi.mock` and the like stand in tests, which may import anything.)
 * @param {ts.Expression} callee
 */
function loadsModule(callee) {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

/**
 * What an import means: a file of the project (path from its root), a built-in (`node:fs`) or a package (`@a/b`).
 * @param {string} from file that imports, from the root
 * @param {string} specifier
 * @param {(path: string) => boolean} exists
 * @returns {{ kind: 'file' | 'builtin' | 'package', target: string }}
 */
export function meaningOf(from, specifier, exists) {
  const bare = specifier.replace(/[?#].*$/, '') // Vite's ?raw, ?url …
  if (bare.startsWith('.') || bare.startsWith('/')) {
    const path = bare.startsWith('/') ? posix.normalize(bare.slice(1)) : posix.join(posix.dirname(from), bare)
    return { kind: 'file', target: onDisk(path, exists) }
  }
  if (isBuiltin(bare)) return { kind: 'builtin', target: bare.startsWith('node:') ? bare : `node:${bare}` }
  return { kind: 'package', target: bare.split('/', bare.startsWith('@') ? 2 : 1).join('/') }
}

/**
 * The file a relative import names, by the bundler's rules; the path itself when there is no such file.
 * @param {string} path
 * @param {(path: string) => boolean} exists
 */
function onDisk(path, exists) {
  const stem = path.replace(/\.(m|c)?js$/, '')
  const tries = [path, `${path}.ts`, `${path}.mjs`, `${path}.vue`, `${path}.d.ts`, `${path}/index.ts`, `${stem}.ts`]
  return tries.find((candidate) => exists(candidate)) ?? path
}

/**
 * A glob of import-rules.json as a regular expression: `**` any depth, `*` within one name.
 * @param {string} glob
 */
export function globToRegExp(glob) {
  const source = glob
    .split(/(\/\*\*$|\*\*\/|\*\*|\*)/)
    .map((part) => {
      if (part === '/**') return '(?:/.*)?' // the folder itself, too: its index may not be written yet
      if (part === '**/') return '(?:.*/)?'
      if (part === '**') return '.*'
      if (part === '*') return '[^/]*'
      return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
  return new RegExp(`^${source}$`)
}

/**
 * Judges every import of the given files.
 * @param {Rules} rules
 * @param {{ file: string, text: string }[]} sources paths from the root, with `/`
 * @param {(path: string) => boolean} exists
 * @returns {Breach[]}
 */
export function judge(rules, sources, exists) {
  const matches = matcher(rules)
  /** @type {Breach[]} */
  const breaches = []
  const usedDebts = new Set()

  for (const { file, text } of sources) {
    const zone = rules.zones.find((candidate) => candidate.files.some((glob) => matches(glob, file)))
    if (!zone) {
      breaches.push({ file, line: 1, text: 'no zone of import-rules.json covers this file' })
      continue
    }
    if (zone.noCode) {
      breaches.push({ file, line: 1, text: `code in a folder that holds only data (zone "${zone.name}")` })
      continue
    }
    for (const found of importsOf(file, text)) {
      const { kind, target } = meaningOf(file, found.specifier, exists)
      const complaint = complaintAbout(zone, kind, target, found.typeOnly, matches)
      if (!complaint) continue
      const debt = rules.debts.find((entry) => matches(entry.from, file) && matches(entry.to, target))
      if (debt) usedDebts.add(debt)
      else breaches.push({ file, line: found.line, text: `imports '${found.specifier}': ${complaint}` })
    }
  }

  for (const debt of rules.debts) {
    const { from, to, owner, reason } = debt
    if (!owner || !reason)
      breaches.push({ file: 'import-rules.json', line: 1, text: `debt ${from} -> ${to} lacks owner or reason` })
    if (!usedDebts.has(debt))
      breaches.push({ file: 'import-rules.json', line: 1, text: `debt ${from} -> ${to} is paid: remove the entry` })
  }
  return breaches
}

/**
 * Why this import is not allowed, or undefined where it is.
 * @param {Zone} zone
 * @param {'file' | 'builtin' | 'package'} kind
 * @param {string} target
 * @param {boolean} typeOnly
 * @param {(glob: string, path: string) => boolean} matches
 */
function complaintAbout(zone, kind, target, typeOnly, matches) {
  if (zone.may.includes('any')) return undefined
  if (kind === 'file' && (TEST.test(target) || target.startsWith('tests/')))
    return `${target} is a test; only tests may import it`
  const rule = `zone "${zone.name}"`
  const denied = (zone.mayNot ?? []).find((entry) => matches(entry, target))
  if (denied) return `${rule} may not import ${denied}`

  /** @param {string} entry */
  const allows = (entry) => (entry === 'packages' ? kind === 'package' : matches(entry, target))
  if (zone.may.some((entry) => !entry.startsWith('type ') && allows(entry))) return undefined
  if (zone.may.some((entry) => entry.startsWith('type ') && allows(entry.slice(5))))
    return typeOnly ? undefined : `${rule} may import only types from it (import type)`
  const list = zone.may.join(', ') || 'nothing'
  return `${rule} may import: ${list}${zone.why ? `. ${zone.why}` : ''}`
}

/**
 * Matching with the named groups of the rule file, each glob compiled once.
 * @param {Rules} rules
 */
function matcher(rules) {
  /** @type {Map<string, RegExp[]>} */
  const compiled = new Map()
  return (/** @type {string} */ glob, /** @type {string} */ path) => {
    let expressions = compiled.get(glob)
    if (!expressions) {
      expressions = (rules.names?.[glob] ?? [glob]).map(globToRegExp)
      compiled.set(glob, expressions)
    }
    return expressions.some((expression) => expression.test(path))
  }
}

/**
 * Reads the rules and the sources of a project folder and judges them.
 * @param {string} root
 * @param {string[]} files paths from the root
 * @returns {{ breaches: Breach[], count: number }}
 */
export function checkProject(root, files) {
  /** @type {Rules} */
  const rules = JSON.parse(readFileSync(join(root, 'import-rules.json'), 'utf8'))
  const code = files.filter((file) => CODE.test(file))
  const sources = code.map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
  const isFile = (/** @type {string} */ path) => {
    const full = join(root, path)
    return existsSync(full) && statSync(full).isFile()
  }
  return { breaches: judge(rules, sources, isFile), count: code.length }
}
