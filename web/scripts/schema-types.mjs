/**
 * Writes the types that gql.tada reads the schema from: `node scripts/schema-types.mjs`.
 *
 * It calls what gql.tada's command line would: that one wants TypeScript's old compiler.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { minifyIntrospection, outputIntrospectionFile } from '@gql.tada/internal';
import { buildSchema, introspectionFromSchema } from 'graphql';

const SCHEMA = new URL('../../server/schema/schema.graphql', import.meta.url);
const TYPES = new URL('../src/dashboard/api/schema.d.ts', import.meta.url);

const schema = buildSchema(readFileSync(SCHEMA, 'utf8'));
const introspection = minifyIntrospection(
  /** @type {Parameters<typeof minifyIntrospection>[0]} */ (
    introspectionFromSchema(schema, { descriptions: false })
  ),
);
const types = outputIntrospectionFile(introspection, {
  fileType: '.d.ts',
  shouldPreprocess: true,
});
const folder = process.argv[2]; // elsewhere, to compare
writeFileSync(folder ? `${folder}/schema.d.ts` : TYPES, types);
