/** Rows chosen in a table, for a download of just these. */

import { useState } from 'react';
import type { Choosing } from '../table/DataTable';

export function useChoosing<Row>(keyOf: (row: Row) => string, nameOf: (row: Row) => string) {
  const [chosen, setChosen] = useState<ReadonlyMap<string, Row>>(new Map());
  const choosing: Choosing<Row> = {
    name: nameOf,
    isChosen: (row) => chosen.has(keyOf(row)),
    choose(row, isChosen) {
      const next = new Map(chosen);
      if (isChosen) next.set(keyOf(row), row);
      else next.delete(keyOf(row));
      setChosen(next);
    },
  };
  return { choosing, chosen: [...chosen.values()] };
}
