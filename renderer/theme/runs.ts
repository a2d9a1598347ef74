/** How a run is drawn: hue, dash, marker. A run keeps them for its life; no two of them rest on colour alone. */
import type { BranchLetter } from '../../preload/contract'

export type Marker = 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'ring' | 'plus' | 'bar'

const markers: Record<BranchLetter, Marker> = {
  A: 'circle',
  B: 'square',
  C: 'triangle',
  D: 'diamond',
  E: 'cross',
  F: 'ring',
  G: 'plus',
  H: 'bar',
}

/** CSS colour of a run, as a custom property: `var(--run-b)`. */
export function runColor(letter: BranchLetter): string {
  return `var(--run-${letter.toLowerCase()})`
}
/** SVG `stroke-dasharray` of a run: `var(--dash-b)`. */
export function runDash(letter: BranchLetter): string {
  return `var(--dash-${letter.toLowerCase()})`
}
export function runMarker(letter: BranchLetter): Marker {
  return markers[letter]
}

/** Value of a custom property in force, for canvas and chart libraries that cannot read `var()`. */
export function tokenValue(name: string, element: Element = document.documentElement): string {
  return getComputedStyle(element).getPropertyValue(name).trim()
}
/** Dash pattern of a run in pixels; empty = solid. */
export function runDashPixels(letter: BranchLetter): number[] {
  const value = tokenValue(`--dash-${letter.toLowerCase()}`)
  return value === 'none' || value === '' ? [] : value.split(/\s+/).map(Number)
}
