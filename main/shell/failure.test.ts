import { describe, expect, it } from 'vitest'
import { hideHome, toContractError } from './failure'

const home = '/home/ann'

describe('failure', () => {
  it.each([
    ['/home/ann/lab/x.nomaplab', '~/lab/x.nomaplab'],
    ['see /home/ann.', 'see ~.'],
    ['/home/ann.old/x', '/home/ann.old/x'],
    ['/srv/home/ann/x', '/srv/home/ann/x'],
    ["open '/home/ann' and '/home/ann/b'", "open '~' and '~/b'"],
    ['/home/anna/x', '/home/anna/x'],
    ['/home/ann-old/x', '/home/ann-old/x'],
    ['/srv/home/x', '/srv/home/x'],
    ['file:///home/ann/x.js:3', 'file://~/x.js:3'],
  ])('%s – shown – reads %s', (text, shown) => {
    expect(hideHome(text, home)).toBe(shown)
  })

  it('a Windows home – in either spelling – is hidden', () => {
    expect(hideHome('C:\\Users\\Ann\\x and c:/users/ann/y', 'C:\\Users\\Ann')).toBe('~\\x and ~/y')
    expect(hideHome('"C:\\\\Users\\\\Ann\\\\x"', 'C:\\Users\\Ann')).toBe('"~\\\\x"')
  })

  it('a home that is the root folder – any text – is left alone', () => {
    expect(hideHome('/etc/motd', '/')).toBe('/etc/motd')
  })

  it('an error with code, message and remedy – thrown by a handler – is passed on without its stack', () => {
    const error = Object.assign(new Error('“a.nomaplab” was written by a newer lab.'), {
      code: 'document-newer',
      remedy: 'Use version 2.',
      details: 'format 9\n    at open (/home/ann/lab/out/main/x.js:1:2)\nin /home/ann/a.nomaplab',
    })
    expect(toContractError(error, 'session.open', home)).toEqual({
      code: 'document-newer',
      message: '“a.nomaplab” was written by a newer lab.',
      remedy: 'Use version 2.',
      details: 'format 9\nin ~/a.nomaplab',
    })
  })

  it('an unexpected error – thrown by a handler – is said to be a fault of the lab, without stack and home', () => {
    const error = new TypeError("Cannot read properties of undefined (reading '/home/ann/secret')")
    const told = toContractError(error, 'session.save', home)
    expect(told.code).toBe('internal')
    expect(told.message).toContain('session.save')
    expect(JSON.stringify(told)).not.toMatch(/\bat \w+ \(|\/home\/ann/)
    expect(told.details).toContain('~/secret')
  })

  it.each([
    ['ENOENT', 'open', 'file-missing'],
    ['EACCES', 'open', 'file-denied'],
    ['ENOENT', 'mkdir', 'folder-missing'],
    ['ENOSPC', 'write', 'disk-full'],
  ])('the system error %s of %s – thrown by a handler – names the file and a remedy', (code, syscall, told) => {
    const error = Object.assign(new Error(`${code}: nope, ${syscall} '/home/ann/a'`), {
      code,
      syscall,
      path: '/home/ann/a',
    })
    const failure = toContractError(error, 'session.open', home)
    expect(failure.code).toBe(told)
    expect(failure.message).toContain('“~/a”')
    expect(failure.details).not.toContain('/home/ann')
    expect(failure.remedy.length).toBeGreaterThan(10)
  })

  it.each([[undefined], [null], [7], ['text'], [{}]])(
    '%o – thrown by a handler – still gives a whole failure',
    (thrown) => {
      const failure = toContractError(thrown, 'compare', home)
      expect(failure).toMatchObject({ code: 'internal' })
      expect(failure.message && failure.remedy).toBeTruthy()
    },
  )
})
