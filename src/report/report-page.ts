/**
 * A period as one page of HTML that needs nothing else: no network, and no script but for filtering
 * and sorting its tables. Pure.
 *
 * Guarantee: its size is bounded, as the rows of its tables and the bars of its charts are; the browser
 * is told to load nothing, and to run no script but the page's own.
 */
import { createHash } from 'node:crypto';
import { localTime } from '../commands/local-time.ts';
import { duration } from '../commands/words.ts';
import { valueText } from '../core/value.ts';
import { type Bar, barChart, hourMap, timeChart } from './charts.ts';
import { grouped, minuteText, momentText, percent, shortened } from './figures.ts';
import { type Html, html } from './html.ts';
import { maskAddress } from './mask-address.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import { durationBounds, latestBlocks, mostOffences, networkText, type Period } from './period.ts';
import type { DatedBucket } from './time-buckets.ts';
import type { ValueTally } from './top-values.ts';

export type ReportOptions = {
  /** Where the figures come from, and what they do not tell; each is a sentence. */
  readonly notes: readonly string[];
  readonly isMasked: boolean;
  /** Wall milliseconds. */
  readonly nowMs: number;
};

/** Of clients, and of networks, with the most refusals and blocks, and as many with the most connections. */
const mostRows = 500;
const mostBars = 15;

/** Longer names of clients and classes lose their middle. */
const longestName = 60;

const title = 'Connections and blocks';

type Cell = string | { readonly count: number; readonly text: string };
type Column = { readonly name: string; readonly isNumber?: boolean };
type NamedTally = ValueTally & { readonly name: string; readonly class: string };

const tallyColumns: readonly Column[] = [
  { name: 'Connections', isNumber: true },
  { name: 'Refused', isNumber: true },
  { name: 'Blocks', isNumber: true },
  { name: 'Blocked for', isNumber: true },
  { name: 'Last block', isNumber: true },
];

/** The first of them. */
const connectionColumns = 2;

function counted(count: number): Cell {
  return { count, text: grouped(count) };
}

function lasting(seconds: number | undefined): Cell {
  if (seconds === undefined) return { count: Number.MAX_SAFE_INTEGER, text: 'no end known' };
  return { count: seconds, text: seconds === 0 ? '-' : duration(seconds * 1000) };
}

function moment(atMs: number): Cell {
  return { count: atMs, text: atMs === 0 ? '-' : momentText(atMs) };
}

function cell(value: Cell): Html {
  if (typeof value === 'string') return html`<td>${value}</td>`;
  return html`<td class="number" data-v="${value.count}">${value.text}</td>`;
}

function table(label: string, columns: readonly Column[], rows: readonly Cell[][]): Html {
  const headers = columns.map(({ name, isNumber }) => {
    return html`<th scope="col" class="${isNumber ? 'number' : 'text'}">${name}</th>`;
  });
  return html`<div class="scroll"><table aria-label="${label}"><thead><tr>${headers}</tr></thead><tbody>
${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody></table></div>`;
}

function tallyCells(tally: ValueTally): Cell[] {
  const { connections, refused, blocks, blockedSeconds, lastBlockMs } = tally;
  return [
    ...[connections, refused, blocks].map(counted),
    lasting(blockedSeconds),
    moment(lastBlockMs),
  ];
}

/** What a list of the worst is ordered by. */
function harm({ refused, blocks }: ValueTally): number {
  return refused + blocks;
}

function traffic({ connections }: ValueTally): number {
  return connections;
}

/** The worst first, then those with the most connections that are not among them. */
function chosen(all: readonly NamedTally[]): NamedTally[] {
  const worst = most(all, harm, mostRows);
  const known = new Set(worst);
  return [...worst, ...most(all, traffic, mostRows).filter((tally) => !known.has(tally))];
}

function most(
  all: readonly NamedTally[],
  amount: (tally: ValueTally) => number,
  count: number,
): NamedTally[] {
  return all
    .filter((tally) => amount(tally) > 0)
    .sort((a, b) => amount(b) - amount(a) || (a.name < b.name ? -1 : 1))
    .slice(0, count);
}

function clientsOf(period: Period, shown: (text: string) => string): NamedTally[] {
  const amounts = [harm, traffic];
  return [...period.clients].flatMap(([name, values]) => {
    const tallies = new Set(amounts.flatMap((amount) => values.most(amount, mostRows)));
    return Array.from(tallies, (tally) => {
      return {
        ...tally,
        name: shown(valueText(tally.value)),
        class: shortened(name, longestName),
      };
    });
  });
}

function networksOf({ networks }: Period, shown: (text: string) => string): NamedTally[] {
  const tallies = new Set([harm, traffic].flatMap((amount) => networks.most(amount, mostRows)));
  return Array.from(tallies, (tally) => {
    return { ...tally, name: shown(networkText(tally.value)), class: '' };
  });
}

/** Bars of those with the most refused connections or, where these are not known, blocks. */
function worstBars(tallies: readonly NamedTally[]): { readonly of: string; readonly bars: Bar[] } {
  const measures = [
    ['refused connections', (tally: ValueTally) => tally.refused],
    ['blocks', (tally: ValueTally) => tally.blocks],
    ['connections', traffic],
  ] as const;
  const [of, amount] =
    measures.find(([, each]) => tallies.some((tally) => each(tally) > 0)) ?? measures[2];
  const isOne = new Set(tallies.map((tally) => tally.class)).size === 1;
  const bars = most(tallies, amount, mostBars).map((tally) => {
    const name = isOne || tally.class === '' ? tally.name : `${tally.name}, ${tally.class}`;
    return { name, count: amount(tally) };
  });
  return { of, bars };
}

function durationBars({ durations, endless }: Period): Bar[] {
  const bars = durationBounds.map((seconds, index) => {
    const name = Number.isFinite(seconds) ? `up to ${duration(seconds * 1000)}` : 'longer';
    return { name, count: durations[index] ?? 0 };
  });
  return endless > 0 ? [...bars, { name: 'no end known', count: endless }] : bars;
}

function offenceBars({ offences }: Period): Bar[] {
  const last = offences.findLastIndex((count) => count > 0);
  return offences.slice(0, last + 1).map((count, index) => {
    const number = index + 1;
    return { name: number === mostOffences ? `${number} or more` : String(number), count };
  });
}

/** A section that is told only when there is something to tell. */
function section(heading: string, what: string, content: Html, kind = ''): Html {
  return html`<section class="${kind}"><h2>${heading}</h2>
<p class="dim">${what}</p>
${content}
</section>
`;
}

function barSection(heading: string, what: string, bars: readonly Bar[], tone: 'alarm' | 'mark') {
  return bars.some(({ count }) => count > 0)
    ? section(heading, what, barChart(bars, tone, heading))
    : html``;
}

function keyFigures({ connections, refused, blocks, clients }: Period): Html {
  const many = [...clients.values()].reduce((sum, { size }) => sum + size, 0);
  const isLeast = [...clients.values()].some(({ mostMissed }) => mostMissed > 0);
  const figures = [
    [grouped(connections), 'connections'],
    [grouped(refused), `refused, ${percent(refused, connections)}`],
    [grouped(blocks), 'blocks'],
    [`${isLeast ? 'over ' : ''}${grouped(many)}`, 'clients told of'],
  ] as const;
  return html`<dl>${figures.map(([figure, name]) => html`<div><dt>${name}</dt><dd>${figure}</dd></div>`)}</dl>`;
}

function timeSection({ buckets }: Period): Html {
  const all = buckets.all();
  const columns = [
    { name: 'From' },
    ...['Connections', 'Refused', 'Blocks'].map((name) => ({ name, isNumber: true })),
  ];
  const row = ({ atMs, connections, refused, blocks }: DatedBucket): Cell[] => {
    return [minuteText(atMs), ...[connections, refused, blocks].map(counted)];
  };
  const content = html`<div class="scroll wide">${timeChart(all, buckets.widthMs)}</div>
<details><summary>The same as a table</summary>
${table('times', columns, all.map(row))}</details>`;
  return section('Over time', `Each bar is ${duration(buckets.widthMs)}.`, content);
}

function hourSection(period: Period, part: 'connections' | 'refused'): Html {
  if (period[part] === 0) return html``;
  const [heading, tone] =
    part === 'refused'
      ? (['Refused connections by hour and weekday', 'alarm'] as const)
      : (['Connections by hour and weekday', 'calm'] as const);
  const chart = hourMap(period.hours, part, tone, heading);
  const content = html`<div class="scroll wide">${chart}</div>`;
  return section(heading, 'Sums of the whole period, in local time.', content);
}

function blocksSection(period: Period, shown: (text: string) => string): Html {
  const blocks = period.latest();
  if (blocks.length === 0) return html``;
  const columns = [
    { name: 'Client' },
    { name: 'Class' },
    { name: 'Began', isNumber: true },
    { name: 'Meant to last', isNumber: true },
    { name: 'Offence', isNumber: true },
  ];
  const rows = blocks.map(({ atMs, value, class: name, seconds, offence }): Cell[] => {
    const number = { count: offence, text: offence === 0 ? '-' : String(offence) };
    return [
      shown(value),
      shortened(name, longestName) || '-',
      moment(atMs),
      lasting(seconds),
      number,
    ];
  });
  const all = `All ${grouped(period.blocks)}, the latest first.`;
  const some = `The latest ${grouped(latestBlocks)} of ${grouped(period.blocks)}.`;
  const what = period.blocks > blocks.length ? some : all;
  return section('Blocks', what, table('blocks', columns, rows), 'long');
}

/** What the list leaves out, and how far it may be wrong. */
function listNote(rows: number, known: number, mostMissed: number): string {
  const chosenOnes = `The ${grouped(mostRows)} with the most refusals and blocks, and the ${grouped(mostRows)} with the most connections.`;
  const all = `All ${grouped(rows)}, those with the most refusals and blocks first.`;
  if (mostMissed === 0) return rows < known ? chosenOnes : all;
  const error = `There were too many to count each: figures may be too small by ${grouped(mostMissed)}`;
  return `${chosenOnes} ${error}, and who came no more often than that may be missing.`;
}

function tallySection(
  heading: string,
  tallies: readonly NamedTally[],
  columns: readonly Column[],
  note: string,
): Html {
  if (tallies.length === 0) return html``;
  // The history does not know whose connections were.
  const first = tallies.some((tally) => tally.connections > 0) ? 0 : connectionColumns;
  const rows = tallies.map((tally): Cell[] => {
    const names = columns.length > 1 ? [tally.name, tally.class || '-'] : [tally.name];
    return [...names, ...tallyCells(tally).slice(first)];
  });
  const all = [...columns, ...tallyColumns.slice(first)];
  const content = table(heading.toLowerCase(), all, rows);
  return section(heading, note, content, 'long');
}

function policy(): string {
  const digest = createHash('sha256').update(pageScript).digest('base64');
  const rules = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${digest}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return rules.join('; ');
}

function body(period: Period, isMasked: boolean): Html {
  const shown = (text: string) => shortened(isMasked ? maskAddress(text) : text, longestName);
  const clients = chosen(clientsOf(period, shown));
  const networks = chosen(networksOf(period, shown));
  const [badClients, badNetworks] = [worstBars(clients), worstBars(networks)];
  const known = [...period.clients.values()];
  const sizes = known.reduce((sum, { size }) => sum + size, 0);
  const missed = known.reduce((max, { mostMissed }) => Math.max(max, mostMissed), 0);
  const lengths = 'How long blocks were meant to last.';
  const offences = 'For which offence of their clients blocks were.';
  return html`${keyFigures(period)}
${timeSection(period)}${hourSection(period, 'refused')}${hourSection(period, 'connections')}<div class="pair">
${barSection('Top networks', `By ${badNetworks.of}.`, badNetworks.bars, 'alarm')}${barSection('Top clients', `By ${badClients.of}.`, badClients.bars, 'alarm')}${barSection('Durations', lengths, durationBars(period), 'mark')}${barSection('Escalations', offences, offenceBars(period), 'mark')}</div>
${tallySection('Clients', clients, [{ name: 'Client' }, { name: 'Class' }], listNote(clients.length, sizes, missed))}${tallySection('Networks', networks, [{ name: 'Network' }], listNote(networks.length, period.networks.size, period.networks.mostMissed))}${blocksSection(period, shown)}`;
}

/** The whole document. */
export function reportPage(period: Period, { notes, isMasked, nowMs }: ReportOptions): string {
  const isEmpty = period.connections === 0 && period.blocks === 0;
  const span = isEmpty
    ? 'Nothing happened in this time.'
    : `From ${localTime(period.fromMs)} to ${localTime(period.toMs)}.`;
  const masking = isMasked ? ['The last parts of addresses are left out.'] : [];
  const page = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${{ html: pageStyle }}</style>
</head><body>
<h1>${title}</h1>
<p>${span}</p>
${[...notes, ...masking].map((note) => html`<p class="dim">${note}</p>\n`)}<p class="dim">Written by ipthrottle on ${localTime(nowMs)}.</p>
${isEmpty ? html`` : body(period, isMasked)}
<script>${{ html: pageScript }}</script>
</body></html>
`;
  return page.html;
}
