/** What must come of each answer to a datagram; run by both tests that run test/ratecheck/exchanges.ts. */

export type DatagramExchange = {
  readonly title: string;
  readonly args: readonly string[];
  /** Undefined: it is lost. */
  readonly reply: string | undefined;
  readonly asked: string;
  readonly status: number;
  readonly stdout: string;
  /** SOCKET stands for the socket's path. */
  readonly stderr: string;
};

const serve = ['-v', '192.0.2.1', 'echo', 'served'];
const hasty = ['-t', '200'];
const within = {
  args: ['-t', '60000', ...serve],
  reply: '0 3/10\r\n',
  asked: 'ip 192.0.2.1',
  status: 0,
  stdout: 'served\n',
  stderr: '',
};

function unanswered(problem: string): Partial<DatagramExchange> {
  return { stderr: `ratecheck: warning: ${problem}, running echo unchecked\n` };
}

const longest = 'x'.repeat(996);

export const datagramExchanges: readonly DatagramExchange[] = [
  { ...within, title: 'within the limit, the program runs' },
  { ...within, title: 'what follows the line is ignored', reply: '0\n1 12/10 118\r\n' },
  {
    ...within,
    title: 'a request of 1000 bytes is sent',
    args: ['-t', '60000', '-v', longest, 'echo', 'served'],
    asked: `ip ${longest}`,
  },
  {
    ...within,
    title: 'over the limit, the client is told when to return',
    reply: '1 12/10 118\r\n',
    status: 1,
    stdout: '421 4.7.0 Too many connections from 192.0.2.1, try again in 118 seconds\r\n',
  },
  {
    ...within,
    title: 'over the limit without a block, the client is told to return later',
    reply: '1 12/10\r\n',
    status: 1,
    stdout: '421 4.7.0 Too many connections from 192.0.2.1, try again later\r\n',
  },
  {
    ...within,
    title: '-n prints the reply',
    args: ['-t', '60000', '-n', 'user', 'a b'],
    asked: 'user a b',
    stdout: '0 3/10\n',
  },
  {
    ...within,
    title: 'an error reply',
    reply: '2 unknown class\r\n',
    ...unanswered('error from SOCKET: "2 unknown class"'),
  },
  {
    ...within,
    title: 'another protocol',
    reply: 'HTTP/1.1 400\r\n',
    ...unanswered('nonsense from SOCKET: "HTTP/1.1 400"'),
  },
  {
    ...within,
    title: 'an empty datagram',
    reply: '',
    ...unanswered('no answer from SOCKET: connection closed'),
  },
  {
    ...within,
    title: 'a datagram that is too long',
    reply: `0 ${'x'.repeat(5000)}\r\n`,
    ...unanswered(`endless answer from SOCKET: "0 ${'x'.repeat(198)}"`),
  },
  {
    ...within,
    title: 'a datagram without a line end',
    args: [...hasty, ...serve],
    reply: '0 3/10',
    ...unanswered('no answer from SOCKET: not within 200 ms'),
  },
  {
    ...within,
    title: 'a reply that is lost',
    args: [...hasty, ...serve],
    reply: undefined,
    ...unanswered('no answer from SOCKET: not within 200 ms'),
  },
  {
    ...within,
    title: 'with -F, a reply that is lost',
    args: [...hasty, '-F', ...serve],
    reply: undefined,
    status: 111,
    stdout: '421 4.3.2 Service temporarily unavailable, try again later\r\n',
    stderr: 'ratecheck: warning: no answer from SOCKET: not within 200 ms, refusing the client\n',
  },
];
