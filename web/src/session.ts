/** Who is signed in with this browser, by a cookie that no script can read. */

export interface Session {
  name: string;
  /** Shows that a page of ours asks: the server executes no mutation without it. */
  csrfToken: string;
}

/** Asks the server; null if nobody is signed in. */
export async function loadSession(): Promise<Session | null> {
  try {
    const response = await fetch('/auth/session');
    if (!response.ok) return null;
    const { user, csrfToken } = await response.json();
    return { name: user.name, csrfToken };
  } catch {
    return null; // out of reach: what is asked next will say so
  }
}

export async function signOut(): Promise<void> {
  await fetch('/auth/sign-out', { method: 'POST', redirect: 'manual' });
  location.assign('/auth/sign-in');
}
