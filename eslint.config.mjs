// Lint rules. What a type checker or import-rules.json already forbids is not repeated here, except where a second
// net is cheap and the mistake is dear (clocks and randomness in the emulated machine).
import js from '@eslint/js'
import { configureVueProject, defineConfigWithVueTs, vueTsConfigs } from '@vue/eslint-config-typescript'
import prettier from 'eslint-config-prettier'
import pluginVue from 'eslint-plugin-vue'
import a11y from 'eslint-plugin-vuejs-accessibility'
import globals from 'globals'

configureVueProject({ rootDir: import.meta.dirname })

/** Files of the emulated machine: the same inputs must give the same bits on every engine, for ever. */
const MACHINE = ['main/emulator/**/*.ts', 'main/console/**/*.ts']
const TESTS = ['**/*.test.ts', '**/*.test.mjs', 'tests/**/*.ts']
/** The only files that may load Electron at run time: importing it in plain Node starts a download and throws. */
const ELECTRON_FILES = ['main/shell/electron*.ts', 'main/shell/electron/**/*.ts', 'preload/**/*.ts']
const OPEN_EXTERNAL = 'main/shell/openExternal.ts'
const SAFE_MARKDOWN = 'renderer/components/SafeMarkdown.vue'

// Exactly defined by the language on every engine. exp, log, pow, sin … are not: engines may differ in the last bit.
const EXACT_MATH = 'abs|ceil|floor|trunc|round|sign|min|max|imul|clz32|fround|sqrt|[A-Z][A-Z0-9_]*'

const machineGlobals = [
  'Date',
  'performance',
  'Temporal',
  'Intl',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'requestAnimationFrame',
  'Promise',
  'WeakRef',
  'FinalizationRegistry',
  'process',
  'crypto',
  'globalThis',
  'console',
  'fetch',
].map((name) => ({
  name,
  message: 'The emulated machine is pure: time, randomness and input are handed in (DESIGN 4.1).',
}))

const machineSyntax = [
  {
    selector: `MemberExpression[object.name="Math"][computed=false]:not([property.name=/^(${EXACT_MATH})$/])`,
    message: 'Not exact on every engine, or random: use an integer or table function of machine/ (DESIGN 4.1).',
  },
  { selector: 'MemberExpression[object.name="Math"][computed=true]', message: 'Name the Math function.' },
  { selector: ':not(MemberExpression) > Identifier[name="Math"]', message: 'Math may not be handed around.' },
  {
    selector: 'BinaryExpression[operator="**"], AssignmentExpression[operator="**="]',
    message: 'x ** y is Math.pow: engines may differ in the last bit. Multiply or shift.',
  },
  {
    selector: ':function[async=true], AwaitExpression, ForOfStatement[await=true], ImportExpression',
    message: 'No promises in the emulated machine: pending work is an event record (DESIGN 4.2).',
  },
  {
    selector: ':function[generator=true], YieldExpression',
    message: 'No generators in the emulated machine: a sleeping thread is a record with a resume point (DESIGN 4.2).',
  },
  { selector: 'ForInStatement', message: 'Iterate something whose order is plain to the reader.' },
  {
    selector: 'CallExpression[callee.property.name=/^(toLocale\\w*|localeCompare)$/]',
    message: 'Depends on the locale of the machine.',
  },
]

// Everywhere but in the file named in the message.
const rawIpc = {
  selector: 'Identifier[name="ipcMain"]',
  message: 'Raw ipcMain only in main/shell: every message goes through the validated contract.',
}
const noConstEnum = {
  selector: 'TSEnumDeclaration[const=true]',
  message: 'The bundlers work file by file and cannot inline it: use plain constants.',
}
const noOpenExternal = {
  property: 'openExternal',
  message: `Only ${OPEN_EXTERNAL} may hand an address to the system.`,
}
const noHtml = [
  ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({
    property,
    message: `Text from a file becomes markup only in ${SAFE_MARKDOWN}.`,
  })),
]

const shared = defineConfigWithVueTs(
  {
    name: 'lab/ignored',
    ignores: ['out/**', 'dist/**', 'coverage/**', '.cache/**', 'tests/results/**', 'tests/**/fixtures/**'],
  },
  { name: 'lab/report', linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { name: 'lab/js', ...js.configs.recommended, files: ['**/*.{mjs,ts,vue}'] },
  pluginVue.configs['flat/recommended'],
  a11y.configs['flat/recommended'],
  vueTsConfigs.recommendedTypeChecked,

  {
    name: 'lab/everywhere',
    files: ['**/*.{ts,mjs,vue}'],
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-eval': 'error',
      'no-implied-eval': 'off', // the typed rule of the same name is on
      'no-new-func': 'error',
      'no-restricted-syntax': ['error', rawIpc, noConstEnum],
      'no-restricted-properties': ['error', noOpenExternal],
      'object-shorthand': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowAny: true, allowNullish: false },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A function may be async because its interface is; a mapped file may stay open while we look at its bits.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },

  {
    name: 'lab/electron-only-where-it-runs',
    files: ['**/*.{ts,vue}'],
    ignores: [...ELECTRON_FILES, OPEN_EXTERNAL],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'electron',
              allowTypeImports: true,
              message:
                'At run time only main/shell/electron*.ts and preload may load Electron; elsewhere use import type.',
            },
          ],
        },
      ],
    },
  },

  {
    name: 'lab/machine',
    files: MACHINE,
    ignores: TESTS,
    rules: {
      'no-restricted-globals': ['error', ...machineGlobals],
      'no-restricted-syntax': ['error', rawIpc, noConstEnum, ...machineSyntax],
      // Without a function an array of numbers is sorted as text.
      '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
    },
  },

  { name: 'lab/shell', files: ['main/shell/**/*.ts'], rules: { 'no-restricted-syntax': ['error', noConstEnum] } },
  { name: 'lab/open-external', files: [OPEN_EXTERNAL], rules: { 'no-restricted-properties': 'off' } },

  {
    name: 'lab/renderer',
    files: ['renderer/**/*.{ts,vue}'],
    languageOptions: { globals: globals.browser },
    rules: {
      'no-restricted-properties': ['error', noOpenExternal, ...noHtml],
      'no-restricted-globals': ['error', { name: 'localStorage', message: 'Preferences go through the contract.' }],
    },
  },
  {
    name: 'lab/vue',
    files: ['renderer/**/*.vue'],
    rules: {
      'vue/no-v-html': 'error',
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/define-emits-declaration': ['error', 'type-based'],
      'vue/define-props-declaration': ['error', 'type-based'],
      'vue/no-undef-components': 'error',
      'vue/no-unused-refs': 'error',
      'vue/no-useless-v-bind': 'error',
      'vue/require-default-prop': 'off', // TypeScript says which props are optional
      'vue/multi-word-component-names': 'off',
      'vue/attributes-order': 'off',
      'vue/no-v-text-v-html-on-component': 'error',
      'max-lines': ['warn', { max: 300, skipBlankLines: false }],
      // A label beside its field with for=… is enough; nesting as well is not asked for.
      'vuejs-accessibility/label-has-for': ['error', { required: { some: ['nesting', 'id'] } }],
      // A dialog that closes on Escape listens on a static element; click-events-have-key-events catches the mistakes.
      'vuejs-accessibility/no-static-element-interactions': 'off',
      'vuejs-accessibility/no-autofocus': 'off', // dialogs put the focus where it belongs
    },
  },
  {
    name: 'lab/safe-markdown',
    files: [SAFE_MARKDOWN],
    rules: { 'vue/no-v-html': 'off', 'no-restricted-properties': ['error', noOpenExternal] },
  },

  {
    name: 'lab/tests',
    files: TESTS,
    rules: {
      // Tests poke at results of JSON.parse and at inner fields; what they assert is the check.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': 'off',
      'no-restricted-properties': 'off',
      'vue/one-component-per-file': 'off',
      'vue/require-prop-types': 'off',
    },
  },
  prettier,
)

// After the shared configuration, which switches typed rules off for JavaScript; these two are worth their time.
export default [
  ...shared,
  {
    name: 'lab/tooling',
    files: ['**/*.mjs'],
    languageOptions: {
      globals: globals.nodeBuiltin,
      // The same extensions as everywhere: a difference makes the project service load every project anew.
      parserOptions: { projectService: true, extraFileExtensions: ['.vue'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
]
