/** A box to tick for each type of data. */

import type { ReactNode } from 'react';
import { ALL_TYPES, DATA_TYPES, type DataType } from './wording';

interface TypeChoicesProps {
  chosen: readonly DataType[];
  /** Is given all that are chosen then, in the order in which they are shown. */
  onChoose: (types: DataType[]) => void;
  /** What stands behind a type's name. */
  note?: (type: DataType) => ReactNode;
}

export function TypeChoices({ chosen, onChoose, note }: TypeChoicesProps) {
  const toggled = (type: DataType) =>
    ALL_TYPES.filter((each) => (each === type) !== chosen.includes(each));
  return (
    <div className="type-choices">
      {ALL_TYPES.map((type) => (
        <label key={type} className="choice">
          <input
            type="checkbox"
            checked={chosen.includes(type)}
            onChange={() => onChoose(toggled(type))}
          />
          <span>{DATA_TYPES[type]}</span>
          {note?.(type)}
        </label>
      ))}
    </div>
  );
}
