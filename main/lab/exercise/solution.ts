/**
 * Solutions of an exercise: what a learner would do, one line of JSON each. They prove that an exercise can be solved, and that its checks notice when it
 * was not: `reference.jsonl` passes everything, `empty.jsonl` nothing, and `wrong-*.jsonl` fails what its first line names.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { fileProblem, LabProblem, textOf } from '../problem'
import { parseQuantity } from '../units'

const time = z.string().transform((value) => parseQuantity('time', value))
const run = z.enum(['base', 'fork'])

const action = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('command'), branch: run.default('base'), text: z.string().min(1) }),
  /** Starts the load on every run. */
  z.strictObject({ do: z.literal('load') }),
  z.strictObject({ do: z.literal('run'), for: time }),
  z.strictObject({ do: z.literal('fork') }),
  z.strictObject({ do: z.literal('compare') }),
  z.strictObject({ do: z.literal('undo') }),
  z.strictObject({ do: z.literal('save') }),
  z.strictObject({ do: z.literal('report'), text: z.string() }),
  z.strictObject({ do: z.literal('predict'), id: z.string(), value: z.string() }),
  z.strictObject({ do: z.literal('answer'), id: z.string(), value: z.string() }),
])
export type SolutionAction = z.output<typeof action>
const header = z.strictObject({
  /** Checks that this solution must not pass, and no others. */
  fails: z.array(z.string()),
  about: z.string(),
})

export interface Solution {
  /** Name of the file without ending. */
  name: string
  /** Checks that it must fail; null for the reference and the empty solution, whose names say it. */
  fails: string[] | null
  actions: SolutionAction[]
}

/** @throws LabProblem solution-invalid, with file and line */
export function parseSolution(text: string, name: string): Solution {
  const solution: Solution = { name, fails: null, actions: [] }
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return
    try {
      const value: unknown = JSON.parse(line)
      if (i === 0 && typeof value === 'object' && value !== null && 'fails' in value)
        solution.fails = header.parse(value).fails
      else solution.actions.push(action.parse(value))
    } catch (error) {
      const why = error instanceof z.ZodError ? error.issues[0].message : textOf(error)
      throw new LabProblem('solution-invalid', `${name}.jsonl, line ${i + 1}: ${why}.`, 'Correct the line.')
    }
  })
  return solution
}

/** @throws LabProblem file-missing, solution-invalid */
export function loadSolutions(id: string, content: string): Solution[] {
  const folder = join(content, id, 'solutions')
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.jsonl'))
      .sort()
      .map((file) => parseSolution(readFileSync(join(folder, file), 'utf8'), file.slice(0, -'.jsonl'.length)))
  } catch (error) {
    throw fileProblem(error, folder, 'read') ?? error
  }
}
