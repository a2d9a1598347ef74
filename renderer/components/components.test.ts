import { mount } from '@vue/test-utils'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import LabSplitter from './LabSplitter.vue'
import LabSwitch from './LabSwitch.vue'
import SegmentedControl from './SegmentedControl.vue'
import { renderMarkdown } from './markdown'

describe('switch', () => {
  const make = (props: Partial<InstanceType<typeof LabSwitch>['$props']> = {}) =>
    mount(LabSwitch, { props: { on: true, label: 'nomap on cc0', ...props } })

  it('pressed – asks, and does not move by itself', async () => {
    const w = make()
    await w.get('button').trigger('click')
    expect(w.emitted('toggle')).toEqual([[false]])
    expect(w.get('button').attributes('aria-checked')).toBe('true')
    await w.setProps({ on: false })
    expect(w.get('button').attributes('aria-checked')).toBe('false')
  })
  it('Space with Alt – asks for a fork', async () => {
    const w = make()
    await w.get('button').trigger('keydown', { key: ' ', altKey: true })
    expect(w.emitted('toggle')).toEqual([[true]])
  })
  it('not possible – stays focusable, says so, and asks for nothing', async () => {
    const w = make({ fixed: 'needs t4_tom' })
    await w.get('button').trigger('click')
    await w.get('button').trigger('keydown', { key: 'Enter' })
    expect(w.emitted('toggle')).toBeUndefined()
    expect(w.get('button').attributes()).toMatchObject({
      role: 'switch',
      'aria-disabled': 'true',
      'aria-label': 'nomap on cc0',
    })
    expect(w.get('button').attributes('disabled')).toBeUndefined()
  })
  it('asked and not yet answered – a second press is not sent', async () => {
    const w = make({ busy: true })
    await w.get('button').trigger('click')
    expect(w.emitted('toggle')).toBeUndefined()
  })
})

describe('splitter', () => {
  const make = (after = false) =>
    mount(LabSplitter, { props: { label: 'Height', size: 200, least: 100, most: 400, direction: 'horizontal', after } })
  it('arrow keys – change the size, with the right sign for a pane behind the line', async () => {
    const before = make()
    await before.get('[role="separator"]').trigger('keydown', { key: 'ArrowDown' })
    expect(before.emitted('resize')).toEqual([[208]])
    const after = make(true)
    await after.get('[role="separator"]').trigger('keydown', { key: 'ArrowDown' })
    expect(after.emitted('resize')).toEqual([[192]])
  })
  it('a double click – asks for the normal size', async () => {
    const w = make()
    await w.get('[role="separator"]').trigger('dblclick')
    expect(w.emitted('normal')).toHaveLength(1)
  })
})

describe('one of a few', () => {
  it('arrow keys – go round, only the chosen one is in the tab order', async () => {
    const w = mount(SegmentedControl, {
      props: {
        modelValue: 'A',
        label: 'Run',
        options: [
          { value: 'A', label: 'A' },
          { value: 'B', label: 'B' },
        ],
      },
    })
    await w.get('button').trigger('keydown', { key: 'ArrowLeft' })
    expect(w.emitted('update:modelValue')).toEqual([['B']])
    expect(w.findAll('button').map((b) => b.attributes('tabindex'))).toEqual(['-1', '0'])
  })
})

describe('markdown', () => {
  const html = renderMarkdown
  it('markup in the text – stays text', () => {
    const result = html('<img src=x onerror="alert(1)"> <script>alert(2)</script>\n\n<iframe src="x"></iframe>')
    expect(result).not.toMatch(/<(img|script|iframe)/)
    expect(result).toContain('&lt;script&gt;')
  })
  it('links from elsewhere – lead nowhere, but show where they would have led', () => {
    const result = html('[a](https://example.org) [b](javascript:alert(1)) [d](#here)')
    expect(result.match(/href="[^"]*"/g)).toEqual(['href="#here"'])
    expect(result).toContain('title="https://example.org"')
  })
  it('pictures from elsewhere – are their words; our own are pictures', () => {
    const result = html('![far](https://example.org/x.png) ![near](img/x.png) ![data](data:text/html,x)')
    expect(result.match(/<img[^>]*>/g)).toEqual(['<img src="img/x.png" alt="near">'])
    expect(result).toContain('far')
  })
  it('emphasis, code, tables – are kept', () => {
    expect(html('**b** `c`', true)).toBe('<strong>b</strong> <code>c</code>')
    expect(html('| x | y |\n|---|---|\n| 1 | 2 |')).toMatch(/<td>1<\/td>\s*<td>2<\/td>/)
  })
  it('any text – gives no element with a handler or a script', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(html(text)).not.toMatch(/<[^>]*\son\w+=|<script/i)
      }),
    )
  })
})
