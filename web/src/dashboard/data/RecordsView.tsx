/** The records of a place: a tab for each of the seven types, a plot where one helps, the table. */

import { type ComponentType, lazy, Suspense, useMemo } from 'react';
import { DATA_TYPES, type DataType, dataTypeOf } from '../levels/dataTypes';
import { type Facts, type Issue, useIssues } from '../levels/facts';
import type { DataTypeName } from '../shown';
import { count } from '../table/format';
import { ListView } from '../table/ListView';
import { Badge, Empty, Tabs } from '../ui';
import { dataPath, type Place } from '../url/place';
import { useSearchState } from '../url/state';
import { dataColumns, SEARCHES } from './columns';
import './RecordsView.css';
import { RowDetail } from './RowDetail';
import type { AnyRecord } from './record';

type Plot = ComponentType<{ place: Place }>;

const LOADS: Partial<Record<DataTypeName, () => Promise<{ default: Plot }>>> = {
  EVENTS: () => import('../plots/EventsPanel'),
  RECORDINGS: () => import('../plots/Player'),
  CHAT_MESSAGES: () => import('../plots/Conversation'),
  CONTINUOUS_RATINGS: () => import('../plots/RatingsPanel'),
  SYNC_METRICS: () => import('../plots/DriftPanel'),
};

const PLOTS = Object.fromEntries(
  Object.entries(LOADS).map(([name, load]) => [name, lazy(load)]),
) as Partial<Record<DataTypeName, Plot>>;

/** Begins to load the plot of a tab, while it is still asked what the place is. */
export function preloadPlot(tab: string): void {
  const type = dataTypeOf(tab);
  if (type !== undefined) LOADS[type.name]?.().catch(() => undefined); // the view tells of it
}

/** Types of small records, of which there are millions. */
const MANY: ReadonlySet<DataTypeName> = new Set(['CONTINUOUS_RATINGS', 'SYNC_METRICS']);

interface RecordsViewProps {
  place: Place;
  /** Null as long as they are asked for: what may be shown is asked for meanwhile. */
  facts: Facts | null;
  tab: string;
}

export default function RecordsView({ place, facts, tab }: RecordsViewProps) {
  const dataType = dataTypeOf(tab);
  const issues = useIssues(place);
  return (
    <>
      <Tabs
        label="Data types"
        within
        current={tab}
        items={DATA_TYPES.map((type) => ({
          id: type.tab,
          label: type.label,
          href: dataPath(place, type.tab),
          note: facts && <TabNote type={type} facts={facts} issues={issues} />,
        }))}
      />
      {dataType === undefined ? (
        <Empty title="There is no such type of data">Choose one of the tabs above.</Empty>
      ) : (
        <Records key={dataType.tab} place={place} dataType={dataType} facts={facts} />
      )}
    </>
  );
}

/** How many records, and whether the quality report finds fault with them. */
function TabNote({ type, facts, issues }: { type: DataType; facts: Facts; issues: Issue[] }) {
  const summary = facts.dataSummary.find(({ dataType }) => dataType === type.name);
  const found = issues.filter(
    ({ dataType, severity }) => dataType === type.name && severity !== 'INFO',
  );
  const isBad = found.some(({ severity }) => severity === 'ERROR');
  return (
    <>
      {count(summary?.recordCount)}
      {found.length > 0 && (
        <Badge
          tone={isBad ? 'bad' : 'warning'}
          title={found.map(({ message }) => message).join('\n')}
        >
          {found.length} {found.length === 1 ? 'issue' : 'issues'}
        </Badge>
      )}
    </>
  );
}

interface RecordsProps {
  place: Place;
  dataType: DataType;
  facts: Facts | null;
}

function Records({ place, dataType, facts }: RecordsProps) {
  const [open, setOpen] = useSearchState('row');
  const Plot = PLOTS[dataType.name];
  const columns = useMemo(() => dataColumns(dataType.name, place), [dataType, place]);
  const dataTypes = useMemo(() => [dataType.name], [dataType]);

  if (facts && !facts.access.dataTypes.includes(dataType.name)) {
    return (
      <Empty title={`${dataType.label} are not shown to you`}>
        {facts.access.why}. Ask the owner of the experiment to share them, or use a key that may
        read them.
      </Empty>
    );
  }
  return (
    <div className="records">
      {Plot && (
        <Suspense fallback={null}>
          <Plot place={place} />
        </Suspense>
      )}
      <ListView<AnyRecord>
        listing={{ place, connection: dataType.connection, type: dataType.type }}
        what={dataType.tab.replaceAll('_', ' ')}
        columns={columns}
        selections={['id']}
        rowKey={idOf}
        search={SEARCHES[dataType.name]}
        dataTypes={dataTypes}
        hasWindow
        pageSize={MANY.has(dataType.name) ? 1000 : 200}
        current={open}
        onOpen={({ id }) => setOpen(id, { replace: open !== null })}
        openLabel={() => 'Open the record'}
        none="No record of this type was taken here. The quality report says why, if it knows."
      />
      {open !== null && <RowDetail type={dataType.type} id={open} onClose={() => setOpen(null)} />}
    </div>
  );
}

const idOf = ({ id }: AnyRecord) => id;
