/** A query whose last answer stays on screen while the server cannot be reached. */

import { useState } from 'react';
import { type AnyVariables, type UseQueryArgs, type UseQueryResponse, useQuery } from 'urql';

export function useKept<Data, Variables extends AnyVariables>(
  args: UseQueryArgs<Variables, Data>,
): UseQueryResponse<Data, Variables> {
  const [state, ask] = useQuery<Data, Variables>(args);
  const of = JSON.stringify(args.variables ?? {});
  const [kept, keep] = useState<{ of: string; data: Data } | null>(null);
  if (state.data !== undefined && kept?.data !== state.data) keep({ of, data: state.data });
  const last = kept?.of === of ? kept.data : undefined;
  return [state.data === undefined && last !== undefined ? { ...state, data: last } : state, ask];
}
