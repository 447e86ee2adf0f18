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
  const { isNull, equals, in: any, path, gte, lt, has, ...rest } = (match ?? {}) as Match;
  const how =
    ['contains', 'startsWith'].find((one) => one in rest) ??
    (equals !== undefined ? 'equals' : 'contains');
  const text =
    rest[how] ?? has ?? (kind === 'json' && equals !== undefined ? jsonText(equals) : equals);
  const values = Array.isArray(any) ? any.map(String) : [];
  return {
    how,
    text:
      kind === 'ids' || (kind === 'text' && values.length > 0)
        ? values.join(', ')
        : text === undefined
          ? ''
          : String(text),
    path: String(path ?? ''),
    from: kind === 'time' ? localTime(gte) : String(gte ?? ''),
    to: kind === 'time' ? localTime(lt) : String(lt ?? ''),
    values,
    empty:
      kind === 'boolean' && typeof equals === 'boolean'
        ? equals
          ? 'yes'
          : 'no'
        : isNull === true
          ? 'only'
          : isNull === false
            ? 'none'
            : 'any',
  };
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
    case 'ids': {
      const ids = text.split(/[\s,]+/).filter((id) => id !== '');
      return ids.length === 0 ? {} : { in: ids };
    }
    case 'list':
      return text === '' ? {} : { has: text };
    case 'json':
      if (text === '') return {};
      return { ...(draft.path !== '' && { path: draft.path }), equals: jsonOf(text) };
    default:
      return text === '' ? {} : { [draft.how]: text };
  }
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
