/** The one websocket of this tab, and whether it is there: for subscriptions. */

import { type Client, CloseCode, createClient } from 'graphql-ws';
import { useSyncExternalStore } from 'react';

/** `lost`: it was there, and is being opened again. */
export type Connection = 'idle' | 'connecting' | 'connected' | 'lost';

const LONGEST_WAIT_MS = 10_000;

let connection: Connection = 'idle';
const watchers = new Set<() => void>();

function become(next: Connection): void {
  connection = next;
  for (const watch of watchers) watch();
}

/** Says how the websocket is, as it changes. */
export function useConnection(): Connection {
  return useSyncExternalStore(
    (watch) => {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    () => connection,
  );
}

export function openSocket(credentials: Record<string, string>, onRefused: () => void): Client {
  let wasThere = false;
  return createClient({
    url: new URL('/graphql', location.href.replace(/^http/, 'ws')).href,
    connectionParams: credentials,
    keepAlive: 15_000, // else a network that went away is noticed after minutes
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (attempt) => pause(Math.min(LONGEST_WAIT_MS, 300 * 2 ** attempt)),
    // A refused key stays refused; everything else may be a server that is restarting.
    shouldRetry: (reason) => !(reason instanceof CloseEvent && reason.code === CloseCode.Forbidden),
    on: {
      connecting: () => become(wasThere ? 'lost' : 'connecting'),
      connected: () => {
        wasThere = true;
        become('connected');
      },
      closed: (reason) => {
        const code = reason instanceof CloseEvent ? reason.code : 0;
        if (code === CloseCode.Forbidden) onRefused();
        const isOver = code === 1000 || code === CloseCode.Forbidden;
        if (isOver) wasThere = false;
        become(isOver ? 'idle' : 'lost');
      },
    },
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms * (0.75 + Math.random() / 2)));
}
