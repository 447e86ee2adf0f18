/** The documents that tables ask: just what is on screen, of the place where it is. */

import type { Place } from '../url/place';

/** A list of the API: `events` of a room, `rooms` of an experiment, the experiments. */
export interface Listing {
  place: Place | null;
  /** The field that has it. */
  connection: string;
  /** The type of its rows, which its filter and order inputs are named after. */
  type: string;
}

/** The field that leads to the place, with its arguments, and their variables. */
function rootOf(place: Place | null) {
  if (place === null) return null;
  const { experimentId, roomId, participantId } = place;
  if (participantId !== undefined && roomId !== undefined) {
    return { field: 'participant', variables: { roomId, participantId } };
  }
  if (roomId !== undefined) return { field: 'room', variables: { roomId } };
  return { field: 'experiment', variables: { experimentId } };
}

/** The variables that name the place. */
export function placeVariables(place: Place | null): Record<string, string> {
  return (rootOf(place)?.variables ?? {}) as Record<string, string>;
}

/** A page: `$filter`, `$orderBy`, `$first`, `$after`. */
export function pageDocument(listing: Listing, selections: readonly string[]): string {
  const fields = [...new Set(selections)].map(indented(8)).join('\n');
  const body = `${listing.connection}(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      nodes {
${fields}
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }`;
  const variables = [
    `$filter: ${listing.type}Filter`,
    `$orderBy: [${listing.type}Order!]`,
    '$first: Int',
    '$after: String',
  ];
  return operation(listing, 'Page', variables, body);
}

/** How many rows there are: asked apart, as counting may take longer than a page. */
export function countDocument(listing: Listing): string {
  const body = `${listing.connection}(filter: $filter) {
      totalCount
    }`;
  return operation(listing, 'Count', [`$filter: ${listing.type}Filter`], body);
}

function operation(listing: Listing, kind: string, variables: string[], body: string): string {
  const name = capitalised(listing.connection) + kind;
  const root = rootOf(listing.place);
  if (root === null) return dedented(`query ${name}(${variables.join(', ')}) {\n    ${body}\n}`);
  const ids = Object.keys(root.variables);
  const declared = [...ids.map((id) => `$${id}: String!`), ...variables].join(', ');
  const given = ids.map((id) => `${id}: $${id}`).join(', ');
  return `query ${name}(${declared}) {\n  ${root.field}(${given}) {\n    ${body}\n  }\n}`;
}

/** The connection in an answer; null if there is no such place. */
export function connectionIn(data: unknown, listing: Listing): Connection | null {
  const root = rootOf(listing.place);
  const holder = (root === null ? data : (data as Answer | null)?.[root.field]) as Answer | null;
  return (holder?.[listing.connection] ?? null) as Connection | null;
}

export interface Connection {
  nodes?: unknown[];
  pageInfo?: { hasNextPage: boolean; endCursor: string | null };
  totalCount?: number;
}

type Answer = Record<string, unknown>;

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const indented = (by: number) => (text: string) => ' '.repeat(by) + text;
const dedented = (text: string) => text.replaceAll('\n    ', '\n  ').replace('{\n    ', '{\n  ');
