/**
 * Answers scrapes of Prometheus by HTTP: `GET /metrics`, and nothing else.
 *
 * Guarantee: a client that is slow, silent or one of too many costs a few descriptors for a few
 * seconds; checks are answered meanwhile.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { contentType } from '../../health/exposition.ts';

/** More than the scrapers of one host. */
const maxConnections = 8;
const patienceMs = 5000;

/** Makes servers; `text` gives what the metrics say now. */
export async function metricsServers(text: () => string): Promise<() => Server> {
  // Node's HTTP takes memory that most need not spend.
  const { createServer } = await import('node:http');
  const bounds = { headersTimeout: patienceMs, requestTimeout: patienceMs, maxHeaderSize: 8192 };
  const options = { ...bounds, connectionsCheckingInterval: patienceMs };
  return () => {
    const server = createServer(options, (request, response) => answer(request, response, text));
    server.maxConnections = maxConnections;
    server.setTimeout(2 * patienceMs);
    return server;
  };
}

function answer(request: IncomingMessage, response: ServerResponse, text: () => string): void {
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  const path = request.url?.replace(/\?.*/s, '');
  if (!isReading) say(response, 405, 'only GET and HEAD\n', { allow: 'GET, HEAD' });
  else if (path !== '/metrics') say(response, 404, 'metrics are at /metrics\n');
  else say(response, 200, text(), { 'content-type': contentType });
}

function say(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
