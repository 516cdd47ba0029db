/**
 * `unblock`: lets addresses in again, with a clean count, in slices, between which the daemon serves
 * checks.
 */
import type { Address } from '../core/address.ts';
import { exitCodes, Fault } from '../runtime/errors.ts';
import { doBeside, type Work } from '../runtime/work.ts';
import type { Command, CommandContext } from './command.ts';
import { addressIn, ageAndRest, duration, secondsInOption } from './words.ts';

type Lifted = { readonly lines: string[]; readonly found: boolean };

/** What still keeps the address out. */
function stillRefusing({ gatekeeper: { blocks } }: CommandContext, address: Address): string[] {
  const wider = blocks.covering(address)?.address.text;
  if (wider) return [`${address.text}: lies in ${wider}, which is blocked`];
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
  const { gatekeeper, clock } = context;
  const block = gatekeeper.unblock(address);
  const spared = block?.address ?? address;
  const others =
    graceSeconds === undefined ? [] : gatekeeper.allow(spared, graceSeconds, 'grace after unblock');
  const lifted = (block ? [block, ...others] : others).map((each) => {
    return `unblocked ${each.address.text} (${ageAndRest(each, clock.wallMs())})`;
  });
  const found = lifted.length > 0;
  const lines = found ? lifted : [`${address.text}: not blocked`];
  if (graceSeconds !== undefined) {
    lines.push(`${spared.text}: not refused for ${duration(graceSeconds * 1000)}`);
  }
  return { lines, found };
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
        const one = unblockOne(context, address, grace);
        if (!options.all) one.lines.push(...stillRefusing(context, address));
        // With --all, a block may have ended meanwhile.
        if (!options.all || one.found) lifted.push(one);
        yield;
      }
    }
    await doBeside(unblocking(), { nowMs: () => context.clock.monotonicMs() });
    return {
      exit: lifted.some(({ found }) => found) ? exitCodes.done.code : exitCodes.refused.code,
      lines: lifted.length > 0 ? lifted.flatMap(({ lines }) => lines) : ['nothing is blocked'],
    };
  },
};
