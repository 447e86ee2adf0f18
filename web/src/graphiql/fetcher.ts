/** GraphiQL's fetcher over our transport: subscriptions by websocket, all else by POST. */

import type { Fetcher, Observable } from '@graphiql/toolkit';
import {
  type ExecutionResult,
  getOperationAST,
  Kind,
  type OperationTypeNode,
  parse,
} from 'graphql';
import type { Sink } from 'graphql-ws';
import type { GraphQLRequest, Transport } from '../transport';

export function createFetcher(transport: Transport): Fetcher {
  return (asked, options) => {
    const [request, operation] = meant(asked);
    return operation === 'subscription'
      ? observe(transport, request)
      : transport.request(request, options?.headers);
  };
}

/**
 * What is to be run, and which kind it is. Just after a change of tab GraphiQL still names the
 * operation of the tab before, so the name counts only where the text leaves a choice.
 */
function meant(asked: GraphQLRequest): [GraphQLRequest, OperationTypeNode | undefined] {
  try {
    const document = parse(asked.query);
    const operations = document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION);
    const [only, ...others] = operations;
    const operationName = others.length === 0 ? only?.name?.value : asked.operationName;
    return [
      { ...asked, operationName: operationName ?? null },
      getOperationAST(document, operationName)?.operation,
    ];
  } catch {
    return [asked, undefined]; // a syntax error, which the server explains
  }
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
