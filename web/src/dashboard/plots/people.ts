/** Who is in a room, in one order everywhere, so that a person has one colour in all plots. */

import { useMemo } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../api/graphql';
import type { Place } from '../url/place';

const PEOPLE = graphql(`
  query PeopleOfRoom($roomId: String!) {
    room(roomId: $roomId) {
      roomId
      status
      startTime
      experimentStart
      participants(first: 100) {
        nodes {
          participantId
          role
          status
        }
      }
    }
  }
`);

export interface Person {
  participantId: string;
  role: string | null;
  /** `host · JmQO…`: the role, and as much of the id as tells people apart. */
  label: string;
  /** A CSS colour, the same in all plots of the room. */
  color: string;
}

export const COLORS = 8;

/** Names people by role where that is enough, and by role and number where it is not. */
export function peopleOf(
  participants: readonly { participantId: string; role: string | null }[],
): Person[] {
  const sorted = [...participants].sort((one, other) =>
    `${one.role} ${one.participantId}` < `${other.role} ${other.participantId}` ? -1 : 1,
  );
  const taken = new Map<string, number>();
  const totals = new Map<string, number>();
  for (const { role } of sorted) totals.set(role ?? '', (totals.get(role ?? '') ?? 0) + 1);
  return sorted.map(({ participantId, role }, at) => {
    const number = (taken.get(role ?? '') ?? 0) + 1;
    taken.set(role ?? '', number);
    const name = role ?? 'participant';
    return {
      participantId,
      role,
      label: (totals.get(role ?? '') ?? 0) > 1 ? `${name} ${number}` : name,
      color: `var(--series-${(at % COLORS) + 1})`,
    };
  });
}

export interface Room {
  people: Person[];
  /** Of the participant, or one made up for who is not in the list. */
  personOf(participantId: string | null): Person;
  status: string | null;
  experimentStart: string | null;
  fetching: boolean;
}

const NOBODY: Person[] = [];

export function useRoom({ roomId }: Place): Room {
  const [{ data, fetching }] = useQuery({
    query: PEOPLE,
    variables: { roomId: roomId ?? '' },
    pause: roomId === undefined,
  });
  const room = roomId === undefined ? null : data?.room;
  const people = useMemo(() => (room ? peopleOf(room.participants.nodes) : NOBODY), [room]);
  return useMemo(() => {
    const known = new Map(people.map((person) => [person.participantId, person]));
    return {
      people,
      status: room?.status ?? null,
      experimentStart: room?.experimentStart ?? null,
      fetching,
      personOf: (participantId) =>
        known.get(participantId ?? '') ?? {
          participantId: participantId ?? '',
          role: null,
          label: participantId?.slice(0, 6) ?? 'all participants',
          color: 'var(--series-1)',
        },
    };
  }, [people, room, fetching]);
}
