/**
 * A real tcpserver on a cdb with rblsmtpd behind it, asked by connecting from addresses in
 * 127.0.0.0/8. Rules that let somebody in should set RBLSMTPD to nothing, so that rblsmtpd asks no
 * list in the network.
 */
import { startMailServer } from '../../system/mail-server.ts';
import { wordsFrom } from '../words-from.ts';

export type RunningTcpserver = {
  /** Whether a mail from `address` does not reach the program. */
  refuses(address: string): Promise<boolean>;
  /** Everything that it says to a client at `address` that wants to send mail. */
  says(address: string): Promise<string>;
  stop(): Promise<void>;
};

const mail = 'HELO client\r\nMAIL FROM:<>\r\nRCPT TO:<joe@example.org>\r\nQUIT\r\n';
/** Hears the client out: a program that ends with unread input may lose its output. */
const program = `
env | grep -q ^RELAYCLIENT= && echo in and relays || echo in
while read -r line; do case "$line" in QUIT*) exit ;; esac; done
`;

export async function startTcpserver(cdb: string): Promise<RunningTcpserver> {
  const { port, server } = await startMailServer('tcpserver', {
    options: ['-x', cdb],
    command: ['rblsmtpd', 'sh', '-c', program],
    directory: '/',
  });
  const says = (address: string) => wordsFrom(address, port, mail);
  return {
    refuses: async (address) => !(await says(address)).startsWith('in'),
    says,
    stop: () => server.end(),
  };
}
