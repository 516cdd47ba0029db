/** `unblock`: lets addresses in again, with a clean count. */
import type { Address } from '../core/address.ts';
import { exitCodes, Fault } from '../errors.ts';
import type { Command, CommandContext } from './command.ts';
import { addressIn, ageAndRest } from './words.ts';

type Lifted = { readonly line: string; readonly found: boolean };

function unblockOne({ gatekeeper, clock }: CommandContext, address: Address): Lifted {
  const block = gatekeeper.unblock(address);
  if (block) {
    const line = `unblocked ${address.text} (${ageAndRest(block, clock.wallMs())})`;
    return { line, found: true };
  }
  const wider = gatekeeper.blocks.active(address);
  const hint = wider ? `; it lies in ${wider.address.text}, which is` : '';
  return { line: `${address.text}: not blocked${hint}`, found: false };
}

export const unblock: Command = {
  name: 'unblock',
  arguments: '[address...]',
  summary: 'lift blocks and forget what was counted',
  options: [{ flags: '--all', summary: 'lift every block' }],
  changes: true,
  run(context, args, options) {
    if (Boolean(options.all) === args.length > 0) {
      throw new Fault('usage', 'unblock wants addresses, or --all');
    }
    const addresses = options.all
      ? context.gatekeeper.blocks.all().map((block) => block.address)
      : args.map(addressIn);
    const lifted = addresses.map((address) => unblockOne(context, address));
    return {
      exit: lifted.some(({ found }) => found) ? exitCodes.done.code : exitCodes.refused.code,
      lines: lifted.length > 0 ? lifted.map(({ line }) => line) : ['nothing is blocked'],
    };
  },
};
