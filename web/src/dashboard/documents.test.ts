/** Every document of the dashboard is valid: a field that is not there would only be `unknown`. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, type DocumentNode, Kind, parse, validate } from 'graphql';
import { expect, it } from 'vitest';

const here = import.meta.dirname;
const schema = buildSchema(
  readFileSync(join(here, '../../../server/schema/schema.graphql'), 'utf8'),
);

const documents = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.includes('.test.'))
  .flatMap((name) => {
    const text = readFileSync(join(here, name), 'utf8');
    return [...text.matchAll(/graphql\(\s*`([^`]+)`/g)].map((found) => ({
      name,
      document: parse(found[1] ?? ''),
    }));
  });

const fragments = documents.flatMap(({ document }) =>
  document.definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION),
);

/** The document with the fragments that it spreads, as gql.tada puts them together. */
function whole(document: DocumentNode): DocumentNode {
  const text = JSON.stringify(document);
  const used = fragments.filter((each) =>
    text.includes(`"FragmentSpread","name":{"kind":"Name","value":"${each.name.value}"`),
  );
  const there = new Set(
    document.definitions.map((each) => ('name' in each ? each.name?.value : undefined)),
  );
  const missing = used.filter((each) => !there.has(each.name.value));
  if (missing.length === 0) return document;
  return whole({ ...document, definitions: [...document.definitions, ...missing] });
}

it.each(documents)('$name asks for what there is', ({ document }) => {
  if (document.definitions.every((each) => each.kind === Kind.FRAGMENT_DEFINITION)) return;
  expect(validate(schema, whole(document)).map(({ message }) => message)).toEqual([]);
});
