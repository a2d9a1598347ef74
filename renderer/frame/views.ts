/** The views of the work area, loaded when they are first shown: the first paint does not wait for charts. */
import { defineAsyncComponent } from 'vue'
import type { Component } from 'vue'

const late = import.meta.glob<Component>(['../compare/CompareView.vue', '../exercise/ExercisePanel.vue'], {
  import: 'default',
})
const lateView = (path: string): Component =>
  defineAsyncComponent(late[path] ?? (() => Promise.resolve({ template: '' })))

export const SendPathView = defineAsyncComponent(() => import('../sendpath/SendPathView.vue'))
export const ChartStrip = defineAsyncComponent(() => import('../charts/ChartStrip.vue'))
export const ChartsView = defineAsyncComponent(() => import('../charts/ChartsView.vue'))
export const CompareView = lateView('../compare/CompareView.vue')
export const ExercisePanel = lateView('../exercise/ExercisePanel.vue')
export const ReportView = defineAsyncComponent(() => import('../report/ReportView.vue'))
