// node --import register.mjs PROGRAM: lets a program that imports 'electron' run in plain Node, against the stand-in.
import { register } from 'node:module'

register('./hooks.mjs', import.meta.url)
