/** Who is at this page: by the key of this tab, else by the browser's session. */

import { loadApiKey } from '../../apiKey';
import { byKey, bySession, type Credentials, type Who } from './client';

export type Identity =
  | { state: 'known'; who: Who; credentials: Credentials }
  | { state: 'unknown'; problem: string | null }
  | { state: 'unreachable'; problem: string };

const QUERY = '{ viewer { userId name role scopes } }';

/** Asks the server; a key of this tab goes before a session. */
export async function identify(): Promise<Identity> {
  const key = loadApiKey();
  try {
    if (key !== '') return await known(byKey(key));
    const answer = await fetch('/auth/session');
    if (answer.status === 401) return { state: 'unknown', problem: null };
    if (!answer.ok) return unreachable(answer.status);
    const { csrfToken } = (await answer.json()) as { csrfToken: string };
    return await known(bySession(csrfToken));
  } catch {
    return { state: 'unreachable', problem: 'The server cannot be reached.' };
  }
}

async function known(credentials: Credentials): Promise<Identity> {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { ...credentials.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: QUERY }),
  });
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '');
  if (!isJson) return unreachable(response.status);
  const { data, errors } = (await response.json()) as {
    data?: { viewer?: Who } | null;
    errors?: { message: string }[];
  };
  if (data?.viewer) return { state: 'known', who: data.viewer, credentials };
  if (response.status >= 500) return unreachable(response.status);
  return { state: 'unknown', problem: errors?.[0]?.message ?? null };
}

function unreachable(status: number): Identity {
  return { state: 'unreachable', problem: `The server answered ${status}.` };
}
