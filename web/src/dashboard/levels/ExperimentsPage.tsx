/** All experiments that one may see. */

import { lazy, Suspense } from 'react';
import { navigate } from 'wouter/use-browser-location';
import { ListView } from '../table/ListView';
import { placePath } from '../url/place';
import { EXPERIMENT_COLUMNS } from './columns';
import type { ExperimentRow } from './rows';
import { useChoosing } from './useChoosing';

const DownloadButton = lazy(() => import('../exports/DownloadButton'));

export function ExperimentsPage() {
  const { choosing, chosen } = useChoosing<ExperimentRow>(idOf, ({ name }) => name);
  return (
    <>
      <h1 className="visually-hidden">Experiments</h1>
      <ListView<ExperimentRow>
        listing={{ place: null, connection: 'experiments', type: 'Experiment' }}
        what="experiments"
        columns={EXPERIMENT_COLUMNS}
        selections={['experimentId', 'name']}
        rowKey={idOf}
        search={{
          hint: 'Search name, description or id',
          fields: ['name', 'description'],
          ids: ['experimentId'],
        }}
        choosing={choosing}
        onOpen={({ experimentId }) => navigate(placePath({ experimentId }))}
        none="None is yours yet, and none was shared with you."
        tools={
          chosen.length > 0 && (
            <Suspense fallback={null}>
              <span>{chosen.length} chosen</span>
              <DownloadButton place={null} selection={{ experimentIds: chosen.map(idOf) }} />
            </Suspense>
          )
        }
      />
    </>
  );
}

const idOf = ({ experimentId }: ExperimentRow) => experimentId;
