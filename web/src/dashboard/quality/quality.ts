/** What completeness and issues come to, in words and tones. */

import type { BadgeTone } from '../ui';

export type Severity = 'ERROR' | 'WARNING' | 'INFO';

export const DATA_TYPES = [
  'EVENTS',
  'RECORDINGS',
  'CHAT_MESSAGES',
  'CONTINUOUS_RATINGS',
  'SPARSE_RATINGS',
  'SYNC_METRICS',
  'COMPONENTS',
] as const;
export type DataTypeName = (typeof DATA_TYPES)[number];

const NAMES: Record<DataTypeName, string> = {
  EVENTS: 'Events',
  RECORDINGS: 'Recordings',
  CHAT_MESSAGES: 'Chat messages',
  CONTINUOUS_RATINGS: 'Continuous ratings',
  SPARSE_RATINGS: 'Sparse ratings',
  SYNC_METRICS: 'Sync metrics',
  COMPONENTS: 'Components',
};
export const nameOf = (type: DataTypeName) => NAMES[type];

/** The part of an address that names a type: `sync_metrics`. */
export const tabOf = (type: DataTypeName) => type.toLowerCase();

export const TONES: Record<Severity, BadgeTone> = {
  ERROR: 'bad',
  WARNING: 'warning',
  INFO: 'neutral',
};
export const WORDS: Record<Severity, string> = { ERROR: 'Error', WARNING: 'Warning', INFO: 'Note' };

/** Whole percents, but never 100 % for what is not complete, nor 0 % for what is not nothing. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return '< 1 %';
  if (share < 1 && share > 0.99) return '> 99 %';
  return `${Math.round(100 * share)} %`;
}

export function toneOf(share: number): 'good' | 'warn' | 'bad' {
  return share >= 0.99 ? 'good' : share >= 0.9 ? 'warn' : 'bad';
}

/** `Component not completed` of `COMPONENT_NOT_COMPLETED`. */
export function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

interface Kind {
  code: string;
  severity: Severity;
}

/** Issues of one code together, the worst and the most frequent first. */
export function groupsOf<Issue extends Kind>(issues: readonly Issue[]): Issue[][] {
  const groups = new Map<string, Issue[]>();
  for (const issue of issues) {
    const key = `${issue.severity} ${issue.code}`;
    groups.set(key, [...(groups.get(key) ?? []), issue]);
  }
  const rank: Record<Severity, number> = { ERROR: 0, WARNING: 1, INFO: 2 };
  return [...groups.values()].sort(
    ([one], [other]) =>
      rank[one?.severity ?? 'INFO'] - rank[other?.severity ?? 'INFO'] ||
      (groups.get(`${other?.severity} ${other?.code}`)?.length ?? 0) -
        (groups.get(`${one?.severity} ${one?.code}`)?.length ?? 0),
  );
}

/** `2026-09-10 09:04:35` of an ISO time, in UTC as everywhere else. */
export function formatTime(timestamp: string | null): string {
  return timestamp === null ? '–' : timestamp.slice(0, 19).replace('T', ' ');
}
