/** The rooms of an experiment. */

import { lazy, Suspense, useMemo } from 'react';
import { navigate } from 'wouter/use-browser-location';
import { ListView } from '../table/ListView';
import { placePath } from '../url/place';
import { roomColumns } from './columns';
import type { RoomRow } from './rows';
import { useChoosing } from './useChoosing';

const DownloadButton = lazy(() => import('../exports/DownloadButton'));

export function RoomsList({ experimentId }: { experimentId: string }) {
  const columns = useMemo(() => roomColumns(experimentId), [experimentId]);
  const { choosing, chosen } = useChoosing<RoomRow>(idOf, idOf);
  return (
    <ListView<RoomRow>
      listing={{ place: { experimentId }, connection: 'rooms', type: 'Room' }}
      what="rooms"
      columns={columns}
      selections={['roomId']}
      rowKey={idOf}
      search={{ hint: 'Search reason or room id', fields: ['completionReason'], ids: ['roomId'] }}
      choosing={choosing}
      onOpen={({ roomId }) => navigate(placePath({ experimentId, roomId }))}
      none="Nobody has taken part yet: a room appears here with its first participant."
      tools={
        chosen.length > 0 && (
          <Suspense fallback={null}>
            <span>{chosen.length} chosen</span>
            <DownloadButton place={{ experimentId }} selection={{ roomIds: chosen.map(idOf) }} />
          </Suspense>
        )
      }
    />
  );
}

const idOf = ({ roomId }: RoomRow) => roomId;
