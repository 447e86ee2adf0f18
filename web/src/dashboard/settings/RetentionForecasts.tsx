/** A dry run: what a policy would do, and when. */

import { useQuery } from 'urql';
import { graphql, type VariablesOf } from '../api/graphql';
import { problemOf } from '../api/problems';
import { count, DATA_TYPES, moment, plural, size } from '../exports/wording';

const PreviewQuery = graphql(`
  query RetentionPreview($experimentId: String!, $input: RetentionInput) {
    retentionPreview(experimentId: $experimentId, input: $input) {
      legalHold
      forecasts {
        action
        dueAt
        firstNoticeAt
        lastNoticeAt
        beginsAt
        recordCounts {
          dataType
          count
        }
        participantCount
        roomCount
        exportCount
        mediaCount
        mediaBytes
      }
    }
  }
`);

const ACTIONS = {
  ARCHIVE: 'it is archived: read-only, with a sealed package',
  DELETE_MEDIA: 'its video and audio are deleted; the records stay',
  DELETE_DATA: 'its records, media, participants and rooms are deleted',
};

interface ForecastProps extends VariablesOf<typeof PreviewQuery> {
  /** Whether the experiment is completed, so that days count. */
  isCounting: boolean;
}

export function RetentionForecasts({ isCounting, ...variables }: ForecastProps) {
  const [{ data, error }] = useQuery({
    query: PreviewQuery,
    variables,
    requestPolicy: 'network-only',
  });
  const problem = problemOf(error);
  const preview = data?.retentionPreview;
  return (
    <div className="download-preview" aria-live="polite">
      <h3>What this would do</h3>
      {problem && <p className="field-error">{problem.what}</p>}
      {!problem && preview?.legalHold && <p>Nothing, as long as the legal hold is there.</p>}
      {!problem && preview && !preview.legalHold && preview.forecasts.length === 0 && (
        <p>
          {isCounting ? 'Nothing: all is kept.' : 'Nothing yet: days count from completion on.'}
        </p>
      )}
      {!problem && !preview?.legalHold && (
        <ul className="estimate-list">
          {preview?.forecasts.map((each) => (
            <li key={each.action}>
              From <strong>{moment(each.beginsAt)}</strong> {ACTIONS[each.action]}.
              {each.firstNoticeAt && <> First notice {moment(each.firstNoticeAt)}.</>}
              {each.action === 'DELETE_DATA' && (
                <>
                  {' '}
                  {each.recordCounts
                    .filter((found) => found.count > 0)
                    .map(
                      (found) =>
                        `${count(found.count)} ${DATA_TYPES[found.dataType].toLowerCase()}`,
                    )
                    .join(', ')}
                  ; {plural(each.participantCount, 'participant')}, {plural(each.roomCount, 'room')}
                  , {plural(each.exportCount, 'export')}.
                </>
              )}
              {each.mediaCount > 0 && (
                <>
                  {' '}
                  {plural(each.mediaCount, 'file')}, {size(Number(each.mediaBytes))}.
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
