/** Where in the hierarchy a view is, and its address. */

export interface Place {
  experimentId: string;
  roomId?: string | undefined;
  participantId?: string | undefined;
}

/** `rest`: what follows the place, such as `data/events` or `quality`. */
export function placePath(place: Place, rest = ''): string {
  const parts = ['experiments', place.experimentId];
  if (place.roomId !== undefined) parts.push('rooms', place.roomId);
  if (place.participantId !== undefined) parts.push('participants', place.participantId);
  const path = `/${parts.map(encodeURIComponent).join('/')}`;
  return rest === '' ? path : `${path}/${rest}`;
}

/** The address of a table of records: a participant's tabs have no `data/` before them. */
export function dataPath(place: Place, tab: string): string {
  return placePath(place, place.participantId === undefined ? `data/${tab}` : tab);
}
