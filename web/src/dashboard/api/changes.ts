/** Changes: what a mutation's answer means to a person, whichever way it was refused. */

import type { Client, DocumentInput } from 'urql';
import { type Problem, problemOf } from './problems';

export interface Refusal extends Problem {
  /** The last step of the way to the argument at fault. */
  field?: string | undefined;
}

export type Changed<T> = { done: T; problem: null } | { done: null; problem: Refusal };

interface Refusing {
  userErrors: readonly { message: string; code: string; field?: readonly string[] | null }[];
}

/** Runs a mutation of one field; what is refused is a problem, as is a server out of reach. */
export async function change<Data extends object, Variables extends object>(
  client: Client,
  document: DocumentInput<Data, Variables>,
  variables: Variables,
): Promise<Changed<Data[keyof Data]>> {
  const result = await client.mutation<Data>(document as never, variables as never).toPromise();
  const problem = problemOf(result.error);
  if (problem) return { done: null, problem };
  const payload = Object.values(result.data ?? {})[0] as (Data[keyof Data] & Refusing) | undefined;
  if (payload === undefined)
    return {
      done: null,
      problem: { title: 'Nothing came back', what: 'Try again.', canRetry: true },
    };
  const [refused] = payload.userErrors;
  return refused ? { done: null, problem: refusalOf(refused) } : { done: payload, problem: null };
}

function refusalOf({ message, code, field }: Refusing['userErrors'][number]): Refusal {
  return {
    title: TITLES[code] ?? 'This was refused',
    what: message,
    canRetry: code === 'BUSY' || code === 'DEADLINE_EXCEEDED',
    code,
    field: field?.at(-1),
  };
}

const TITLES: Record<string, string> = {
  FORBIDDEN: 'This is not allowed',
  NOT_FOUND: 'There is no such thing',
  NOTHING_TO_EXPORT: 'There is nothing to export',
  ALREADY_FINISHED: 'It has come to its end already',
  NOT_FINISHED: 'It is still going on',
  ALREADY_THERE: 'There is one already',
  CONSENT_WITHDRAWN: 'Consent was withdrawn',
  ARCHIVED: 'The experiment is archived',
  DEADLINE_EXCEEDED: 'This took too long',
  BUSY: 'The server is busy',
};
