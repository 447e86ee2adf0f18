/** Typed documents: `graphql(…)` beside the component that asks, checked against the schema. */

import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './schema';

export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { DateTime: string; BigInt: number | string; JSON: unknown };
}>();

export type { ResultOf, VariablesOf } from 'gql.tada';
