/** A list of the API as a table: its whole state is in the address. */

import { type ReactNode, useCallback, useMemo, useState } from 'react';
import { type DataTypeName, useShown } from '../shown';
import { Empty } from '../ui';
import { setSearch, useSearchState } from '../url/state';
import { type Column, shownColumns } from './columns';
import { type Choosing, DataTable } from './DataTable';
import type { Listing } from './document';
import { FilterDialog } from './FilterDialog';
import {
  allOf,
  chipsOf,
  parseFilter,
  searchFor,
  windowOf,
  withField,
  writeFilter,
} from './filters';
import { durationText } from './format';
import { orderBy, parseSort, toggled, writeSort } from './order';
import { Toolbar } from './Toolbar';
import { useListing } from './useListing';

export interface ListViewProps<Row> {
  listing: Listing;
  /** What the rows are called: `rooms`. */
  what: string;
  columns: Column<Row>[];
  /** What is asked for besides the columns, such as ids for links. */
  selections: readonly string[];
  rowKey: (row: Row) => string;
  /** Text fields, and ids, that the search looks into. */
  search: { hint: string; fields: readonly string[]; ids: readonly string[] };
  /** The types of records that these are; none above them. */
  dataTypes?: DataTypeName[];
  /** Whether the time window of the address holds here. */
  hasWindow?: boolean;
  pageSize?: number;
  choosing?: Choosing<Row>;
  current?: string | null;
  onOpen?: (row: Row) => void;
  openLabel?: (row: Row) => string;
  /** Said when there is none, without any filter. */
  none: string;
  tools?: ReactNode;
}

const NO_TYPES: DataTypeName[] = [];

export function ListView<Row>(props: ListViewProps<Row>) {
  const { listing, columns, search, what, dataTypes = NO_TYPES } = props;
  const [q] = useSearchState('q');
  const [f] = useSearchState('f');
  const [sort] = useSearchState('sort');
  const [cols] = useSearchState('cols');
  const [from] = useSearchState('from');
  const [to] = useSearchState('to');
  const [filtering, setFiltering] = useState<Column<Row> | null>(null);

  const typed = useMemo(() => parseFilter(f), [f]);
  const sorted = useMemo(() => parseSort(sort), [sort]);
  const shown = shownColumns(columns, cols);
  const time = props.hasWindow ? windowOf(from, to) : null;
  const filter = allOf(typed, time, searchFor(q, search.fields, search.ids));
  const order = orderBy(sorted, columns);
  const { pages, query, count, refresh } = useListing<Row>({
    listing,
    filter,
    orderBy: order,
    selections: [...props.selections, ...shown.map(({ id, select }) => select ?? id)],
    pageSize: props.pageSize ?? 50,
  });
  useShown({ place: listing.place, dataTypes, filter, orderBy: order, query });

  const chips = chipsOf(typed, columns);
  if (time !== null) chips.push({ field: WINDOW, text: windowText(from, to) });
  const onSearch = useCallback((text: string) => setSearch({ q: text }, { replace: true }), []);
  const clear = (field: string) =>
    field === WINDOW
      ? setSearch({ from: null, to: null })
      : setSearch({ f: writeFilter(withField(typed, field, null)) });
  const fieldOf = (column: Column<Row>) => column.filterField ?? column.id;

  return (
    <>
      <Toolbar
        what={what}
        total={count}
        q={q}
        onSearch={onSearch}
        searchHint={search.hint}
        chips={chips}
        onRemoveChip={clear}
        columns={columns}
        shown={shown}
        onColumns={(next) => setSearch({ cols: next }, { replace: true })}
        onFilter={setFiltering}
        onRefresh={refresh}
      >
        {props.tools}
      </Toolbar>
      <DataTable
        label={what}
        columns={shown}
        pages={pages}
        rowKey={props.rowKey}
        sorted={sorted}
        onSort={(id, adds) => setSearch({ sort: writeSort(toggled(sorted, id, adds)) })}
        onFilter={setFiltering}
        isFiltered={(column) => fieldOf(column) in typed}
        {...(props.choosing && { choosing: props.choosing })}
        current={props.current ?? null}
        {...(props.onOpen && { onOpen: props.onOpen })}
        {...(props.openLabel && { openLabel: props.openLabel })}
        empty={
          filter === null ? (
            <Empty title={`No ${what}`}>{props.none}</Empty>
          ) : (
            <Empty title={`No ${what} like that`}>
              Nothing here matches the search and the filters: take one away.
            </Empty>
          )
        }
      />
      {filtering && (
        <FilterDialog
          key={filtering.id}
          column={filtering}
          match={typed[fieldOf(filtering)]}
          onApply={(match) =>
            setSearch({ f: writeFilter(withField(typed, fieldOf(filtering), match)) })
          }
          onClose={() => setFiltering(null)}
        />
      )}
    </>
  );
}

const WINDOW = 'time window';

function windowText(from: string | null, to: string | null): string {
  const text = (ms: string | null) => (ms === null ? '…' : durationText(Number(ms)));
  return `Time ${text(from)} to ${text(to)}`;
}
