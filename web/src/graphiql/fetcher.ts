/** GraphiQL's fetcher over our transport: subscriptions by websocket, all else by POST. */

import type { Fetcher, Observable } from '@graphiql/toolkit';
import { type ExecutionResult, getOperationAST } from 'graphql';
import type { Sink } from 'graphql-ws';
import type { GraphQLRequest, Transport } from '../transport';

export function createFetcher(transport: Transport): Fetcher {
  return (request, options) => {
    const document = options?.documentAST;
    const operation = document && getOperationAST(document, request.operationName);
    return operation?.operation === 'subscription'
      ? observe(transport, request)
      : transport.request(request, options?.headers);
  };
}

/** An observable, because "stop" ends it at once; an async generator would wait for a message. */
function observe(transport: Transport, request: GraphQLRequest): Observable<ExecutionResult> {
  return {
    subscribe: (sink: unknown) => {
      const { next, complete } = sink as Sink<ExecutionResult>;
      return { unsubscribe: transport.subscribe(request, next, complete) };
    },
  };
}
