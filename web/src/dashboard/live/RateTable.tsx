import { nameOf } from '../quality/quality';
import type { DataTypeName } from './following';
import type { Rates } from './rates';

interface RateTableProps {
  types: readonly DataTypeName[];
  rates: Rates;
  now: number;
}

/** Records a second of each type, and the last minute as bars. */
export function RateTable({ types, rates, now }: RateTableProps) {
  return (
    <section className="panel live-rates" aria-label="Records a second">
      <h2>Records a second</h2>
      <table>
        <tbody>
          {types.map((type) => {
            const rate = rates.perSecond(type, now);
            const bars = rates.bars(type, now);
            const most = Math.max(1, ...bars);
            return (
              <tr key={type}>
                <th scope="row">{nameOf(type)}</th>
                <td className={rate === 0 ? 'number muted' : 'number'}>{rate.toFixed(1)}</td>
                <td>
                  <svg
                    className="live-bars"
                    viewBox="0 0 60 20"
                    preserveAspectRatio="none"
                    aria-hidden="true"
                  >
                    {bars.map((count, at) =>
                      count === 0 ? null : (
                        <rect
                          // biome-ignore lint/suspicious/noArrayIndexKey: a second is its place.
                          key={at}
                          x={at}
                          width={0.8}
                          y={20 - (20 * count) / most}
                          height={(20 * count) / most}
                        />
                      ),
                    )}
                  </svg>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
