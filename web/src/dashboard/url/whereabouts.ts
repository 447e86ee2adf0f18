/** Reads where one is out of a path: the other way round than `placePath`. */

import type { Place } from './place';

export interface Whereabouts {
  place: Place;
  /** What follows the place, such as `data` or `quality`; empty for its first view. */
  view: string;
  /** What follows the view, such as `events`. */
  section?: string;
}

const PATH =
  /^\/experiments\/([^/]+)(?:\/rooms\/([^/]+)(?:\/participants\/([^/]+))?)?(?:\/([^/]+))?(?:\/([^/]+))?\/?$/;

/** Null for a path above the experiments. */
export function whereaboutsOf(path: string): Whereabouts | null {
  const parts = PATH.exec(path)
    ?.slice(1)
    .map((part) => part && decoded(part));
  const [experimentId, roomId, participantId, view = '', section] = parts ?? [];
  if (experimentId === undefined) return null;
  const place: Place = { experimentId };
  if (roomId !== undefined) place.roomId = roomId;
  if (participantId !== undefined) place.participantId = participantId;
  return { place, view, ...(section !== undefined && { section }) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // no address of ours
  }
}
