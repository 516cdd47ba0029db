/**
 * What the operator has chosen to see and do: each key changes it, and may ask for something to be done.
 *
 * Guarantee: what is selected is a value and not a row; a question names the address, and the answer acts
 * on the address that it named, wherever that is by then.
 */
import type { TopScreen } from '../../commands/top.ts';
import { type BusyOrder, busyOrders } from '../../gatekeeper/busy-value.ts';
import { mostBusy } from '../../gatekeeper/busy-values.ts';
import { type Row, Rows } from './rows.ts';

export type Act = 'block' | 'unblock' | 'allow';

/** What a key asks for beside a new picture: `ask` to ask rater at once. */
export type Effect =
  | 'ask'
  | 'quit'
  | 'stop'
  | 'redraw'
  | { readonly act: Act; readonly address: string }
  | { readonly copy: string };

export type Choices = {
  readonly order: BusyOrder;
  readonly class: string | undefined;
  readonly filter: string;
  readonly delaySeconds: number;
  readonly isReadOnly: boolean;
};

const delays = [0.5, 1, 2, 5, 10] as const;

export class View {
  order: BusyOrder;
  class: string | undefined;
  filter: string;
  delaySeconds: number;
  readonly isReadOnly: boolean;
  isInverted = false;
  isPaused = false;
  isFrozen = false;
  isFiltering = false;
  page: 'table' | 'details' | 'keys' = 'table';
  /** The key of a row, also of one that is not shown any more. */
  selected: string | undefined;
  question: { readonly act: Act; readonly address: string } | undefined;
  /** What came of the last key. */
  message = '';
  screen: TopScreen | undefined;
  /** What `check` says of the selected value. */
  details: readonly string[] = [];
  /** The first line of the details that is shown. */
  scrolled = 0;
  /** Why there is no newer answer. */
  waitsBecause: string | undefined;
  peakPerSecond = 0;
  readonly rows = new Rows();
  /** How many rows fit; the picture says. */
  pageRows = 1;

  constructor({ order, class: name, filter, delaySeconds, isReadOnly }: Choices) {
    this.order = order;
    this.class = name;
    this.filter = filter;
    this.delaySeconds = delaySeconds;
    this.isReadOnly = isReadOnly;
  }

  /** Takes the answer to the question for so many rows. */
  take(screen: TopScreen, nowMs: number, asked?: number): void {
    this.screen = screen;
    this.waitsBecause = undefined;
    this.peakPerSecond = Math.max(this.peakPerSecond, screen.rates[0]?.perSecond ?? 0);
    this.rows.take(screen, nowMs, this.isFrozen, asked);
  }

  /** In the order in which they are shown. */
  get shown(): readonly Row[] {
    return this.isInverted ? this.rows.all.toReversed() : this.rows.all;
  }

  /** How many rows are worth asking for: those that are shown, and as many to turn to. */
  get wantedRows(): number {
    const at = this.rows.all.findIndex(({ key }) => key === this.selected);
    return this.isInverted ? mostBusy : Math.min(mostBusy, Math.max(0, at) + 2 * this.pageRows);
  }

  get selectedRow(): Row | undefined {
    return this.rows.all.find(({ key }) => key === this.selected);
  }

  /** `key` is a character, or the name of another key, with `^` for Ctrl. */
  press(key: string): Effect | undefined {
    if (key === '^c') return 'quit';
    if (key === '^z') return 'stop';
    if (key === '^l') return 'redraw';
    this.message = '';
    if (this.question) return this.#answer(key, this.question);
    if (this.isFiltering) return this.#type(key);
    if (this.page !== 'table' && this.#turn(key)) return undefined;
    return this.#choose(key);
  }

  #answer(key: string, question: NonNullable<typeof this.question>): Effect | undefined {
    this.question = undefined;
    if (key === 'y' || key === 'Y') return question;
    this.message = `did not ${question.act} ${question.address}`;
    return undefined;
  }

  #type(key: string): Effect | undefined {
    if (key === 'return' || key === 'escape') {
      this.isFiltering = false;
      return key === 'escape' ? this.#filterBy('') : undefined;
    }
    if (key === '^u') return this.#filterBy('');
    if (key === 'backspace') return this.#filterBy([...this.filter].slice(0, -1).join(''));
    return [...key].length === 1 ? this.#filterBy(this.filter + key) : undefined;
  }

  #filterBy(filter: string): Effect {
    this.filter = filter;
    return this.#askAnew();
  }

  #askAnew(): Effect {
    this.rows.beginAnew();
    return 'ask';
  }

  /** Of a page that is over the table; says whether the key was one of its own. */
  #turn(key: string): boolean {
    const steps: Readonly<Record<string, number>> = { up: -1, k: -1, down: 1, j: 1 };
    const by = steps[key];
    if (by !== undefined) this.scrolled = Math.max(0, this.scrolled + by);
    const isOver = ['return', 'escape', 'q', '?'].includes(key);
    if (isOver) this.page = 'table';
    return by !== undefined || isOver;
  }

  #choose(key: string): Effect | undefined {
    const order = busyOrders[Number(key) - 1];
    if (order) return this.#orderBy(order);
    switch (key) {
      case 'q':
        return 'quit';
      case 's':
        return this.#orderBy(nextOf(busyOrders, this.order) ?? busyOrders[0]);
      case 'i':
        this.isInverted = !this.isInverted;
        return undefined;
      case 'c':
        this.class = nextOf(this.screen?.classes ?? [], this.class);
        return this.#askAnew();
      case '/':
        this.isFiltering = true;
        return undefined;
      case 'p':
      case ' ':
        this.isPaused = !this.isPaused;
        return this.isPaused ? undefined : 'ask';
      case 'o':
        this.isFrozen = !this.isFrozen;
        return undefined;
      case '+':
        this.delaySeconds = delays.find((each) => each > this.delaySeconds) ?? this.delaySeconds;
        return 'ask';
      case '-':
        this.delaySeconds =
          delays.findLast((each) => each < this.delaySeconds) ?? this.delaySeconds;
        return 'ask';
      case '?':
      case 'h':
        return this.#open('keys');
      case 'escape':
        this.selected = undefined;
        return undefined;
      default:
        return this.#move(key) ? undefined : this.#act(key);
    }
  }

  #orderBy(order: BusyOrder): Effect {
    this.order = order;
    return this.#askAnew();
  }

  #open(page: 'details' | 'keys'): undefined {
    this.page = page;
    this.scrolled = 0;
    this.details = [];
  }

  /** Says whether the key moves the selection. */
  #move(key: string): boolean {
    const { shown } = this;
    const at = shown.findIndex((row) => row.key === this.selected);
    const last = shown.length - 1;
    const targets: Readonly<Record<string, number>> = {
      up: at < 0 ? last : at - 1,
      k: at < 0 ? last : at - 1,
      down: at + 1,
      j: at + 1,
      pageup: at - this.pageRows,
      pagedown: at + this.pageRows,
      home: 0,
      g: 0,
      end: last,
      G: last,
    };
    const target = targets[key];
    if (target === undefined) return false;
    this.selected = shown[Math.min(last, Math.max(0, target))]?.key;
    return true;
  }

  /** What is done with the selected value. */
  #act(key: string): Effect | undefined {
    const acts: Readonly<Record<string, Act>> = { b: 'block', u: 'unblock', a: 'allow' };
    const act = acts[key];
    if (!act && key !== 'return' && key !== 'y') return undefined;
    const row = this.selectedRow;
    if (!row) {
      this.message = 'choose a value first, with the arrow keys';
      return undefined;
    }
    if (key === 'y') return { copy: row.value.value };
    if (!act) {
      this.#open('details');
      return 'ask';
    }
    this.#askWhether(act, row);
    return undefined;
  }

  #askWhether(act: Act, { value: { address } }: Row): void {
    if (this.isReadOnly) this.message = `cannot ${act}: this is --read-only`;
    else if (address === null) this.message = `cannot ${act}: that is not an address`;
    else this.question = { act, address };
  }
}

/** The one behind `current`; undefined behind the last. */
function nextOf<T>(all: readonly T[], current: T | undefined): T | undefined {
  return all[current === undefined ? 0 : all.indexOf(current) + 1];
}
