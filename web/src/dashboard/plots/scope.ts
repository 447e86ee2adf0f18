/** One document for the three levels: what is asked of a place, whichever it is. */

import type { Place } from '../url/place';

/** Variables of documents that ask `experiment`, `room` and `participant` with `@include`. */
export function scopeVariables({ experimentId, roomId, participantId }: Place) {
  return {
    experimentId,
    roomId: roomId ?? '',
    participantId: participantId ?? '',
    atExperiment: roomId === undefined,
    atRoom: roomId !== undefined && participantId === undefined,
    atParticipant: roomId !== undefined && participantId !== undefined,
  };
}

interface Levels<Answer> {
  experiment?: Answer | null;
  room?: Answer | null;
  participant?: Answer | null;
}

/** What was answered, of the level that was asked; null while there is nothing. */
export function ofScope<Answer>(data: Levels<Answer> | undefined): Answer | null {
  return data?.participant ?? data?.room ?? data?.experiment ?? null;
}

/** Not kept by the client: windows of series are many, and asked for again in no time. */
export const UNCACHED = { uncached: true };
