/** How this site's pages reach the API as the holder of one key: POST and graphql-transport-ws. */

import type { ExecutionResult } from 'graphql';
import { type Client, CloseCode, createClient, type Sink } from 'graphql-ws';

const ENDPOINT = '/graphql';
const KEY_HEADER = 'X-API-Key';

export interface GraphQLRequest {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

export interface Transport {
  request(request: GraphQLRequest, headers?: Record<string, string>): Promise<ExecutionResult>;
  subscribe(request: GraphQLRequest, sink: Sink<ExecutionResult>): () => void;
  /** Ends every subscription; a transport with another key does not inherit them. */
  close(): void;
}

export function createTransport(apiKey: string): Transport {
  const credentials: Record<string, string> = apiKey === '' ? {} : { [KEY_HEADER]: apiKey };
  const socket = createClient({
    url: new URL(ENDPOINT, location.href.replace(/^http/, 'ws')).href,
    connectionParams: credentials,
    // A refused key stays refused; everything else may be a server that is restarting.
    shouldRetry: (reason) => reason instanceof CloseEvent && reason.code !== CloseCode.Forbidden,
  });
  return {
    request: (request, headers) => post(request, { ...credentials, ...headers }),
    subscribe: (request, sink) => subscribe(socket, request, sink),
    close: () => void socket.dispose(),
  };
}

async function post(
  request: GraphQLRequest,
  headers: Record<string, string>,
): Promise<ExecutionResult> {
  const init = {
    method: 'POST',
    headers: new Headers({
      ...headers,
      'Content-Type': 'application/json',
      Accept: 'application/graphql-response+json, application/json;q=0.9',
    }),
    body: JSON.stringify(request),
  };
  const response = await fetch(ENDPOINT, init).catch(() => {
    throw new Error('The server does not answer.');
  });
  if (!/json/.test(response.headers.get('Content-Type') ?? '')) {
    throw new Error(`The server answered ${response.status} ${response.statusText}`.trim());
  }
  return response.json();
}

function subscribe(socket: Client, request: GraphQLRequest, sink: Sink<ExecutionResult>) {
  return socket.subscribe(request, {
    next: (result) => sink.next(result as ExecutionResult),
    complete: () => sink.complete(),
    error: (reason) => {
      if (Array.isArray(reason)) {
        sink.next({ errors: reason });
        sink.complete();
      } else if (reason instanceof CloseEvent) {
        const why = reason.reason || 'without a reason';
        sink.error(new Error(`The websocket was closed (${reason.code}): ${why}`));
      } else {
        sink.error(reason);
      }
    },
  });
}
