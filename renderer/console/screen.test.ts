import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConsoleBlock } from '../stores/console'
import { emptyLine, withText } from './lineEditor'
import { blockText, drawLine, harmless } from './screen'

const block: ConsoleBlock = {
  id: 4,
  branch: 'A',
  text: 'uname',
  origin: 'console',
  output: 'FreeBSD\n',
  t: 0,
  tEnd: 0,
  status: 0,
  recalled: false,
}
const prompt = 'root@lab:~ # '

const visible = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- escape sequences are what is taken away
  text.replace(/\x1b\][^\x07]*\x07|\x1b\[[0-9;]*[A-Za-z]/g, '').replace(/\r/g, '')

describe('what the terminal is told', () => {
  it('a block – prompt, command, output, in this order', () => {
    expect(visible(blockText(block, prompt, []))).toBe('root@lab:~ # uname\nFreeBSD\n')
  })
  it('output without a last line feed – the next prompt still starts a line', () => {
    expect(visible(blockText({ ...block, output: 'x' }, prompt, []))).toBe('root@lab:~ # uname\nx\n')
  })
  it('an unknown command – what exists is named below the answer of the shell', () => {
    expect(
      visible(
        blockText({ ...block, text: 'ifconfgi', status: 127, output: 'ifconfgi: not found\n' }, prompt, ['ifconfig']),
      ),
    ).toContain('ifconfig: Tab completes')
  })
  it('output with escape sequences – cannot steer the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // eslint-disable-next-line no-control-regex -- what must be gone
        expect(/[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]/.test(harmless(text))).toBe(false)
      }),
    )
  })
  it('any line at any width – the cursor row is where the cursor stands', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z ]{0,200}$/),
        fc.integer({ min: 20, max: 90 }),
        fc.nat(),
        (text, columns, at) => {
          const cursor = text.length === 0 ? 0 : at % (text.length + 1)
          const drawn = drawLine({ ...withText(emptyLine, text), cursor }, prompt, columns, null, null)
          expect(drawn.cursorRow).toBe(Math.floor((prompt.length + cursor) / columns))
        },
      ),
    )
  })
  it('drawn again – first goes back to the prompt and erases', () => {
    const first = drawLine(withText(emptyLine, 'x'.repeat(100)), prompt, 40, null, null)
    const second = drawLine(withText(emptyLine, 'y'), prompt, 40, first, null)
    expect(second.text.startsWith(`\x1b[${first.cursorRow}A\r\x1b[J`)).toBe(true)
  })
})
