/** Servers that do not obey are found. */
import { findsEach } from '../examination.ts';

const alone = (group: string) => {
  const settings = 'settings : { socket: "rater.sock"; db_path: "blocks.db"; };';
  return `${settings} limits : { ip: ( ("*", 60, 10) ); }; ${group}`;
};

findsEach([
  {
    what: 'a configuration in which no server is told of blocks',
    text: alone('blocking : { time: 120; };'),
    finds: 'problem servers',
    says: /neither blocking\.peers nor blocking\.tcprules is configured/,
  },
  {
    what: 'one without the group',
    text: alone(''),
    finds: 'problem servers',
    says: /so what stops a client is ratecheck alone; set blocking\.peers or/,
  },
]);
