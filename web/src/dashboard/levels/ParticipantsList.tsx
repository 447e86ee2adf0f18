/** The participants of a room, or of all rooms of an experiment. */

import { lazy, Suspense, useMemo } from 'react';
import { navigate } from 'wouter/use-browser-location';
import { ListView } from '../table/ListView';
import { type Place, placePath } from '../url/place';
import { participantColumns } from './columns';
import type { ParticipantRow } from './rows';
import { useChoosing } from './useChoosing';

const DownloadButton = lazy(() => import('../exports/DownloadButton'));

interface ParticipantsListProps {
  place: Place;
  maySeeWho: boolean;
}

export function ParticipantsList({ place, maySeeWho }: ParticipantsListProps) {
  const columns = useMemo(() => participantColumns(place, maySeeWho), [place, maySeeWho]);
  const { choosing, chosen } = useChoosing<ParticipantRow>(keyOf, (row) => row.participantId);
  const participants = chosen.map(({ participantId, room: { roomId } }) => ({
    roomId,
    participantId,
  }));
  return (
    <ListView<ParticipantRow>
      listing={{ place, connection: 'participants', type: 'Participant' }}
      what="participants"
      columns={columns}
      selections={['participantId', 'room { roomId }']}
      rowKey={keyOf}
      search={{
        hint: 'Search role, code or participant id',
        fields: ['role', 'completionCode'],
        ids: ['participantId'],
      }}
      choosing={choosing}
      onOpen={({ participantId, room: { roomId } }) =>
        navigate(placePath({ experimentId: place.experimentId, roomId, participantId }, 'events'))
      }
      none="Nobody has taken part yet."
      tools={
        chosen.length > 0 && (
          <Suspense fallback={null}>
            <span>{chosen.length} chosen</span>
            <DownloadButton place={place} selection={{ participants }} />
          </Suspense>
        )
      }
    />
  );
}

const keyOf = ({ participantId, room }: ParticipantRow) => `${room.roomId} ${participantId}`;
