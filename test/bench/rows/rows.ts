/** The table of rows, in the order in which they are measured and shown. */
import type { Row } from '../row.ts';
import { allowedConnections } from './allowed-connections.ts';
import { blockFile } from './block-file.ts';
import { checkCpu } from './check-cpu.ts';
import { checks } from './checks.ts';
import { commandStart } from './command-start.ts';
import { compileRules } from './compile-rules.ts';
import { connectionCpu } from './connection-cpu.ts';
import { firstDrop } from './first-drop.ts';
import { growthBlocks } from './growth-blocks.ts';
import { growthValues } from './growth-values.ts';
import { historyCost } from './history-cost.ts';
import { hotValue } from './hot-value.ts';
import { limitNetworks } from './limit-networks.ts';
import { list } from './list.ts';
import { passed } from './passed.ts';
import { pipelined } from './pipelined.ts';
import { reap } from './reap.ts';
import { rebuildRules } from './rebuild-rules.ts';
import { replay } from './replay.ts';
import { residentMemory } from './resident-memory.ts';
import { start } from './start.ts';
import { top } from './top.ts';
import { valueMemory } from './value-memory.ts';
import { valuesStall } from './values-stall.ts';

export const rows: readonly Row[] = [
  allowedConnections,
  connectionCpu,
  passed,
  firstDrop,
  checks,
  checkCpu,
  pipelined,
  hotValue,
  historyCost,
  limitNetworks,
  valueMemory,
  valuesStall,
  blockFile,
  reap,
  start,
  compileRules,
  rebuildRules,
  residentMemory,
  list,
  commandStart,
  replay,
  top,
  growthValues,
  growthBlocks,
];
