/**
 * Clients by TCP may be anybody, so they are untrusted unless the configuration says otherwise:
 * their hits are counted apart, and nobody is blocked for them.
 */
import type { Config } from '../../config/config.ts';
import type { Gatekeeper } from '../../gatekeeper/gatekeeper.ts';
import type { CheckHandler } from './check-connection.ts';

/** Whether any user of this host, or of others, may ask. */
export function hasUntrustedClients({ settings }: Config): boolean {
  return settings.port !== undefined && !settings.tcpTrusted;
}

/** The gatekeeper as untrusted clients meet it. */
export function forUntrustedClients(gatekeeper: Gatekeeper): CheckHandler {
  return {
    hit: (request) => gatekeeper.hitUntrusted(request),
    hasClass: (name) => gatekeeper.hasClass(name),
  };
}
