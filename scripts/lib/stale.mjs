// Is a product older than what it is made from? A stamp written beside the product remembers the sources: first their
// sizes and times (quick, and enough when nothing was touched), then their bytes (so that a fresh checkout, or a file
// saved without a change, rebuilds nothing).
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { filesBelow } from './project.mjs'

/**
 * @typedef {object} Product
 * @property {string} stamp file that remembers the sources
 * @property {string[]} sources files and folders, from the root
 * @property {(file: string) => boolean} [counts] leaves out what does not go into the product
 * @property {string[]} results files that must exist
 *
 * @typedef {{ quick: string, full: string }} Print
 */

/**
 * True when the product exists and was made from the sources as they are now.
 * @param {string} root
 * @param {Product} product
 */
export function isFresh(root, product) {
  const known = readStamp(join(root, product.stamp))
  if (!known || !product.results.every((file) => existsSync(join(root, file)))) return false
  const files = sourcesOf(root, product)
  const quick = quickPrint(root, files)
  if (quick === known.quick) return true
  if (fullPrint(root, files) !== known.full) return false
  writeStamp(root, product, { quick, full: known.full })
  return true
}

/**
 * The sources as they are now. Take it before the product is made: what is saved meanwhile then counts as newer.
 * @param {string} root
 * @param {Product} product
 * @returns {Print}
 */
export function printOf(root, product) {
  const files = sourcesOf(root, product)
  return { quick: quickPrint(root, files), full: fullPrint(root, files) }
}

/**
 * @param {string} root
 * @param {Product} product
 * @param {Print} print
 */
export function writeStamp(root, product, print) {
  const file = join(root, product.stamp)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(print)}\n`)
}

/**
 * @param {string} file
 * @returns {Print | undefined}
 */
function readStamp(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // missing or damaged: make the product again
  }
}

/** @param {string} root @param {Product} product */
function sourcesOf(root, product) {
  const files = filesBelow(root, product.sources)
  return product.counts ? files.filter(product.counts) : files
}

/** @param {string} root @param {string[]} files */
function quickPrint(root, files) {
  const hash = createHash('sha256')
  for (const file of files) {
    const { size, mtimeMs } = statSync(join(root, file))
    hash.update(`${file}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** @param {string} root @param {string[]} files */
function fullPrint(root, files) {
  const hash = createHash('sha256')
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  return hash.digest('hex')
}
