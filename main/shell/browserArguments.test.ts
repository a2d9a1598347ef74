import { describe, expect, it } from 'vitest'
import { readBrowserArguments } from './browserArguments'

function read(...args: string[]) {
  let out = ''
  let err = ''
  const result = readBrowserArguments(
    args,
    (text) => (out += text),
    (text) => (err += text),
  )
  return { result, out, err }
}

describe('arguments of the browser shell', () => {
  it('none – read – any port, nothing opened', () => {
    expect(read().result).toEqual({ open: false })
  })

  it('all of them – read – are understood', () => {
    expect(read('--port', '0', '--open', '--user-data', '/u', 'a.nomaplab').result).toEqual({
      port: 0,
      open: true,
      userData: '/u',
      document: 'a.nomaplab',
    })
    expect(read('--port=8080', '--no-open', '--user-data=/u').result).toEqual({
      port: 8080,
      open: false,
      userData: '/u',
    })
  })

  it.each([
    [['--port', '65536'], '65536'],
    [['--port', '-1'], '-1'],
    [['--port', '8o80'], '8o80'],
    [['--port'], '--port'],
    [['--prot', '1'], '--prot'],
    [['--user-data'], '--user-data'],
    [['a', 'b'], 'too many arguments'],
  ])('%j – read – is status 2 and one line that names it', (args, named) => {
    const { result, out, err } = read(...args)
    expect(result).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(/^nomap lab: [^\n]+\n$/)
    expect(err).toContain(named)
  })

  it('--help – read – is status 0 and a text with every option', () => {
    const { result, out, err } = read('--help')
    expect(result).toBe(0)
    expect(err).toBe('')
    for (const option of ['--port', '--open', '--no-open', '--user-data', '--help', 'document'])
      expect(out).toContain(option)
  })
})
