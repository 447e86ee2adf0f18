import { CombinedError } from 'urql';
import { expect, test } from 'vitest';
import { problemOf } from './problems';

const coded = (code: string, message: string) =>
  new CombinedError({ graphQLErrors: [{ message, extensions: { code } }] });

test('a refusal is told in the words of the server, and is not tried again', () => {
  expect(problemOf(coded('FORBIDDEN', 'Your key does not allow this.'))).toEqual({
    title: 'This is not allowed',
    what: 'Your key does not allow this.',
    canRetry: false,
    code: 'FORBIDDEN',
  });
});

test('a server out of reach may come back', () => {
  const problem = problemOf(new CombinedError({ networkError: new Error('Failed to fetch') }));
  expect(problem).toMatchObject({ code: 'NETWORK', canRetry: true });
  expect(problem?.what).not.toContain('Failed to fetch');
});

test('no error is no problem', () => {
  expect(problemOf(undefined)).toBeNull();
});
