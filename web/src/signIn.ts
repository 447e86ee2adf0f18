/** Whose key it is, asked of the server: a key is only known to be good once it was used. */

import type { Transport } from './transport';

export type SignIn =
  | { state: 'noKey' }
  | { state: 'checking' }
  | { state: 'accepted'; name: string }
  | { state: 'refused'; message: string };

export async function signIn(transport: Transport): Promise<SignIn> {
  try {
    const { data, errors } = await transport.request({ query: '{ viewer { name } }' });
    const viewer = data?.viewer as { name: string } | undefined;
    if (viewer) return { state: 'accepted', name: viewer.name };
    return { state: 'refused', message: errors?.[0]?.message ?? 'The key was not accepted.' };
  } catch (error) {
    return { state: 'refused', message: error instanceof Error ? error.message : String(error) };
  }
}
