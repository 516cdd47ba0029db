/** Answers of rater and pictures of them, without rater and without a terminal. */

import type { Line } from '../../../src/cli/top/lines.ts';
import { screenOf } from '../../../src/cli/top/screen.ts';
import { View } from '../../../src/cli/top/view.ts';
import type { TopScreen, TopValue } from '../../../src/commands/top.ts';

const unknown = Array.from({ length: 6 }, () => null);

export function value(text: string, changes: Partial<TopValue> = {}): TopValue {
  return {
    class: 'ip',
    value: text,
    address: changes.class === 'user' ? null : text,
    count: 4,
    limit: 10,
    seconds: 60,
    pattern: '*',
    perSecond: 0.2,
    rememberedSeconds: 60,
    lastMinute: 4,
    history: [...unknown, 0, 1, 0, 1, 0, 2],
    sessions: 0,
    concurrent: null,
    allowlisted: false,
    block: null,
    wouldBlock: null,
    ...changes,
  };
}

export function block(address: string, secondsLeft: number): TopValue['block'] {
  return {
    ...{ address, class: 'ip', since: '', until: '', secondsLeft, count: 11, limit: 10 },
    ...{ seconds: 60, times: 1, source: 'rate', dryRun: false, reason: '' },
  };
}

export function answer(values: readonly TopValue[], changes: Partial<TopScreen> = {}): TopScreen {
  return {
    now: '2026-01-31T08:05:46.000Z',
    uptimeSeconds: 7200,
    rates: [
      { seconds: 1, perSecond: 31 },
      { seconds: 10, perSecond: 30.5 },
      { seconds: 60, perSecond: 28.25 },
    ],
    counters: {
      ...{ checks: 4000, within: 3900, exceeded: 60, blocked: 40, errors: 0, blocksMade: 7 },
      ...{ wouldBlock: 0, wouldRefuse: 0, failures: 0 },
    },
    blocks: 3,
    trackedValues: 1234,
    sessions: 12,
    enforce: true,
    dryRun: [],
    classes: ['ip', 'user'],
    failedOpen: [],
    troubles: [],
    chosenSecondsAgo: 0,
    tick: 100,
    values: [...values],
    ...changes,
  };
}

export const usualValues: readonly TopValue[] = [
  value('192.0.2.1', {
    ...{ count: 20, perSecond: 94.4, rememberedSeconds: 0.2, lastMinute: null },
    ...{ history: [...unknown, null, null, null, null, null, 20], block: block('192.0.2.1', 87) },
  }),
  value('2001:db8:1234:5678:9abc:def0:1234:5678', { count: 9, perSecond: 0.9, lastMinute: 9 }),
  value('2001:db8:ffff:1234:5678::/64', { count: 3, sessions: 2, concurrent: 5 }),
  value('198.51.100.7', { limit: -1, pattern: null, allowlisted: true, count: 345 }),
  value('192.0.2.77', { sessions: 5, concurrent: 5, count: 1 }),
  value('bob', { class: 'user', limit: 100, seconds: 3600, pattern: 'b*', count: 12_345 }),
  value('eve\u001b[31m\u4e2d', { class: 'user', limit: 0, count: 1 }),
  value('192.0.2.0/24', { class: 'networks', block: block('192.0.2.0/24', 7 * 86_400) }),
];

export function viewOf(screen: TopScreen): View {
  const usual = { order: 'rate', class: undefined, filter: '', delaySeconds: 1 } as const;
  const view = new View({ ...usual, isReadOnly: false });
  view.take(screen, 0);
  return view;
}

export function draw(view: View, columns: number, rows: number, isAscii = false): Line[] {
  return screenOf(view, { columns, rows }, isAscii);
}

export function textOf(lines: readonly Line[]): string {
  return lines.map(({ text }) => `${text.trimEnd()}\n`).join('');
}
