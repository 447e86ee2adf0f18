/** How the dashboard asks: GraphQL over POST and a websocket, by a key or a session. */

import { createContext, useContext } from 'react';
import {
  type Client,
  cacheExchange,
  createClient,
  type Exchange,
  fetchExchange,
  mapExchange,
  subscriptionExchange,
} from 'urql';
import { filter, merge, pipe, share } from 'wonka';
import { openSocket } from './socket';

export interface Who {
  name: string;
  userId: string;
  role: string;
  scopes: string[];
}

export interface Api {
  client: Client;
  who: Who;
  /** By a key of this tab, or signed in with this browser. */
  mode: 'key' | 'session';
  signOut(): void;
}

export interface Credentials {
  mode: 'key' | 'session';
  headers: Record<string, string>;
}

export const ApiContext = createContext<Api | null>(null);

/** The client, and who is asking; only below the sign-in. */
export function useApi(): Api {
  const api = useContext(ApiContext);
  if (api === null) throw new Error('useApi() is for what is shown to who has signed in.');
  return api;
}

export const byKey = (key: string): Credentials => ({ mode: 'key', headers: { 'X-API-Key': key } });
export const bySession = (csrfToken: string): Credentials => ({
  mode: 'session',
  headers: { 'X-CSRF-Token': csrfToken },
});

/** Makes a client; `onRefused` is told when the server does not know who asks any more. */
export function makeClient({ headers }: Credentials, onRefused: () => void) {
  const socket = openSocket(headers, onRefused);
  const client = createClient({
    url: '/graphql',
    preferGetMethod: false,
    fetchOptions: { headers },
    exchanges: [
      mapExchange({
        onError(error) {
          if (error.graphQLErrors.some(({ extensions }) => extensions.code === 'UNAUTHENTICATED')) {
            onRefused();
          }
        },
      }),
      cacheOfAll,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: variables as never }, sink as never),
          }),
        }),
      }),
    ],
  });
  return { client, close: () => void socket.dispose() };
}

/**
 * Remembers what was asked, but for operations with `uncached` in their context: pages of long
 * tables, of which there may be thousands.
 */
const cacheOfAll: Exchange = (input) => {
  const cached = cacheExchange(input);
  return (operations) => {
    const all = pipe(operations, share);
    return merge([
      pipe(
        all,
        filter(({ context }) => !context.uncached),
        cached,
      ),
      pipe(
        all,
        filter(({ context }) => Boolean(context.uncached)),
        input.forward,
      ),
    ]);
  };
};
