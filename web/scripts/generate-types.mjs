/**
 * Writes the TypeScript that graphql-codegen makes of a schema and of documents, for the tests.
 *
 * It calls the generator itself: its command line wants a newer Node than the pages do, and brings
 * loaders for remote schemas along.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typedDocumentNode from '@graphql-codegen/typed-document-node';
import * as typescript from '@graphql-codegen/typescript';
import * as typescriptOperations from '@graphql-codegen/typescript-operations';
import { buildSchema, parse, printSchema } from 'graphql';

const [folder, schemaFile, ...documentFiles] = process.argv.slice(2);
if (!folder || !schemaFile) throw new Error('Usage: generate-types.mjs FOLDER SCHEMA DOCUMENT…');

/** @param {string} file */
const read = (file) => readFileSync(file, 'utf8');

const schemaAst = buildSchema(read(schemaFile));
const schema = parse(printSchema(schemaAst));
const documents = documentFiles.map((location) => ({ location, document: parse(read(location)) }));
const parts = {
  'schema.ts': { typescript },
  'operations.ts': { typescriptOperations, typedDocumentNode },
};
for (const [name, pluginMap] of Object.entries(parts)) {
  const filename = join(folder, name);
  const plugins = Object.keys(pluginMap).map((plugin) => ({ [plugin]: {} }));
  const config = { defaultScalarType: 'unknown', useTypeImports: true };
  writeFileSync(
    filename,
    await codegen({ filename, schema, schemaAst, documents, plugins, pluginMap, config }),
  );
}
