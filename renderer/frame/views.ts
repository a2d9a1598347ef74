/** The views of the work area, loaded when they are first shown: the first paint does not wait for charts. */
import { defineAsyncComponent } from 'vue'

export const SendPathView = defineAsyncComponent(() => import('../sendpath/SendPathView.vue'))
export const ChartStrip = defineAsyncComponent(() => import('../charts/ChartStrip.vue'))
export const ChartsView = defineAsyncComponent(() => import('../charts/ChartsView.vue'))
export const ChainsView = defineAsyncComponent(() => import('../chains/ChainsView.vue'))
export const CompareView = defineAsyncComponent(() => import('../compare/CompareView.vue'))
export const ExercisePanel = defineAsyncComponent(() => import('../exercise/ExercisePanel.vue'))
export const ReportView = defineAsyncComponent(() => import('../report/ReportView.vue'))
