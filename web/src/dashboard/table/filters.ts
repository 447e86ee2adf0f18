/** Filters, as the address says them (`f`: the API's own filter input, as JSON) and as people do. */

import type { Column } from './columns';

export type Filter = Record<string, unknown>;
type Match = Record<string, unknown>;

/** What cannot be read is no filter. */
export function parseFilter(f: string | null): Filter {
  try {
    const found: unknown = JSON.parse(f ?? '{}');
    return isObject(found) ? found : {};
  } catch {
    return {};
  }
}

export function writeFilter(filter: Filter): string | null {
  return Object.keys(filter).length === 0 ? null : JSON.stringify(filter);
}

/** Sets the part of one field; null takes it out. */
export function withField(filter: Filter, field: string, match: unknown): Filter {
  const { [field]: _before, ...rest } = filter;
  return match === null ? rest : { ...rest, [field]: match };
}

/** All of them hold. Fields of several are put side by side as long as none is in two. */
export function allOf(...filters: (Filter | null)[]): Filter | null {
  const parts = filters.filter((part) => part !== null && Object.keys(part).length > 0) as Filter[];
  const fields = parts.flatMap((part) => Object.keys(part));
  if (parts.length === 0) return null;
  if (new Set(fields).size === fields.length) return Object.assign({}, ...parts) as Filter;
  return { and: parts };
}

/** Any of these text fields holds what is searched for; an id is found as a whole. */
export function searchFor(q: string | null, fields: readonly string[], ids: readonly string[]) {
  const text = q?.trim() ?? '';
  if (text === '') return null;
  const alternatives: Filter[] = [
    ...fields.map((field) => ({ [field]: { contains: text } })),
    ...ids.map((field) => ({ [field]: { in: [text] } })),
  ];
  return alternatives.length === 1 ? (alternatives[0] as Filter) : { or: alternatives };
}

/** The time window of the address, in ms from the experiment start. */
export function windowOf(from: string | null, to: string | null): Filter | null {
  const range: Match = {};
  if (isWhole(from)) range.gte = Number(from);
  if (isWhole(to)) range.lt = Number(to);
  return Object.keys(range).length === 0 ? null : { onset: range };
}

export interface Chip {
  field: string;
  text: string;
}

/** What a filter does, a piece for each of its fields. */
export function chipsOf<Row>(filter: Filter, columns: Column<Row>[]): Chip[] {
  return Object.entries(filter).map(([field, match]) => {
    const column = columns.find((one) => (one.filterField ?? one.id) === field);
    return {
      field,
      text: column ? `${column.label} ${describe(match)}` : `${field}: ${JSON.stringify(match)}`,
    };
  });
}

function describe(match: unknown): string {
  if (Array.isArray(match)) return `has ${match.map(plain).join(', ')}`;
  if (!isObject(match)) return JSON.stringify(match);
  const said: string[] = [];
  if (match.isNull === true) said.push('is empty');
  if (match.isNull === false) said.push('is not empty');
  if ('path' in match && match.path !== '') said.push(`at ${match.path}`);
  if ('equals' in match) said.push(`is ${shortly(match.equals)}`);
  if (Array.isArray(match.in)) said.push(`is ${match.in.map(plain).join(' or ')}`);
  if ('contains' in match) said.push(`contains “${match.contains}”`);
  if ('startsWith' in match) said.push(`begins with “${match.startsWith}”`);
  if ('has' in match) said.push(`has “${match.has}”`);
  if ('isEmpty' in match) said.push(match.isEmpty ? 'is an empty list' : 'is not an empty list');
  if ('gte' in match) said.push(`≥ ${match.gte}`);
  if ('lt' in match) said.push(`< ${match.lt}`);
  return said.join(', ');
}

function shortly(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? `“${value}”` : JSON.stringify(value);
}

/** `CHAT_MESSAGES` as `chat messages`. */
export function plain(value: unknown): string {
  const text = String(value);
  return /^[A-Z_]+$/.test(text) ? text.toLowerCase().replaceAll('_', ' ') : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(text: string | null): text is string {
  return text !== null && /^-?\d{1,15}$/.test(text);
}
