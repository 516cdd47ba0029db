/**
 * `unblock`: lets addresses in again, with a clean count, in slices, between which the daemon serves
 * checks.
 */
import type { Address } from '../core/address.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { doBeside, type Work } from '../runtime/work.ts';
import type { Command, CommandContext } from './command.ts';
import { leftUndone } from './left-undone.ts';
import { addressIn, ageAndRest, duration, secondsInOption } from './words.ts';

/** `isFound`: there was a block of it; `isDone`: and no server that obeys it still. */
type Lifted = { readonly lines: string[]; readonly isFound: boolean; readonly isDone: boolean };

/** What keeps the address out all the same; `but` is what was found of itself. */
function stillRefusing(
  { gatekeeper: { blocks } }: CommandContext,
  address: Address,
  but: string,
): string[] {
  const wider = blocks.covering(address)?.address.text;
  if (wider) return [`${address.text}: ${but}lies in ${wider}, which is blocked`];
  return blocks.entryOwners(address).flatMap(({ enforcer, owner }) => {
    return owner === 'theirs'
      ? [`${address.text}: ${enforcer} has an entry of the administrator's that refuses it`]
      : [];
  });
}

/** Lifts the block of the address; with a grace, all blocks that keep it out. */
function unblockOne(
  context: CommandContext,
  address: Address,
  graceSeconds: number | undefined,
): Lifted {
  const { gatekeeper, clock, by } = context;
  const block = gatekeeper.unblock(address, by);
  const spared = block?.address ?? address;
  const { lifted: others, fault } =
    graceSeconds === undefined
      ? { lifted: [], fault: undefined }
      : gatekeeper.allow(spared, graceSeconds, 'grace after unblock', by);
  const lines = (block ? [block, ...others] : others).map((each) => {
    return `unblocked ${each.address.text} (${ageAndRest(each, clock.wallMs())})`;
  });
  const isFound = lines.length > 0;
  if (!isFound && !gatekeeper.blocks.covering(address)) lines.push(`${address.text}: not blocked`);
  if (graceSeconds !== undefined) {
    lines.push(`${spared.text}: not refused for ${duration(graceSeconds * 1000)}`);
  }
  if (fault) lines.push(fault.detail);
  return { lines, isFound, isDone: !fault };
}

/** The same; a server that does not let go is an answer, too. */
function tryUnblocking(...parts: Parameters<typeof unblockOne>): Lifted {
  try {
    return unblockOne(...parts);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'enforcer') throw error;
    return { lines: [error.detail], isFound: true, isDone: false };
  }
}

export const unblock: Command = {
  name: 'unblock',
  arguments: '[address...]',
  summary: 'lift blocks and forget what was counted',
  options: [
    { flags: '--all', summary: 'lift every block' },
    { flags: '--grace <time>', summary: 'and do not refuse them for this long' },
  ],
  changes: true,
  async run(context, args, options) {
    if (Boolean(options.all) === args.length > 0) {
      throw new Fault('usage', 'unblock wants addresses, or --all');
    }
    const addresses = options.all
      ? context.gatekeeper.blocks.all().map((block) => block.address)
      : args.map(addressIn);
    const grace = secondsInOption(options.grace);
    const lifted: Lifted[] = [];
    function* unblocking(): Work<void> {
      for (const address of addresses) {
        const one = tryUnblocking(context, address, grace);
        if (!options.all && one.isDone) {
          const but = one.isFound ? '' : 'has no block of its own, but ';
          one.lines.push(...stillRefusing(context, address, but));
        }
        // Of all, one may have ended meanwhile.
        if (!options.all || one.isFound) lifted.push(one);
        yield;
      }
    }
    await doBeside(unblocking(), { nowMs: () => context.clock.monotonicMs() });
    const isFound = lifted.some((one) => one.isFound);
    const undone = isFound ? await leftUndone(context) : [];
    const isDone = undone.length === 0 && lifted.every((one) => one.isDone);
    const { done, refused, later } = exitCodes;
    const lines = lifted.length > 0 ? lifted.flatMap((one) => one.lines) : ['nothing is blocked'];
    return {
      exit: (isDone ? (isFound ? done : refused) : later).code,
      lines: [...lines, ...undone],
    };
  },
};
