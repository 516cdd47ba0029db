/** `metrics`: what Prometheus is told, in its text format. */
import { expositionOf } from '../health/exposition.ts';
import { type Command, daemonOf } from './command.ts';
import { metricFamilies } from './metric-families.ts';

export const metrics: Command = {
  name: 'metrics',
  arguments: '',
  summary: 'print what was counted and measured, in the text format of Prometheus',
  options: [],
  changes: false,
  needsDaemon: true,
  run(context) {
    const text = expositionOf(metricFamilies(context, daemonOf(context)));
    return { exit: 0, lines: text.trimEnd().split('\n') };
  },
};
