import { useMemo } from 'react';
import type uPlot from 'uplot';
import { type Drawn, told } from './drawnRatings';
import { LinePlot, type LineStyle } from './LinePlot';
import { formatOnset, type Span } from './timeScale';

const Y = {
  range: [-0.03, 1.03] as [number, number],
  splits: [0, 0.25, 0.5, 0.75, 1],
  format: (value: number) => value.toFixed(2),
};

interface RatingLinesProps {
  drawn: Drawn;
  span: Span;
  hidden: ReadonlySet<string>;
  height: number;
  timeLabels: boolean;
}

/** A line of means for each person, over the band from smallest to largest. */
export function RatingLines({ drawn, span, hidden, height, timeLabels }: RatingLinesProps) {
  const data = useMemo(
    () =>
      [
        drawn.x,
        ...drawn.lines.flatMap(({ mean, min, max }) => [max, min, mean]),
      ] as uPlot.AlignedData,
    [drawn],
  );
  const lines = drawn.people.flatMap(({ key, label, color }): LineStyle[] => {
    const shown = !hidden.has(key);
    return [
      { label: `${label}, largest`, color, shown, edge: true },
      { label: `${label}, smallest`, color, shown, edge: true },
      { label, color, shown },
    ];
  });
  const bands = drawn.people.map((_, at): [number, number] => [3 * at, 3 * at + 1]);
  const describe = (onset: number) =>
    drawn.people.map(({ label }, at) => `${label} ${told(drawn, at, onset)}`).join(', ');
  return (
    <LinePlot
      data={data}
      lines={lines}
      bands={bands}
      span={span}
      y={Y}
      height={height}
      timeLabels={timeLabels}
      describe={describe}
      label={`Continuous ratings of ${drawn.people.map(({ label }) => label).join(', ')}, 0 to 1, from ${formatOnset(span.from)} to ${formatOnset(span.to)}.`}
    />
  );
}
