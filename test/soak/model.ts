/**
 * What rater must answer, worked out naively: a list of all hits of a value, each made at some
 * instant between sending its line and reading its reply.
 *
 * Where a window or a block ends between these two instants both answers are right; else there is
 * exactly one. `learn` drops what the answer has ruled out.
 */

/** Milliseconds; the daemon rounds to whole ones and has clocks of its own. */
const slackMs = 25;

export type Span = { readonly fromMs: number; readonly untilMs: number };
export type ModelRate = { readonly seconds: number; readonly count: number };

/** A class: the windows of its values, and how long its blocks last; undefined for no blocks. */
export type ModelClass = {
  readonly rates: readonly ModelRate[];
  readonly blockSeconds: number | undefined;
};

type State = { readonly hits: readonly Span[]; readonly block: Span | undefined };

const replyForm = /^([01]) (\d+)\/(\d+|-)(?: (\d+))?$/;

/** How many hits are in a window that is looked at within `now`, at least and at most. */
function countRange(hits: readonly Span[], now: Span, seconds: number): [number, number] {
  let [min, max] = [0, 0];
  for (const { fromMs, untilMs } of hits) {
    if (now.untilMs - fromMs + slackMs < seconds * 1000) min += 1;
    if (now.fromMs - untilMs - slackMs < seconds * 1000) max += 1;
  }
  return [min, max];
}

function capacityOf({ count }: ModelRate): number {
  return count < 0 ? 1000 : Math.max(2, count * 2);
}

function isExceeded({ rate, count }: { rate: ModelRate; count: number }): boolean {
  return rate.count >= 0 && count > rate.count;
}

export class ModelValue {
  readonly #class: ModelClass;
  /** All possible states; almost always one. */
  #states: readonly State[] = [{ hits: [], block: undefined }];

  constructor(of: ModelClass) {
    this.#class = of;
  }

  /** Takes the reply to a hit made within `span`; returns what is wrong with it, or undefined. */
  learn(reply: string, span: Span): string | undefined {
    const [, status, count, limit, left] = replyForm.exec(reply) ?? [];
    if (status === undefined) return 'no reply to a hit';
    const said = { status, count: Number(count), limit, left: left && Number(left) };
    const wanted: string[] = [];
    const possible = this.#states
      .flatMap((state) => this.#beforeHit(state, span))
      .flatMap((state) => {
        const hits = [...state.hits, span];
        return this.#answers(hits).flatMap(([range, rate]) => {
          const [min, max] = range(span).map((many) => Math.min(many, capacityOf(rate)));
          const shown = rate.count < 0 ? '-' : String(rate.count);
          const mayExceed = isExceeded({ rate, count: max as number });
          const mustExceed = isExceeded({ rate, count: min as number });
          wanted.push(`${min}..${max}/${shown}${state.block ? ' blocked' : ''}`);
          if (shown !== said.limit) return [];
          if (said.count < (min as number) || said.count > (max as number)) return [];
          const exceeds = isExceeded({ rate, count: said.count });
          const refused = exceeds || state.block !== undefined;
          if (exceeds ? !mayExceed : mustExceed) return [];
          if ((said.status === '1') !== refused) return [];
          return this.#afterHit({ hits, block: state.block }, exceeds, span, said.left);
        });
      });
    this.#states = possible.slice(0, 16).map((state) => this.#shortened(state, span));
    if (possible.length > 0) return undefined;
    this.#states = [{ hits: [], block: undefined }];
    return `wanted ${wanted.join(' or ')}`;
  }

  /** With the block still there, with everything forgotten because it is over, or both. */
  #beforeHit(state: State, now: Span): State[] {
    if (!state.block) return [state];
    const isOver = now.untilMs + slackMs >= state.block.fromMs;
    const isThere = now.fromMs - slackMs <= state.block.untilMs;
    return [...(isThere ? [state] : []), ...(isOver ? [{ hits: [], block: undefined }] : [])];
  }

  /** Which window the reply may show: the fullest, of which several may be. */
  #answers(hits: readonly Span[]): [(now: Span) => [number, number], ModelRate][] {
    const { rates } = this.#class;
    const ranges = (rate: ModelRate) => (now: Span) => countRange(hits, now, rate.seconds);
    const last = hits.at(-1) as Span;
    const fullness = (rate: ModelRate) => {
      return ranges(rate)(last).map((count) => {
        const capped = Math.min(count, capacityOf(rate));
        return rate.count < 0 ? -1 : capped / Math.max(rate.count, 0.5);
      }) as [number, number];
    };
    const surely = Math.max(...rates.map((rate) => fullness(rate)[0]));
    const fullest = rates.filter((rate) => fullness(rate)[1] >= surely);
    // Of windows that are equally full for sure, the first is shown.
    const isCertain = fullest.every((rate) => fullness(rate)[0] === fullness(rate)[1]);
    return (isCertain ? fullest.slice(0, 1) : fullest).map((rate) => [ranges(rate), rate]);
  }

  #afterHit(state: State, exceeds: boolean, now: Span, left: number | '' | undefined): State[] {
    const { blockSeconds } = this.#class;
    if (blockSeconds === undefined) return left === undefined ? [state] : [];
    if (!state.block && !exceeds) return left === undefined ? [state] : [];
    if (typeof left !== 'number') return [];
    const block = state.block ?? {
      fromMs: now.fromMs + blockSeconds * 1000,
      untilMs: now.untilMs + blockSeconds * 1000,
    };
    const min = Math.max(1, Math.ceil((block.fromMs - now.untilMs - slackMs) / 1000));
    const max = Math.max(1, Math.ceil((block.untilMs - now.fromMs + slackMs) / 1000));
    return left >= min && left <= max ? [{ ...state, block }] : [];
  }

  /** Without the hits that no window can hold any more. */
  #shortened({ hits, block }: State, now: Span): State {
    const longestMs = Math.max(...this.#class.rates.map(({ seconds }) => seconds)) * 1000;
    const kept = hits.filter(({ untilMs }) => now.fromMs - untilMs - slackMs < longestMs);
    const maxHits = 2 * Math.max(...this.#class.rates.map(capacityOf));
    return { hits: kept.slice(-maxHits), block };
  }
}
