/**
 * The two dialects of cdb, which cannot be confused: for tcpserver the data of a record is empty or
 * ends in a NUL; for tcpsvd its last byte is D, I or X.
 */
import type { CdbRecord } from './cdb.ts';

export type Dialect = {
  readonly server: string;
  readonly compiler: string;
  speaks(record: CdbRecord): boolean;
};

export const ofTcpserver: Dialect = {
  server: 'tcpserver',
  compiler: 'tcprules',
  speaks: ([, data]) => data.length === 0 || data.at(-1) === 0,
};

export const ofTcpsvd: Dialect = {
  server: 'tcpsvd',
  compiler: 'ipsvd-cdb',
  speaks: ([, data]) => 'DIX'.includes(String.fromCharCode(data.at(-1) ?? 0)),
};

export const dialects: readonly Dialect[] = [ofTcpserver, ofTcpsvd];
