/** Where the window was, so that it opens there again: kept as a small file in the user data. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

export interface Bounds {
  x: number
  y: number
  width: number
  height: number
}

export interface WindowState {
  /** Absent at the first start: the system chooses the place. */
  bounds?: Bounds
  maximized: boolean
}

/** Smallest window in which every pane is usable, and the size of the first start; in points. */
export const minimumSize = { width: 1024, height: 640 } as const
export const firstSize = { width: 1440, height: 900 } as const

const fileName = 'window.json'
const coordinate = z.number().int().min(-100_000).max(100_000)
const schema = z.object({
  bounds: z
    .object({ x: coordinate, y: coordinate, width: coordinate.positive(), height: coordinate.positive() })
    .optional(),
  maximized: z.boolean(),
})

/** The stored state as far as it makes sense on these screens; the state of a first start if there is none. */
export function readWindowState(userData: string, screens: Bounds[]): WindowState {
  let stored: z.infer<typeof schema>
  try {
    stored = schema.parse(JSON.parse(readFileSync(join(userData, fileName), 'utf8')))
  } catch {
    return { maximized: false }
  }
  const { bounds, maximized } = stored
  if (bounds === undefined || !isReachable(bounds, screens)) return { maximized }
  const width = Math.max(bounds.width, minimumSize.width)
  const height = Math.max(bounds.height, minimumSize.height)
  return { bounds: { ...bounds, width, height }, maximized }
}

/** Whether enough of the title bar lies on a screen to take hold of it: a screen may have been unplugged. */
function isReachable({ x, y, width }: Bounds, screens: Bounds[]): boolean {
  const grip = 100
  return screens.some(
    (screen) =>
      y >= screen.y &&
      y < screen.y + screen.height - grip &&
      x + width > screen.x + grip &&
      x < screen.x + screen.width - grip,
  )
}

/** Stores the state; losing it is not worth a message. */
export function writeWindowState(userData: string, state: WindowState): void {
  const file = join(userData, fileName)
  try {
    writeFileSync(`${file}.new`, JSON.stringify(state))
    renameSync(`${file}.new`, file)
  } catch {
    // The next start opens the window at the usual place.
  }
}
