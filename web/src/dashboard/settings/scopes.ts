/** What a key may be allowed, in words. */

export const SCOPES: [scope: string, what: string][] = [
  ['read:experiments', 'Experiments and rooms'],
  ['read:participants', 'Participants'],
  ['read:events', 'Events'],
  ['read:recordings', 'Recordings'],
  ['read:chat', 'Chat messages'],
  ['read:ratings', 'Ratings'],
  ['read:sync', 'Sync metrics'],
  ['read:components', 'Components'],
  ['export:data', 'Make exports'],
  ['write:events', 'Add records'],
  ['write:experiments', 'Change experiments, share them'],
  ['delete:experiments', 'Delete experiments, erase people'],
  ['admin:api_keys', 'Make keys'],
];

export const PURPOSES: Record<string, { name: string; scopes: string[] }> = {
  READ: { name: 'Read everything', scopes: ['read:*'] },
  EXPORT: { name: 'Read and export', scopes: ['read:*', 'export:data'] },
  COLLECT: { name: 'Add records, read nothing', scopes: ['write:events'] },
  ALL: { name: 'Everything that I may do', scopes: ['*'] },
  CHOOSE: { name: 'Choose …', scopes: [] },
};

export const EXPIRIES = {
  SEVEN_DAYS: '7 days',
  THIRTY_DAYS: '30 days',
  NINETY_DAYS: '90 days',
  ONE_YEAR: 'a year',
  NEVER: 'until it is revoked',
} as const;
export type Expiry = keyof typeof EXPIRIES;
