/**
 * The table of exchanges: what the client is told to do, what the daemon says, what must come of it.
 * Run through the real binary and, again, through a build that watches memory.
 *
 * Where an answer is expected the deadline is long, so that a slow machine changes nothing.
 */
import { reply, replyAndClose, replySlowly, type Script, silence } from './scripted-rater.ts';

export type Exchange = {
  readonly title: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly script: Script;
  /** Requests the daemon must have received. */
  readonly asked: readonly string[];
  readonly status: number;
  readonly stdout: string;
  /** The line on stderr, SOCKET standing for the socket's path; empty for no line. */
  readonly stderr: string;
};

const serve = ['echo', 'served'];
const patient = ['-t', '60000'];
const hasty = ['-t', '200'];
const client = { TCPREMOTEIP: '192.0.2.1' };
const asked = ['ip 192.0.2.1'];
const unavailable = '421 4.3.2 Service temporarily unavailable, try again later\r\n';

function warned(problem: string): string {
  return `ratecheck: warning: ${problem}, running echo unchecked\n`;
}

function failed(problem: string): string {
  return `ratecheck: fatal: ${problem}\n`;
}

type Short = Partial<Exchange> & { title: string };

/** Within the limit unless told otherwise. */
function within(exchange: Short): Exchange {
  const usual = { args: [...patient, ...serve], env: client, script: reply('0 3/10\r\n') };
  return { ...usual, asked, status: 0, stdout: 'served\n', stderr: '', ...exchange };
}

function exceeded(exchange: Short): Exchange {
  return within({ script: reply('1 12/10 118\r\n'), status: 1, ...exchange });
}

/** One bad way of answering: the program runs with a warning. */
function unanswered(title: string, script: Script, problem: string, args = patient): Exchange {
  return within({ title, script, args: [...args, ...serve], stderr: warned(problem) });
}

/** A request that must not be sent. */
function unsent(title: string, args: string[], problem: string, env = client): Exchange {
  return within({ title, args: [...args, ...serve], env, asked: [], stderr: warned(problem) });
}

function only(exchange: Short): Exchange {
  return within({
    args: [...patient, '-n', 'user', 'a b'],
    env: {},
    asked: ['user a b'],
    ...exchange,
  });
}

const refusal = (rest: string) =>
  `421 4.7.0 Too many connections from 192.0.2.1, try again ${rest}\r\n`;
const told = (message: string) => [...patient, '-m', message, ...serve];
const badClass = 'class not sent: it is empty, or has a space or a line break';
const badValue = 'value not sent: it is empty or has a line break';
const tooLong = 'value not sent: the request would be over 1000 bytes';
const noValue = [
  // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how ratecheck writes it
  'no value to check: no address in TCPREMOTEIP, TCP6REMOTEIP, ${PROTO}REMOTEIP, TCPREMOTEADDR,',
  'REMOTE_ADDR, REMOTE_HOST, SOCAT_PEERADDR or NCAT_REMOTE_ADDR, nor at descriptor 0',
].join(' ');

type Environment = Record<string, string>;

/** What servers may set, in the order in which it is looked at, and the value that is asked about. */
const environments: readonly (readonly [Environment, string])[] = [
  [{ TCPREMOTEIP: '192.0.2.1', TCP6REMOTEIP: '::ffff:192.0.2.1' }, '192.0.2.1'],
  [{ TCPREMOTEIP: '::ffff:192.0.2.1' }, '::ffff:192.0.2.1'],
  [{ TCPREMOTEIP: 'fe80::1%eth0' }, 'fe80::1'],
  [{ TCP6REMOTEIP: '2001:db8::1', PROTO: 'SSL', SSLREMOTEIP: '192.0.2.9' }, '2001:db8::1'],
  [{ PROTO: 'SSL', SSLREMOTEIP: '192.0.2.1', TCPREMOTEADDR: '192.0.2.9:25' }, '192.0.2.1'],
  [{ PROTO: 'x'.repeat(5000), TCPREMOTEADDR: '192.0.2.1' }, '192.0.2.1'],
  [{ PROTO: 'TCP', TCPREMOTEADDR: '192.0.2.1:4711', REMOTE_ADDR: '192.0.2.9' }, '192.0.2.1'],
  [{ TCPREMOTEADDR: '[2001:db8::1]:4711' }, '2001:db8::1'],
  [{ TCPREMOTEADDR: '[fe80::1%eth0]:4711' }, 'fe80::1'],
  [{ TCPREMOTEADDR: '2001:db8::1' }, '2001:db8::1'],
  [{ REMOTE_ADDR: '2001:db8::1', REMOTE_PORT: '4711', REMOTE_HOST: '192.0.2.9' }, '2001:db8::1'],
  [{ REMOTE_HOST: '192.0.2.1', SOCAT_PEERADDR: '192.0.2.9' }, '192.0.2.1'],
  [{ REMOTE_HOST: 'cafe.de', SOCAT_PEERADDR: '[2001:0db8::0001]' }, '2001:0db8::0001'],
  [{ SOCAT_PEERADDR: '"/run/a.sock"', NCAT_REMOTE_ADDR: '192.0.2.1' }, '192.0.2.1'],
];

/** A value that is no address: the next source is asked, and where there is none, the daemon. */
const impossible = [
  'a b',
  '192.0.2',
  '192.0.2.256',
  '1:2',
  ':25',
  '[',
  '[]:25',
  '%eth0',
  'x'.repeat(900),
];

export const exchanges: readonly Exchange[] = [
  within({ title: 'within the limit, the program runs' }),
  within({ title: 'unlimited is within', script: reply('0 3/-\r\n') }),
  within({ title: 'a bare status is enough', script: reply('0\r\n') }),
  within({ title: 'a newline without CR ends the reply too', script: reply('0 3/10\n') }),
  within({ title: 'a reply may come one byte at a time', script: replySlowly('0 3/10\r\n') }),
  within({ title: 'what follows the reply is ignored', script: reply('0 3/10\r\n1 12/10\r\n') }),
  within({ title: 'the daemon may close after its reply', script: replyAndClose('0 3/10\r\n') }),
  within({
    title: 'a reply of 1000 bytes is read to its end',
    script: reply(`0 ${'x'.repeat(996)}\r\n`),
  }),
  within({
    title: 'class and value can be given, bytes unchanged',
    args: [...patient, '-c', 'user', '-v', ' Jürgen\t1 ', ...serve],
    asked: [`user ${Buffer.from(' Jürgen\t1 ').toString('latin1')}`],
  }),
  within({
    title: 'option letters can be joined, with their arguments',
    args: ['-Ot60000', '-cuser', '-va', '-O', '--', ...serve],
    asked: ['user a'],
  }),
  within({
    title: 'TCP6REMOTEIP is used when TCPREMOTEIP is missing or empty',
    env: { TCPREMOTEIP: '', TCP6REMOTEIP: '2001:db8::1' },
    asked: ['ip 2001:db8::1'],
  }),
  ...environments.map(([env, value], row) =>
    within({ title: `the address, from environment ${row}`, env, asked: [`ip ${value}`] }),
  ),
  ...impossible.flatMap((text) => [
    within({
      title: `another source is asked for ${text}`,
      env: { TCPREMOTEIP: text, TCP6REMOTEIP: text, REMOTE_ADDR: '192.0.2.1' },
    }),
    within({
      title: `the daemon is asked about ${text} where nothing is an address`,
      env: { TCPREMOTEIP: text, REMOTE_ADDR: text, REMOTE_HOST: text },
      asked: [`ip ${text}`],
    }),
  ]),
  within({
    title: 'a value that is given is not looked at',
    args: [...patient, '-v', '[x]:25', ...serve],
    asked: ['ip [x]:25'],
  }),
  within({
    title: 'a class that is given has the same default value',
    args: [...patient, '-c', 'smtp', ...serve],
    env: { TCPREMOTEADDR: '192.0.2.1:4711' },
    asked: ['smtp 192.0.2.1'],
  }),
  within({
    title: 'a request of 1000 bytes, newline included, is sent',
    args: [...patient, '-v', 'x'.repeat(996), ...serve],
    asked: [`ip ${'x'.repeat(996)}`],
  }),
  within({
    title: '-k asks for a session',
    args: [...patient, '-k', ...serve],
    asked: ['+ip 192.0.2.1'],
  }),
  within({
    title: 'a request of 1000 bytes is sent with -k, its + included',
    args: [...patient, '-kv', 'x'.repeat(995), ...serve],
    asked: [`+ip ${'x'.repeat(995)}`],
  }),
  within({
    title: "the program's arguments are neither reordered nor read",
    args: [...patient, 'echo', '-F', '-v', 'x', '--', '-n'],
    stdout: '-F -v x -- -n\n',
  }),

  exceeded({
    title: 'over the limit, the client is told when to return',
    stdout: refusal('in 118 seconds'),
  }),
  exceeded({
    title: 'over the limit without a block, the client is told to return later',
    script: reply('1 12/10\r\n'),
    stdout: refusal('later'),
  }),
  exceeded({ title: 'a bare 1 refuses', script: reply('1\r\n'), stdout: refusal('later') }),
  exceeded({
    title: 'seconds that are not a number are not repeated to the client',
    script: reply('1 12/10 1%s8\r\n'),
    stdout: refusal('later'),
  }),
  exceeded({
    title: 'seconds beyond nine digits are not repeated to the client',
    script: reply(`1 12/10 ${'9'.repeat(500)}\r\n`),
    stdout: refusal('later'),
  }),
  exceeded({
    title: 'a fourth word is left to later versions',
    script: reply('1 12/10 118 more\r\n'),
    stdout: refusal('in 118 seconds'),
  }),
  exceeded({
    title: 'a message names value and seconds, and other % signs stay',
    args: told('421 %v: %s s, 100%% of %d %'),
    stdout: '421 192.0.2.1: 118 s, 100% of %d %\r\n',
  }),
  exceeded({
    title: 'unknown seconds are "some" in a message',
    args: told('R421 Wait %s seconds'),
    script: reply('1 12/10\r\n'),
    stdout: 'R421 Wait some seconds\r\n',
  }),
  exceeded({
    title: 'a message stays one line',
    args: told('421 a\r\n250 b\tc\x7fd'),
    stdout: '421 a  250 b c d\r\n',
  }),
  exceeded({
    title: 'a refusal is at most 512 bytes, CRLF included',
    args: told('x'.repeat(5000)),
    stdout: `${'x'.repeat(510)}\r\n`,
  }),
  exceeded({
    title: 'unprintable bytes of a value become ?, and 64 bytes are shown',
    args: [...patient, '-v', `\x01é~ ${'y'.repeat(100)}`, '-m', '421 %v!', ...serve],
    asked: [`ip \x01${Buffer.from('é').toString('latin1')}~ ${'y'.repeat(100)}`],
    stdout: `421 ???~ ${'y'.repeat(59)}!\r\n`,
  }),

  exceeded({
    title: 'with -k, exceeding the limit is refused, too',
    args: [...patient, '-k', ...serve],
    asked: ['+ip 192.0.2.1'],
    stdout: refusal('in 118 seconds'),
  }),

  unanswered(
    'an error reply',
    reply('2 unknown class\r\n'),
    'error from SOCKET: "2 unknown class"',
  ),
  unanswered('an empty reply', reply('\r\n'), 'nonsense from SOCKET: ""'),
  unanswered('an empty line', reply('\n'), 'nonsense from SOCKET: ""'),
  unanswered('another protocol', reply('HTTP/1.1 400\r\n'), 'nonsense from SOCKET: "HTTP/1.1 400"'),
  unanswered('a status that goes on', reply('10 1/2\r\n'), 'nonsense from SOCKET: "10 1/2"'),
  unanswered('a status out of range', reply('3 1/2\r\n'), 'nonsense from SOCKET: "3 1/2"'),
  unanswered('a NUL', reply('\0\r\n'), 'nonsense from SOCKET: "?"'),
  unanswered(
    'control bytes do not reach stderr',
    reply('2 \x1b[2J\0\x9b\rx\x7f\r\n'),
    'error from SOCKET: "2 ?[2J???x?"',
  ),
  unanswered(
    'of a long error 200 bytes are shown',
    reply(`2 ${'e'.repeat(900)}\r\n`),
    `error from SOCKET: "2 ${'e'.repeat(198)}"`,
  ),
  unanswered(
    'a reply without an end',
    reply(`0 ${'x'.repeat(5000)}`),
    `endless answer from SOCKET: "0 ${'x'.repeat(198)}"`,
  ),
  unanswered(
    'a reply one byte too long',
    reply(`0 ${'x'.repeat(997)}\r\n`),
    `endless answer from SOCKET: "0 ${'x'.repeat(198)}"`,
  ),
  unanswered(
    'a reply cut short',
    replyAndClose('0 3/10'),
    'no answer from SOCKET: connection closed',
  ),
  unanswered(
    'a connection closed without a word',
    replyAndClose(''),
    'no answer from SOCKET: connection closed',
  ),
  unanswered('silence', silence, 'no answer from SOCKET: not within 200 ms', hasty),
  unanswered('half a reply', reply('0 3/'), 'no answer from SOCKET: not within 200 ms', hasty),

  unsent('no value anywhere', [], noValue, {} as typeof client),
  unsent('a host by its name only', [], noValue, { REMOTE_HOST: 'cafe.de' } as never),
  unsent('an empty value', ['-v', ''], badValue),
  unsent('a value with a newline', ['-v', 'a\nip b'], badValue),
  unsent('a value with a CR', ['-v', 'a\rb'], badValue),
  unsent('an empty class', ['-c', ''], badClass),
  unsent('a class with a space', ['-c', 'a b'], badClass),
  unsent('a class with a newline', ['-c', 'a\nb'], badClass),
  unsent('a request of 1001 bytes', ['-v', 'x'.repeat(997)], tooLong),
  unsent('a request of 1001 bytes with its +', ['-kv', 'x'.repeat(996)], tooLong),
  unsent('an endless value', ['-v', 'x'.repeat(100_000)], tooLong),
  unsent('an endless class', ['-c', 'x'.repeat(100_000)], tooLong),

  within({
    title: 'with -F, silence is answered 421',
    args: [...hasty, '-F', ...serve],
    script: silence,
    status: 111,
    stdout: unavailable,
    stderr: 'ratecheck: warning: no answer from SOCKET: not within 200 ms, refusing the client\n',
  }),
  within({
    title: 'with -F, an error is answered 421 whatever the message for excess',
    args: [...patient, '-F', '-m', '421 other', ...serve],
    script: reply('2 no space\r\n'),
    status: 111,
    stdout: unavailable,
    stderr: 'ratecheck: warning: error from SOCKET: "2 no space", refusing the client\n',
  }),
  within({
    title: 'with -F, a missing value is answered 421',
    args: ['-F', ...serve],
    env: {},
    asked: [],
    status: 111,
    stdout: unavailable,
    stderr: `ratecheck: warning: ${noValue}, refusing the client\n`,
  }),
  within({
    title: 'with -F, the program runs within the limit',
    args: [...patient, '-F', ...serve],
  }),
  within({
    title: 'the last one of -F and -O counts',
    args: [...patient, '-FO', ...serve],
    script: replyAndClose(''),
    stderr: warned('no answer from SOCKET: connection closed'),
  }),

  only({ title: '-n prints a reply within the limit', stdout: '0 3/10\n' }),
  only({
    title: '-n prints a reply over the limit',
    script: reply('1 12/10 118\r\n'),
    status: 1,
    stdout: '1 12/10 118\n',
  }),
  only({
    title: '-n prints an error reply, made printable',
    script: reply('2 un\x1bknown\0\r\n'),
    status: 2,
    stdout: '2 un?known?\n',
  }),
  only({
    title: '-n prints all of a reply of 1000 bytes',
    script: reply(`0 ${'x'.repeat(996)}\r\n`),
    stdout: `0 ${'x'.repeat(996)}\n`,
  }),
  only({
    title: '-n takes a value that looks like an option',
    args: ['-n', ...patient, 'user', '-F'],
    asked: ['user -F'],
    stdout: '0 3/10\n',
  }),
  only({
    title: '-n without an answer says so',
    script: reply('what\r\n'),
    status: 111,
    stdout: '',
    stderr: failed('nonsense from SOCKET: "what"'),
  }),
  only({
    title: '-n does not send a value with a line break',
    args: ['-n', 'user', 'a\nb'],
    asked: [],
    status: 111,
    stdout: '',
    stderr: failed(badValue),
  }),

  only({
    title: '-w prints the value and asks nobody',
    args: ['-w'],
    env: { TCPREMOTEADDR: '[2001:db8::1]:4711' },
    asked: [],
    stdout: '2001:db8::1\n',
  }),
  only({
    title: '-w prints a value made printable',
    args: ['-wv', 'a\x1b[2J'],
    asked: [],
    stdout: 'a?[2J\n',
  }),
  only({
    title: '-w without a value says so',
    args: ['-w'],
    asked: [],
    status: 111,
    stdout: '',
    stderr: failed(noValue),
  }),

  within({
    title: 'a program that cannot be found',
    args: [...patient, 'no-such-program\x1b', 'x'],
    status: 111,
    stdout: '',
    stderr: failed('cannot run no-such-program?: No such file or directory'),
  }),
  within({
    title: 'a program that cannot be run',
    args: [...patient, '/'],
    status: 111,
    stdout: '',
    stderr: failed('cannot run /: Permission denied'),
  }),
];
