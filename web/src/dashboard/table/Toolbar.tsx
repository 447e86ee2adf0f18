/** Above a table: search, filters that are on, columns, how many rows there are. */

import { type ReactNode, useEffect, useState } from 'react';
import { Button, Menu } from '../ui';
import { type Column, colsOf } from './columns';
import type { Chip } from './filters';
import { count } from './format';
import './Toolbar.css';

interface ToolbarProps<Row> {
  what: string;
  total: number | null;
  q: string | null;
  onSearch: (q: string) => void;
  searchHint: string;
  chips: Chip[];
  onRemoveChip: (field: string) => void;
  columns: Column<Row>[];
  shown: Column<Row>[];
  onColumns: (cols: string | null) => void;
  onFilter: (column: Column<Row>) => void;
  onRefresh: () => void;
  children?: ReactNode;
}

export function Toolbar<Row>(props: ToolbarProps<Row>) {
  const { what, total, chips, columns, shown, onColumns, onFilter, onRefresh } = props;
  const shownIds = new Set(shown.map(({ id }) => id));
  return (
    <div className="toolbar">
      <SearchBox {...props} />
      <Menu label="Filter">
        {(close) =>
          columns
            .filter((column) => column.filter !== undefined)
            .map((column) => (
              <Button
                key={column.id}
                kind="quiet"
                onClick={() => {
                  close();
                  onFilter(column);
                }}
              >
                {column.label}
              </Button>
            ))
        }
      </Menu>
      <Menu label="Columns">
        {() => (
          <fieldset className="choices">
            <legend className="visually-hidden">Columns shown</legend>
            {columns.map(({ id, label }) => (
              <label key={id} className="check">
                <input
                  type="checkbox"
                  checked={shownIds.has(id)}
                  disabled={shownIds.size === 1 && shownIds.has(id)}
                  onChange={(event) => {
                    const next = new Set(shownIds);
                    if (event.target.checked) next.add(id);
                    else next.delete(id);
                    onColumns(colsOf(columns, next));
                  }}
                />
                {label}
              </label>
            ))}
            <Button kind="quiet" onClick={() => onColumns(null)}>
              As usual
            </Button>
          </fieldset>
        )}
      </Menu>
      <Button kind="quiet" onClick={onRefresh} title="Ask again" aria-label="Refresh">
        ↻
      </Button>
      {chips.map(({ field, text }) => (
        <span key={field} className="chip">
          <span title={text}>{text}</span>
          <button
            type="button"
            aria-label={`Remove filter: ${text}`}
            onClick={() => props.onRemoveChip(field)}
          >
            ×
          </button>
        </span>
      ))}
      <span className="toolbar-end">
        <span className="total" role="status">
          {total === null ? '' : `${count(total)} ${total === 1 ? what.replace(/s$/, '') : what}`}
        </span>
        {props.children}
      </span>
    </div>
  );
}

const TYPING_ENDS_MS = 300;

function SearchBox<Row>({ q, onSearch, searchHint }: ToolbarProps<Row>) {
  const [text, setText] = useState(q ?? '');
  useEffect(() => setText(q ?? ''), [q]);
  useEffect(() => {
    if (text === (q ?? '')) return;
    const timer = setTimeout(() => onSearch(text), TYPING_ENDS_MS);
    return () => clearTimeout(timer);
  }, [text, q, onSearch]);
  return (
    <input
      type="search"
      className="search"
      aria-label={searchHint}
      placeholder={searchHint}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}
