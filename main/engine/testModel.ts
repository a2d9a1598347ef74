/**
 * A tiny machine with a console, for tests of engine and lab: events at seeded instants stir a state that no two histories share. It keeps
 * every promise that the engine relies on (state is data, snapshot → continue equals never having stopped) and none of an emulated host.
 */
import type { Console, ConsoleStep, LabHooks } from './consoleSeam'
import type { Built, EngineMachine, MachineSnapshot, Model } from './model'

export class TestMachine implements EngineMachine {
  /** time, eventCount, next event, random, state, on, wakeAt of the console, status of the console */
  private s: Float64Array

  constructor(seed = 7) {
    this.s = new Float64Array([0, 0, 100, seed, 1, 0, 0, 0])
  }
  get time(): number {
    return this.s[0]
  }
  get eventCount(): number {
    return this.s[1]
  }
  get load(): boolean {
    return this.s[5] === 1
  }
  set load(on: boolean) {
    this.s[5] = on ? 1 : 0
  }
  get value(): number {
    return this.s[4]
  }
  /** Throw at this value of the state. */
  static panicAt = -1

  nextEventTime(): number {
    return this.s[2]
  }
  private dispatch(): void {
    const s = this.s
    s[0] = s[2]
    s[1]++
    s[3] = (Math.imul(s[3], 1103515245) + 12345) >>> 0
    s[4] = (Math.imul(s[4], 31) + (s[3] >>> 16) + (this.load ? 7 : 0)) >>> 0
    s[2] = s[0] + ((s[3] >>> 20) % 400)
    if (s[1] === TestMachine.panicAt) throw new Error('panic: the test machine was told to')
  }
  runSlice(t: number, limit: number): boolean {
    for (let n = 0; n < limit; n++) {
      if (this.s[2] > t) {
        if (t > this.s[0]) this.s[0] = t
        return true
      }
      this.dispatch()
    }
    return false
  }
  runUntil(t: number): void {
    while (!this.runSlice(t, 1000));
  }
  stir(value: number): void {
    this.s[4] = (Math.imul(this.s[4], 17) + value) >>> 0
  }
  /** Sets off an event at this very instant. */
  kick(): void {
    this.s[2] = this.s[0]
  }
  snapshot(): MachineSnapshot {
    return { parts: { all: { arrays: { s: this.s.slice() } } } }
  }
  restore(snapshot: MachineSnapshot): void {
    this.s.set(snapshot.parts['all'].arrays['s'] as Float64Array)
  }
  digest(): string {
    return [...this.s.slice(0, 6)].join(' ')
  }
}

class TestConsole implements Console {
  private rest: string[] = []
  private out = ''
  constructor(
    private readonly machine: TestMachine,
    private readonly hooks: LabHooks,
  ) {}

  execute(text: string): ConsoleStep {
    this.rest = text.split(';').map((part) => part.trim())
    return this.go()
  }
  resume(): ConsoleStep {
    return this.go()
  }
  interrupt(): ConsoleStep {
    this.rest = []
    return { output: '^C\n', done: true, status: 130, wakeAt: 0 }
  }
  private go(): ConsoleStep {
    let status = 0
    for (let word = this.rest.shift(); word !== undefined; word = this.rest.shift()) {
      const [verb, argument = ''] = word.split(' ')
      if (verb === 'add') this.machine.stir(Number(argument))
      else if (verb === 'kick') this.machine.kick()
      else if (verb === 'value') this.out += `${this.machine.value}\n`
      else if (verb === 'sleep') {
        const output = this.out
        this.out = ''
        return { output, done: false, status: 0, wakeAt: this.machine.time + Number(argument) }
      } else if (verb === 'lab') {
        const [what, value = ''] = [argument, word.split(' ')[2]]
        const answer =
          what === 'load'
            ? this.hooks.load(value === 'on')
            : what === 'fork'
              ? this.hooks.fork(value)
              : what === 'mark'
                ? this.hooks.mark(value)
                : what === 'run'
                  ? this.hooks.run()
                  : what === 'pause'
                    ? this.hooks.pause()
                    : this.hooks.status()
        this.out += answer.output
        status = answer.status
      } else if (verb === 'crash') throw new Error('the console broke')
      else {
        this.out += `${verb}: not found\n`
        status = 127
      }
    }
    const output = this.out
    this.out = ''
    return { output, done: true, status, wakeAt: 0 }
  }
  complete(line: string, cursor: number): ReturnType<Console['complete']> {
    return {
      from: 0,
      to: cursor,
      choices: ['add', 'value'].filter((word) => word.startsWith(line)).map((text) => ({ text, hint: '' })),
    }
  }
}

export const testModel: Model<TestMachine> = {
  counterNames: ['events', 'value'],
  build(hooks): Built<TestMachine> {
    const machine = new TestMachine()
    return {
      machine,
      console: new TestConsole(machine, hooks),
      readCounters: (out) => {
        out[0] = machine.eventCount
        out[1] = machine.value
      },
      loading: () => machine.load,
      setLoad: (on) => {
        machine.load = on
        return { output: '', status: 0 }
      },
      settings: () => `${machine.value} ${machine.load}`,
      inspect: (what, argument) => ({ what, argument, t: machine.time, value: machine.value }),
    }
  },
}
