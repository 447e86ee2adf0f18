/** What an error means to a person, and whether asking again may help. */

import type { CombinedError } from 'urql';

export interface Problem {
  title: string;
  what: string;
  canRetry: boolean;
  code?: string;
}

const TITLES: Record<string, [title: string, canRetry: boolean]> = {
  UNAUTHENTICATED: ['You are not signed in any more', true],
  FORBIDDEN: ['This is not allowed', false],
  NOT_FOUND: ['There is no such thing', false],
  BAD_USER_INPUT: ['The server cannot use this', false],
  GRAPHQL_VALIDATION_FAILED: ['The server cannot use this', false],
  INVALID_CURSOR: ['The list has changed', true],
  THROTTLED: ['Too many requests', true],
  QUERY_TOO_COMPLEX: ['This asks for too much at once', false],
  DEADLINE_EXCEEDED: ['This took too long', true],
  BUSY: ['The server is busy', true],
};

/** Returns null if nothing is wrong. */
export function problemOf(error: CombinedError | undefined): Problem | null {
  if (error === undefined) return null;
  const [first] = error.graphQLErrors;
  if (first !== undefined) {
    const code = String(first.extensions.code ?? 'UNKNOWN');
    const [title, canRetry] = TITLES[code] ?? ['Something went wrong', true];
    return { title, what: first.message, canRetry, code };
  }
  const status = (error.response as Response | undefined)?.status;
  if (status === undefined || status === 0) {
    return {
      title: 'The server cannot be reached',
      what: 'It may be restarting, or this computer is not connected. What you see stays here.',
      canRetry: true,
      code: 'NETWORK',
    };
  }
  return {
    title: 'The server did not answer as it should',
    what: `It said ${status}. If this stays, tell whoever runs the server.`,
    canRetry: true,
    code: `HTTP_${status}`,
  };
}
