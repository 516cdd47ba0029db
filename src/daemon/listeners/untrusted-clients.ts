/**
 * Who comes by TCP may be anybody, where the configuration does not say otherwise: such a client's
 * marks are counted apart, and nobody is blocked for them.
 */
import type { Config } from '../../config/config.ts';
import type { Gatekeeper } from '../../gatekeeper/gatekeeper.ts';
import type { Asked } from './check-connection.ts';

/** Whether anybody on this host, or beyond, may ask. */
export function hasStrangers({ settings }: Config): boolean {
  return settings.port !== undefined && !settings.tcpTrusted;
}

/** The gatekeeper as strangers meet it. */
export function forStrangers(gatekeeper: Gatekeeper): Asked {
  return {
    mark: (request) => gatekeeper.markApart(request),
    hasClass: (name) => gatekeeper.hasClass(name),
  };
}
