/**
 * Charts as SVG without a script: bars over time, bars with their names, and a map of hours by
 * weekdays. Pure.
 */
import { compact, grouped, minuteText, shortened } from './figures.ts';
import { type Html, html } from './html.ts';
import type { HourTally } from './period.ts';
import type { DatedBucket } from './time-buckets.ts';

export type Bar = { readonly name: string; readonly count: number };

type Tone = 'calm' | 'alarm' | 'mark';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const roundNumbers = [1, 1.5, 2, 3, 4, 5, 6, 8];

/** The least number with one digit that is not 0, or with 15 in front, that is not less. */
function roundAbove(count: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, count)));
  return power * (roundNumbers.find((each) => each * power >= count) ?? 10);
}

function fixed(length: number): string {
  return String(Math.round(length * 100) / 100);
}

/* Bars over time: one panel for each count below the other, with the same axis of time. */

const timeWidth = 760;
const plotLeft = 44;
const plotWidth = timeWidth - plotLeft;
const panelHeight = 84;
const panelStep = panelHeight + 30;
const mostTicks = 9;

const panels = [
  ['Connections', 'connections', 'calm'],
  ['Refused', 'refused', 'alarm'],
  ['Blocks that began', 'blocks', 'mark'],
] as const;

/** The distances of ticks that people read with ease. */
const tickSteps = [5, 15, 30, 60, 180, 360, 720, 1440, 2 * 1440, 3 * 1440, 7 * 1440];

function panel(
  buckets: readonly DatedBucket[],
  [name, part, tone]: (typeof panels)[number],
  top: number,
): Html {
  const width = plotWidth / buckets.length;
  const scale = roundAbove(buckets.reduce((most, bucket) => Math.max(most, bucket[part]), 0));
  const gap = width > 3 ? 1 : 0;
  const bottom = top + panelHeight;
  const bars = buckets.flatMap((bucket, index) => {
    if (bucket[part] === 0) return [];
    // What is there is seen.
    const height = Math.max(1, (bucket[part] / scale) * panelHeight);
    const left = plotLeft + index * width;
    return [`M${fixed(left)} ${bottom}v-${fixed(height)}h${fixed(width - gap)}v${fixed(height)}z`];
  });
  return html`<text x="${plotLeft}" y="${top - 6}">${name}</text>
<text class="dim" x="${plotLeft - 6}" y="${top + 4}" text-anchor="end">${compact(scale)}</text>
<text class="dim" x="${plotLeft - 6}" y="${bottom}" text-anchor="end">0</text>
<path class="line" d="M${plotLeft} ${top}h${plotWidth}M${plotLeft} ${bottom}h${plotWidth}"/>
<path class="${tone}" d="${bars.join('')}"/>`;
}

/** Where the axis of time has ticks, from its first full step on. */
function ticks(fromMs: number, toMs: number): { readonly stepMs: number; readonly at: number[] } {
  const spanMs = toMs - fromMs;
  const step = tickSteps.find((minutes) => spanMs / (minutes * minuteMs) <= mostTicks);
  const stepMs = step ? step * minuteMs : Math.ceil(spanMs / mostTicks / dayMs) * dayMs;
  const aheadMs = -new Date(fromMs).getTimezoneOffset() * minuteMs;
  const firstMs = Math.ceil((fromMs + aheadMs) / stepMs) * stepMs - aheadMs;
  const count = Math.max(0, Math.floor((toMs - firstMs) / stepMs) + 1);
  return { stepMs, at: Array.from({ length: count }, (_, index) => firstMs + index * stepMs) };
}

function tick(atMs: number, stepMs: number, left: number, bottom: number): Html {
  const text = minuteText(atMs);
  const label = stepMs >= dayMs ? text.slice(0, 10) : text.slice(5);
  const anchor = left > timeWidth - 32 ? 'end' : 'middle';
  return html`<path class="line" d="M${fixed(left)} ${bottom}v4"/>
<text class="dim" x="${fixed(left)}" y="${bottom + 16}" text-anchor="${anchor}">${label}</text>`;
}

/** `widthMs` is that of each bucket; there must be one. */
export function timeChart(buckets: readonly DatedBucket[], widthMs: number): Html {
  const fromMs = buckets[0]?.atMs ?? 0;
  const toMs = fromMs + buckets.length * widthMs;
  const bottom = 18 + panelHeight + (panels.length - 1) * panelStep;
  const { stepMs, at } = ticks(fromMs, toMs);
  const leftOf = (atMs: number) => plotLeft + ((atMs - fromMs) / (toMs - fromMs)) * plotWidth;
  const width = plotWidth / buckets.length;
  const hits = buckets.map(({ atMs, connections, refused, blocks }) => {
    const counts = `${grouped(connections)} connections, ${grouped(refused)} refused`;
    const text = `${minuteText(atMs)}: ${counts}, ${grouped(blocks)} blocks`;
    return html`<rect class="hit" x="${fixed(leftOf(atMs))}" y="18" width="${fixed(width)}" height="${bottom - 18}"><title>${text}</title></rect>`;
  });
  return html`<svg viewBox="0 0 ${timeWidth} ${bottom + 22}" role="img" aria-label="Connections, refusals and blocks over time">
${panels.map((each, index) => panel(buckets, each, 18 + index * panelStep))}
${at.map((atMs) => tick(atMs, stepMs, leftOf(atMs), bottom))}
${hits}
</svg>`;
}

/* Bars with names. */

const barsWidth = 380;
const namesWidth = 165;
const countsWidth = 55;
const longestName = 28;
const barStep = 18;

export function barChart(bars: readonly Bar[], tone: Tone, label: string): Html {
  const most = bars.reduce((max, { count }) => Math.max(max, count), 1);
  const rows = bars.map(({ name, count }, index) => {
    const length = (count / most) * (barsWidth - namesWidth - countsWidth);
    const top = index * barStep;
    return html`<text x="${namesWidth - 6}" y="${top + 13}" text-anchor="end">${shortened(name, longestName)}</text>
<rect class="${tone}" x="${namesWidth}" y="${top + 3}" width="${fixed(count ? Math.max(1, length) : 0)}" height="12"/>
<text x="${fixed(namesWidth + length + 5)}" y="${top + 13}">${grouped(count)}</text>`;
  });
  return html`<svg viewBox="0 0 ${barsWidth} ${bars.length * barStep + 2}" role="img" aria-label="${label}">
${rows}
</svg>`;
}

/* The map of hours. */

const cellWidth = 30;
const cellHeight = 22;
const daysWidth = 40;
/** A number must be legible on the darkest cell. */
const mostOpaque = 0.7;
/** From Monday on, as a Date counts them. */
const weekdays = [
  [1, 'Mon'],
  [2, 'Tue'],
  [3, 'Wed'],
  [4, 'Thu'],
  [5, 'Fri'],
  [6, 'Sat'],
  [0, 'Sun'],
] as const;
const hours = Array.from({ length: 24 }, (_, hour) => hour);

/** `tallies` as a Period has them. */
export function hourMap(
  tallies: readonly HourTally[],
  part: keyof HourTally,
  tone: Tone,
  label: string,
): Html {
  const most = tallies.reduce((max, tally) => Math.max(max, tally[part]), 1);
  const names = hours.map((hour) => {
    const middle = daysWidth + (hour + 0.5) * cellWidth;
    return html`<text class="dim" x="${middle}" y="11" text-anchor="middle">${hour}</text>`;
  });
  const rows = weekdays.map(([weekday, name], row) => {
    const top = 16 + row * cellHeight;
    const cells = hours.map((hour) => {
      const count = tallies[24 * weekday + hour]?.[part] ?? 0;
      if (count === 0) return html``;
      const left = daysWidth + hour * cellWidth;
      // The root lets few be told from none beside many.
      const opacity = fixed(Math.max(0.06, mostOpaque * Math.sqrt(count / most)));
      return html`<rect class="${tone}" x="${left + 1}" y="${top + 1}" width="${cellWidth - 2}" height="${cellHeight - 2}" fill-opacity="${opacity}"><title>${name} ${hour}:00: ${grouped(count)}</title></rect>
<text x="${left + cellWidth / 2}" y="${top + 15}" text-anchor="middle">${compact(count)}</text>`;
    });
    return html`<text class="dim" x="0" y="${top + 15}">${name}</text>${cells}`;
  });
  const height = 16 + weekdays.length * cellHeight;
  return html`<svg viewBox="0 0 ${daysWidth + 24 * cellWidth} ${height}" role="img" aria-label="${label}">
${names}${rows}
</svg>`;
}
