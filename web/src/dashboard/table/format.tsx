/** How values are shown in cells. Nothing is rounded away: a cell's title has all of it. */

import type { ReactNode } from 'react';
import { Badge, type BadgeTone } from '../ui';

const NONE = <span className="muted">–</span>;
const NUMBER = new Intl.NumberFormat('en-US');

export const count = (value: number | null | undefined): string =>
  value == null ? '–' : NUMBER.format(value);

/** Absolute time, UTC; milliseconds only where they tell records apart. */
export function Time({ value, exact = false }: { value: string | null; exact?: boolean }) {
  if (value === null) return NONE;
  const text = value.replace('T', ' ').replace('Z', '');
  return (
    <time dateTime={value} title={`${value} (UTC)`}>
      {exact ? text : text.slice(0, 16)}
    </time>
  );
}

/** Milliseconds, as they are. */
export function Milliseconds({ value }: { value: number | null }) {
  return value === null ? NONE : NUMBER.format(value);
}

/** How long something went on, from milliseconds: `1 h 02 min`, `4 min 05 s`, `12.3 s`. */
export function durationText(ms: number): string {
  const seconds = Math.abs(ms) / 1000;
  const sign = ms < 0 ? '−' : '';
  if (seconds < 60) return `${sign}${seconds.toFixed(1)} s`;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const two = (value: number) => String(value).padStart(2, '0');
  if (hours > 0) return `${sign}${hours} h ${two(minutes)} min`;
  return `${sign}${minutes} min ${two(Math.floor(seconds % 60))} s`;
}

export function Duration({ value }: { value: number | null }) {
  return value === null ? NONE : <span title={`${value} ms`}>{durationText(value)}</span>;
}

export function Text({ value }: { value: string | null }) {
  return value === null || value === '' ? NONE : <span title={value}>{value}</span>;
}

/** A number of the data: at most five digits after the point are shown. */
export function Figure({ value }: { value: number | null }) {
  if (value === null) return NONE;
  return <span title={String(value)}>{Math.round(value * 1e5) / 1e5}</span>;
}

export function YesNo({ value }: { value: boolean | null }) {
  return value === null ? NONE : value ? 'yes' : 'no';
}

export function List({ value }: { value: readonly string[] }) {
  return value.length === 0 ? NONE : <span title={value.join(', ')}>{value.join(', ')}</span>;
}

export function Json({ value }: { value: unknown }) {
  if (value == null) return NONE;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return (
    <span className={typeof value === 'object' ? 'mono' : undefined} title={text}>
      {text}
    </span>
  );
}

export function Bytes({ value }: { value: number | string | null }) {
  if (value === null) return NONE;
  const bytes = Number(value);
  const power = Math.min(4, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const unit = ['B', 'kB', 'MB', 'GB', 'TB'][power];
  return (
    <span title={`${bytes} bytes`}>
      {(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} {unit}
    </span>
  );
}

const TONES: Record<string, BadgeTone> = {
  ACTIVE: 'accent',
  COMPLETED: 'good',
  ARCHIVED: 'neutral',
  DISCONNECTED: 'warning',
  GOOD: 'good',
  ACCEPTABLE: 'warning',
  POOR: 'bad',
};

export function Status({ value }: { value: string | null }): ReactNode {
  return value === null ? (
    NONE
  ) : (
    <Badge tone={TONES[value] ?? 'neutral'}>{value.toLowerCase()}</Badge>
  );
}
