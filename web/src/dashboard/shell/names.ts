/** The names of the places on the way here. */

import { useQuery } from 'urql';
import { graphql } from '../api/graphql';
import type { Place } from '../url/place';

const NAMES = graphql(`
  query Names($experimentId: String!) {
    experiment(experimentId: $experimentId) {
      name
    }
  }
`);

export function usePlaceNames(place: Place | null): { experiment: string | null } {
  const [{ data }] = useQuery({
    query: NAMES,
    variables: { experimentId: place?.experimentId ?? '' },
    pause: place === null,
  });
  return { experiment: data?.experiment?.name ?? null };
}
