/** Between what a person types and the API's inputs for one field. */

import type { FilterKind } from './columns';

export interface Draft {
  how: string;
  text: string;
  path: string;
  from: string;
  to: string;
  values: string[];
  /** `any`, `only`, `none`; `yes` and `no` for truth values. */
  empty: string;
}

type Match = Record<string, unknown>;

const NOTHING: Draft = {
  how: 'contains',
  text: '',
  path: '',
  from: '',
  to: '',
  values: [],
  empty: 'any',
};

export function draftOf(kind: FilterKind, match: unknown): Draft {
  if (Array.isArray(match)) return { ...NOTHING, values: match.map(String) };
  const said = (match ?? {}) as Match;
  const how = HOWS.find((one) => one in said) ?? 'contains';
  return {
    how: how === 'isEmpty' && said.isEmpty === false ? 'isNotEmpty' : how,
    text: textOf(kind, said, how),
    path: String(said.path ?? ''),
    from: kind === 'time' ? localTime(said.gte) : String(said.gte ?? ''),
    to: kind === 'time' ? localTime(said.lt) : String(said.lt ?? ''),
    values: Array.isArray(said.in) ? said.in.map(String) : [],
    empty: emptyOf(kind, said),
  };
}

const HOWS = ['contains', 'startsWith', 'equals', 'in', 'has', 'isEmpty'];

function textOf(kind: FilterKind, said: Match, how: string): string {
  const value = said[how];
  if (value === undefined || how === 'isEmpty') return '';
  if (Array.isArray(value)) return value.join(', ');
  return kind === 'json' ? jsonText(value) : String(value);
}

function emptyOf(kind: FilterKind, { isNull, equals }: Match): string {
  if (kind === 'boolean' && typeof equals === 'boolean') return equals ? 'yes' : 'no';
  return isNull === true ? 'only' : isNull === false ? 'none' : 'any';
}

/** The input; its match is null when nothing is asked. */
export function matchOf(kind: FilterKind, draft: Draft): { match: unknown } | { problem: string } {
  if (typeof kind === 'object') {
    if (draft.values.length === 0) return { match: null };
    return { match: 'oneOf' in kind ? { in: draft.values } : draft.values };
  }
  if (draft.empty === 'yes' || draft.empty === 'no')
    return { match: { equals: draft.empty === 'yes' } };
  const match: Match = valuesOf(kind, draft);
  if (typeof match.gte === 'number' && typeof match.lt === 'number' && match.gte >= match.lt) {
    return { problem: 'No number is from the first on and less than the second.' };
  }
  if (draft.empty === 'only') match.isNull = true;
  if (draft.empty === 'none') match.isNull = false;
  return { match: Object.keys(match).length === 0 ? null : match };
}

function valuesOf(kind: FilterKind, draft: Draft): Match {
  const text = draft.text.trim();
  const range: Match = {};
  switch (kind) {
    case 'number':
      if (draft.from !== '') range.gte = Number(draft.from);
      if (draft.to !== '') range.lt = Number(draft.to);
      return range;
    case 'time':
      if (draft.from !== '') range.gte = utc(draft.from);
      if (draft.to !== '') range.lt = utc(draft.to);
      return range;
    case 'ids':
      return anyOf(text.split(/[\s,]+/));
    case 'list':
      if (draft.how === 'isEmpty' || draft.how === 'isNotEmpty') {
        return { isEmpty: draft.how === 'isEmpty' };
      }
      return text === '' ? {} : { has: text };
    case 'json':
      if (text === '') return {};
      return { ...(draft.path !== '' && { path: draft.path }), equals: jsonOf(text) };
    default:
      if (draft.how === 'in') return anyOf(text.split(',').map((one) => one.trim()));
      return text === '' ? {} : { [draft.how]: text };
  }
}

function anyOf(values: string[]): Match {
  const found = values.filter((value) => value !== '');
  return found.length === 0 ? {} : { in: found };
}

/** `5` is a number, `"5"` and `five` are texts. */
function jsonOf(text: string): unknown {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? text : found;
  } catch {
    return text;
  }
}

function jsonText(value: unknown): string {
  return typeof value === 'string' && jsonOf(value) === value ? value : JSON.stringify(value);
}

const utc = (local: string) => new Date(`${local}Z`).toISOString();
const localTime = (moment: unknown) =>
  typeof moment === 'string' ? new Date(moment).toISOString().slice(0, 23) : '';
