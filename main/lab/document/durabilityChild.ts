/** Works and saves without pause until it is killed; for durability.test.ts, which builds it, never shipped. Arguments: folder, scenarios. */
import { readFile } from 'node:fs/promises'
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { loadScenario } from '../scenario/load'
import { apply, newModel, nextId, type Operation, type SessionModel } from '../session/model'
import { writeAtomic } from './atomicFile'
import { Journal, readJournals } from './journal'
import { readDocument } from './read'
import { writeDocument } from './write'

const [folder, scenarios] = process.argv.slice(2)
const document = join(folder, 'work.nomaplab')
const journals = join(folder, 'journal')
const say = (line: string): void => void writeSync(1, `${line}\n`)

const { scenario } = loadScenario('first-lab', scenarios)
let model: SessionModel = newModel({
  name: 'work',
  scenarioId: 'first-lab',
  scenario,
  files: { kind: 'generated' },
  now: new Date(0),
})
const left = (await readJournals(journals))[0]
const fail = (problem: Error): void => {
  say(`broken ${problem.message}`)
  process.exit(1)
}
let journal: Journal
if (left === undefined) journal = await Journal.begin(journals, () => model, fail)
else {
  model = left.model
  journal = await Journal.resume(journals, left.id, () => model, fail)
}
// A document that is there must open, whatever happened before.
const saved = await readFile(document).catch(() => null)
if (saved !== null) readDocument(saved, document)
say(`ready ${model.log.length}`)

/** Saves and works at the same time, as a user does who goes on typing. */
async function save(): Promise<void> {
  const count = model.log.length
  const bytes = writeDocument({ model, application: '0.1.0', revision: 'r', embed: null, series: null }, document)
  await writeAtomic(document, bytes, { previous: join(folder, 'previous') })
  say(`saved ${count}`)
}

let saving = save()
for (;;) {
  const id = nextId(model)
  const op: Operation = {
    op: 'entry',
    entry: {
      kind: 'command',
      id,
      branch: 'A',
      t: id * 1000,
      text: `sysctl net.inet.tcp.sendspace=${id}`,
      origin: 'console',
      status: 0,
      changed: true,
    },
  }
  model = apply(model, op)
  await journal.append(op)
  say(`done ${model.log.length}`)
  if (id % 3 === 0) {
    await saving
    saving = save()
  }
}
