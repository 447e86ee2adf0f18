/** How this site's pages reach the API, by a key or signed in: POST and graphql-transport-ws. */

import { type ExecutionResult, GraphQLError } from 'graphql';
import { type Client, CloseCode, createClient } from 'graphql-ws';

const ENDPOINT = '/graphql';
const KEY_HEADER = 'X-API-Key';
const CSRF_HEADER = 'X-CSRF-Token';

export interface GraphQLRequest {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

export interface Transport {
  /** Never rejects: a server out of reach is an error like those it sends. */
  request(request: GraphQLRequest, headers?: Record<string, string>): Promise<ExecutionResult>;
  /** Passes results on until it completes; gives the function that ends it. */
  subscribe(
    request: GraphQLRequest,
    next: (result: ExecutionResult) => void,
    complete: () => void,
  ): () => void;
  /** Ends every subscription; a transport of somebody else does not inherit them. */
  close(): void;
}

/** Without a key, the browser's own cookie says who asks. */
export function createTransport(apiKey: string, csrfToken: string): Transport {
  const credentials: Record<string, string> =
    apiKey === '' ? { [CSRF_HEADER]: csrfToken } : { [KEY_HEADER]: apiKey };
  const socket = createClient({
    url: new URL(ENDPOINT, location.href.replace(/^http/, 'ws')).href,
    connectionParams: credentials,
    // A refused key stays refused; everything else may be a server that is restarting.
    shouldRetry: (reason) => reason instanceof CloseEvent && reason.code !== CloseCode.Forbidden,
  });
  return {
    request: (request, headers) => post(request, { ...credentials, ...headers }),
    subscribe: (request, next, complete) => subscribe(socket, request, next, complete),
    close: () => void socket.dispose(),
  };
}

async function post(
  request: GraphQLRequest,
  headers: Record<string, string>,
): Promise<ExecutionResult> {
  try {
    const response = await fetch(ENDPOINT, {
      method: 'POST',
      headers: {
        ...headers,
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, application/json;q=0.9',
      },
      body: JSON.stringify(request),
    });
    const isJson = /json/.test(response.headers.get('Content-Type') ?? '');
    return isJson
      ? await response.json()
      : failure(`The server answered ${response.status} ${response.statusText}`.trim());
  } catch (error) {
    return failure(
      `The server could not be asked: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function subscribe(
  socket: Client,
  request: GraphQLRequest,
  next: (result: ExecutionResult) => void,
  complete: () => void,
): () => void {
  return socket.subscribe(request, {
    next: (result) => next(result as ExecutionResult),
    complete,
    error(reason) {
      next(Array.isArray(reason) ? { errors: reason } : failure(describe(reason)));
      complete();
    },
  });
}

function describe(reason: unknown): string {
  if (reason instanceof CloseEvent) {
    return `The websocket was closed (${reason.code}): ${reason.reason || 'no reason given'}`;
  }
  return reason instanceof Error ? reason.message : 'The websocket could not be opened.';
}

function failure(message: string): ExecutionResult {
  return { errors: [new GraphQLError(message)] };
}
