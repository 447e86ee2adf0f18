/** How good the data of a place are: how much came, what is wrong with it, and whose it is. */

import { useMemo } from 'react';
import { useQuery } from 'urql';
import { Link } from 'wouter';
import { problemOf } from '../api/problems';
import { ofScope, scopeVariables } from '../plots/scope';
import { Empty, ProblemNotice } from '../ui';
import { dataPath, type Place } from '../url/place';
import { Bar } from './Bar';
import { BelowTable } from './BelowTable';
import { SUMMARY } from './documents';
import { Issues } from './Issues';
import { formatTime, nameOf, percent, tabOf } from './quality';
import './quality.css';

export default function QualityPanel({ place }: { place: Place }) {
  return (
    <div className="quality">
      <Summary place={place} />
      <Issues place={place} />
      {place.participantId === undefined && (
        <BelowTable key={place.roomId ?? place.experimentId} place={place} />
      )}
    </div>
  );
}

function Summary({ place }: { place: Place }) {
  const variables = useMemo(() => scopeVariables(place), [place]);
  const [{ data, error, fetching }, ask] = useQuery({
    query: SUMMARY,
    variables,
    requestPolicy: 'cache-and-network',
  });
  const scope = ofScope(data);
  const problem = problemOf(error);
  const whole = scope?.quality.completeness ?? null;
  return (
    <section className="panel quality-summary" aria-labelledby="completeness" aria-busy={fetching}>
      <header>
        <h2 id="completeness">Completeness</h2>
        {whole !== null && (
          <p>
            <strong>{percent(whole)}</strong> of what was expected came, on average over the types
            of which anything is expected.
          </p>
        )}
      </header>
      {problem && (
        <ProblemNotice problem={problem} onRetry={() => ask({ requestPolicy: 'network-only' })} />
      )}
      {scope?.dataSummary.length === 0 && (
        <Empty title="Nothing to show">
          What is shared with you, or your key, covers no type of data here.
        </Empty>
      )}
      <div className="quality-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Type</th>
              <th scope="col" className="number">
                Records
              </th>
              <th scope="col">Of what was expected</th>
              <th scope="col">First (UTC)</th>
              <th scope="col">Last (UTC)</th>
            </tr>
          </thead>
          <tbody>
            {scope?.dataSummary.map((summary) => (
              <tr key={summary.dataType}>
                <th scope="row">
                  <Link href={dataPath(place, tabOf(summary.dataType))}>
                    {nameOf(summary.dataType)}
                  </Link>
                </th>
                <td className="number">{summary.recordCount.toLocaleString('en')}</td>
                <td>
                  <Bar
                    completeness={summary.completeness}
                    expected={summary.expectedCount}
                    label={nameOf(summary.dataType)}
                  />
                </td>
                <td className="time">{formatTime(summary.firstTimestamp)}</td>
                <td className="time">{formatTime(summary.lastTimestamp)}</td>
              </tr>
            ))}
            {!scope && !problem && <Blank />}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Blank() {
  return [1, 2, 3, 4, 5, 6, 7].map((row) => (
    <tr key={row} className="blank">
      <td colSpan={5}>
        <span />
      </td>
    </tr>
  ));
}
