/** Erasing a person: what would go, a typed confirmation, time for second thoughts, the receipt. */

import { useState } from 'react';
import { change } from '../api/changes';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { type Problem, problemOf } from '../api/problems';
import { useKept } from '../api/useKept';
import { saveText } from '../exports/saving';
import { count, moment } from '../exports/wording';
import { Badge, type BadgeTone, Button, ProblemNotice, toast } from '../ui';
import { ListTable } from '../ui/ListTable';
import { EraseDialog } from './EraseDialog';

const ErasuresQuery = graphql(`
  query Erasures($experimentId: String!) {
    erasures(experimentId: $experimentId, first: 100) {
      nodes {
        id
        kind
        status
        requestedAt
        dueAt
        completedAt
        reason
        removedCount
        totalCount
        receipt
        requestedBy {
          name
        }
        participant {
          participantId
        }
      }
    }
  }
`);
const ErasureCancel = graphql(`
  mutation ErasureCancel($id: ID!) {
    participantErasureCancel(id: $id) {
      erasure {
        id
        status
      }
      userErrors {
        message
        code
      }
    }
  }
`);
type Erasure = ResultOf<typeof ErasuresQuery>['erasures']['nodes'][number];

const STATES: Record<Erasure['status'], [name: string, tone: BadgeTone]> = {
  REQUESTED: ['Asked for', 'warning'],
  RUNNING: ['Going on', 'accent'],
  COMPLETED: ['All is gone', 'good'],
  CANCELED: ['Canceled', 'neutral'],
};

export function Erasures({ experimentId }: { experimentId: string }) {
  const { client } = useApi();
  const [isErasing, setErasing] = useState(false);
  const [refused, setRefused] = useState<Problem | null>(null);
  const [{ data, error }, ask] = useKept({
    query: ErasuresQuery,
    variables: { experimentId },
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error) ?? refused;
  const again = () => ask({ requestPolicy: 'network-only' });
  const cancel = async (id: string) => {
    const { problem: wrong } = await change(client, ErasureCancel, { id });
    setRefused(wrong);
    if (wrong === null) toast('Canceled: nothing is gone.');
    again();
  };
  const erasures = data?.erasures.nodes ?? [];
  return (
    <section className="settings-section" aria-labelledby="erasures-heading">
      <div className="page-head">
        <h2 id="erasures-heading">Erasures</h2>
        <Button kind="danger" onClick={() => setErasing(true)}>
          Erase somebody …
        </Button>
      </div>
      <p className="muted">
        A person goes for good: records, media, and exports that hold them. It begins after a time
        for second thoughts, and leaves a signed receipt.
      </p>
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {data && erasures.length === 0 && <p>Nobody was erased.</p>}
      {erasures.length > 0 && (
        <ListTable
          label="Erasures"
          rows={erasures}
          keyOf={(each) => each.id}
          columns={[
            {
              label: 'Who',
              cell: (each) => (
                <>
                  {each.participant ? (
                    <code className="wrap-anywhere">{each.participant.participantId}</code>
                  ) : each.kind === 'EXPERIMENT' ? (
                    'the experiment'
                  ) : (
                    'nobody who is known any more'
                  )}
                  {each.reason && <span className="sub">“{each.reason}”</span>}
                </>
              ),
            },
            { label: 'State', cell: (each) => <ErasureState erasure={each} /> },
            {
              label: 'Asked for',
              cell: (each) => (
                <>
                  {moment(each.requestedAt)}
                  <span className="sub">by {each.requestedBy.name}</span>
                </>
              ),
            },
            {
              label: 'Actions',
              actions: true,
              cell: (each) => (
                <>
                  {each.status === 'REQUESTED' && (
                    <Button onClick={() => cancel(each.id)}>Cancel it</Button>
                  )}
                  {each.receipt !== null && each.receipt !== undefined && (
                    <Button
                      onClick={() =>
                        saveText(JSON.stringify(each.receipt, null, 2), 'receipt.json')
                      }
                    >
                      Receipt
                    </Button>
                  )}
                </>
              ),
            },
          ]}
        />
      )}
      {isErasing && (
        <EraseDialog experimentId={experimentId} onClose={() => setErasing(false)} onDone={again} />
      )}
    </section>
  );
}

function ErasureState({ erasure }: { erasure: Erasure }) {
  const [name, tone] = STATES[erasure.status];
  return (
    <>
      <Badge tone={tone}>{name}</Badge>
      <span className="sub">
        {erasure.status === 'REQUESTED' && `begins ${moment(erasure.dueAt)}`}
        {erasure.status === 'RUNNING' &&
          `${count(erasure.removedCount)} of ${count(erasure.totalCount)} records`}
        {erasure.completedAt && moment(erasure.completedAt)}
      </span>
    </>
  );
}
