import { MemoryCounters } from '../../src/counters/memory-counters.ts';
import { keepsCountersPromises } from '../contract/counters.ts';

keepsCountersPromises('MemoryCounters', () => new MemoryCounters());
