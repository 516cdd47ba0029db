/**
 * Which options of an administrator's server the probe starts its own with: those that decide who is
 * let in. The words of a script or of a process may be anybody's, and become arguments of a program
 * that root runs: only what is in this table gets there, never a shell.
 */
import { quoted } from '../../runtime/log.ts';
import type { ServerCommand } from '../server-commands.ts';
import { shown, type Use } from '../used-files.ts';

/** `as root`: with an argument of this form, and only root can do it. */
type Taken = 'yes' | 'no' | { readonly asRoot: RegExp };

/** A name or a number: what has a variable of the shell in it is none. */
const tcpsvdUser = /^:?[\w.][\w.-]*(?::[\w.][\w.-]*)*$/;
const number = /^\d{1,10}$/;

/** Every option but -i and -x, which name the files. */
export const takenOptions: Readonly<Record<string, Readonly<Record<string, Taken>>>> = {
  tcpsvd: {
    // The program gets less environment, and rblsmtpd is told by it to refuse.
    E: 'yes',
    // This user has to read the files.
    u: { asRoot: tcpsvdUser },
    // It removes files, also the administrator's.
    t: 'no',
    // They ask DNS, for names that are looked up after addresses.
    h: 'no',
    p: 'no',
    // The probe gives a name, so that DNS is not asked for it.
    l: 'no',
    // How many clients at once: the probe's own might be too many.
    b: 'no',
    c: 'no',
    C: 'no',
    // Only the log has more.
    v: 'no',
    V: 'no',
  },
  tcpserver: {
    // Clients are looked up in another spelling, or not.
    4: 'yes',
    6: 'yes',
    // Without a cdb everybody is let in.
    X: 'yes',
    // The probe gives them always: they keep the server from asking DNS and the client, whose answers
    // are looked up only together with an address, or after it.
    H: 'no',
    R: 'no',
    h: 'no',
    r: 'no',
    p: 'no',
    P: 'no',
    t: 'no',
    // The probe gives a name, so that DNS is not asked for it.
    l: 'no',
    // This user has to read the files.
    u: { asRoot: number },
    g: { asRoot: number },
    // The user is in an environment that is not known.
    U: 'no',
    // Blocked clients get it too: it says nothing of who is let in.
    B: 'no',
    // The probe is at 127.0.0.1.
    I: 'no',
    // How many clients at once: the probe's own might be too many.
    b: 'no',
    c: 'no',
    // How bytes travel.
    d: 'no',
    D: 'no',
    o: 'no',
    O: 'no',
    // What the server says: the probe needs its reasons.
    1: 'no',
    q: 'no',
    Q: 'no',
    v: 'no',
  },
};

/** What the probe gives each server before all other options. */
export const ownOptions: Readonly<Record<string, readonly string[]>> = {
  tcpsvd: ['-l', 'probe'],
  tcpserver: ['-HR', '-l', 'probe'],
};

export type TakenOptions = {
  /** The arguments, in an order of their own: equal ones do the same. */
  readonly args: readonly string[];
  /** The same for people. */
  readonly text: string;
};

/** Of a command that uses our file in this way. */
export function takenFrom(
  { program, options }: ServerCommand,
  use: Use,
  uid: number,
): TakenOptions {
  const taken = Object.entries(takenOptions[program] ?? {}).flatMap(([letter, how]): string[] => {
    const argument = options.get(letter);
    if (argument === undefined || how === 'no') return [];
    if (how === 'yes') return [`-${letter}`];
    return uid === 0 && how.asRoot.test(argument) ? [`-${letter}`, argument] : [];
  });
  return {
    args: [...taken, use.option, use.path],
    text: [...taken.map(quoted), shown(use)].join(' '),
  };
}
