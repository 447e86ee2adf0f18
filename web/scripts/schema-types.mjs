/**
 * Writes the types that gql.tada reads the schema from: `npm run types`.
 *
 * It calls what gql.tada's command line would: that one wants TypeScript's old compiler.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { minifyIntrospection, outputIntrospectionFile } from '@gql.tada/internal';
import { buildSchema, introspectionFromSchema } from 'graphql';

const SCHEMA = new URL('../../server/schema/schema.graphql', import.meta.url);
export const TYPES = new URL('../src/dashboard/api/schema.d.ts', import.meta.url);

/** Gives the types of the printed schema. */
export function schemaTypes() {
  const schema = buildSchema(readFileSync(SCHEMA, 'utf8'));
  /** @type {unknown} */
  const introspection = introspectionFromSchema(schema, { descriptions: false });
  const small = minifyIntrospection(
    /** @type {Parameters<typeof minifyIntrospection>[0]} */ (introspection),
  );
  return outputIntrospectionFile(small, { fileType: '.d.ts', shouldPreprocess: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TYPES, schemaTypes());
