import { expect, test } from 'vitest';
import { dataPath, placePath } from './place';
import { whereaboutsOf } from './whereabouts';

const person = { experimentId: 'exp_1', roomId: 'room/1 ü', participantId: 'p?1' };
const { participantId: _, ...room } = person;

test.each([
  [placePath({ experimentId: 'exp_1' }), { place: { experimentId: 'exp_1' }, view: '' }],
  [
    placePath({ experimentId: 'exp_1' }, 'settings/audit'),
    { place: { experimentId: 'exp_1' }, view: 'settings', section: 'audit' },
  ],
  [placePath(room, 'live'), { place: room, view: 'live' }],
  [dataPath(room, 'events'), { place: room, view: 'data', section: 'events' }],
  [dataPath(person, 'chat_messages'), { place: person, view: 'chat_messages' }],
])('%s leads back to where it came from', (path, whereabouts) => {
  expect(whereaboutsOf(path)).toEqual(whereabouts);
});

test.each(['/', '/exports', '/experiments', '/experiments/a/b/c/d/e/f/g/h'])(
  '%s is no place',
  (path) => expect(whereaboutsOf(path)).toBeNull(),
);

test('an address that was not written by us is taken as it is', () => {
  expect(whereaboutsOf('/experiments/50%')?.place.experimentId).toBe('50%');
});
