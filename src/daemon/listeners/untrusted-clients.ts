/**
 * Who comes by TCP may be anybody, where the configuration does not say otherwise: such a client's
 * hits are counted apart, and nobody is blocked for them.
 */
import type { Config } from '../../config/config.ts';
import type { Gatekeeper } from '../../gatekeeper/gatekeeper.ts';
import type { CheckHandler } from './check-connection.ts';

/** Whether anybody on this host, or beyond, may ask. */
export function hasUntrustedClients({ settings }: Config): boolean {
  return settings.port !== undefined && !settings.tcpTrusted;
}

/** The gatekeeper as strangers meet it. */
export function forUntrustedClients(gatekeeper: Gatekeeper): CheckHandler {
  return {
    hit: (request) => gatekeeper.hitUntrusted(request),
    hasClass: (name) => gatekeeper.hasClass(name),
  };
}
