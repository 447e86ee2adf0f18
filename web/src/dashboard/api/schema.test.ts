import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { schemaTypes, TYPES } from '../../../scripts/schema-types.mjs';

test('the types are those of the printed schema: else run `npm run types`', () => {
  expect(readFileSync(TYPES, 'utf8') === schemaTypes()).toBe(true);
});
