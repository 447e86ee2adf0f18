import { expect, it } from 'vitest';
import { groupsOf, percent, titleOf, toneOf } from './quality';

it('rounds no gap away', () => {
  expect([0, 0.001, 0.5, 0.986, 0.9999, 1].map(percent)).toEqual([
    '0 %',
    '< 1 %',
    '50 %',
    '99 %',
    '> 99 %',
    '100 %',
  ]);
  expect([1, 0.95, 0.2].map(toneOf)).toEqual(['good', 'warn', 'bad']);
});

it('puts the worst issues first, then the most frequent', () => {
  const issue = (code: string, severity: 'ERROR' | 'WARNING' | 'INFO') => ({ code, severity });
  const groups = groupsOf([
    issue('NO_SYNC_METRICS', 'INFO'),
    issue('GAP', 'WARNING'),
    issue('OUT_OF_ORDER', 'WARNING'),
    issue('OUT_OF_ORDER', 'WARNING'),
    issue('NO_DATA', 'ERROR'),
  ]);
  expect(groups.map((group) => `${group.length} ${group[0]?.code}`)).toEqual([
    '1 NO_DATA',
    '2 OUT_OF_ORDER',
    '1 GAP',
    '1 NO_SYNC_METRICS',
  ]);
});

it('names codes for people', () => {
  expect(titleOf('COMPONENT_NOT_COMPLETED')).toBe('Component not completed');
});
