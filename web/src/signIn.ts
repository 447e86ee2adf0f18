/** Who is at this page: a key is only known to be good once it was used. */

import type { Transport } from './transport';

export type SignIn =
  | { state: 'noKey' }
  | { state: 'checking' }
  | { state: 'accepted'; name: string }
  | { state: 'refused'; message: string };

export async function signIn(transport: Transport): Promise<SignIn> {
  const { data, errors } = await transport.request({ query: '{ viewer { name } }' });
  const viewer = data?.viewer as { name: string } | undefined;
  return viewer
    ? { state: 'accepted', name: viewer.name }
    : {
        state: 'refused',
        message: errors?.[0]?.message ?? 'The server did not say whose key it is.',
      };
}
