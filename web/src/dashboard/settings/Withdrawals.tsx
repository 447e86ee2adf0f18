/** Who has withdrawn, from what; withdrawing somebody, and lifting it. */

import { useState } from 'react';
import { change, type Refusal } from '../api/changes';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { type Problem, problemOf } from '../api/problems';
import { useKept } from '../api/useKept';
import { TypeChoices } from '../exports/TypeChoices';
import { ALL_TYPES, count, DATA_TYPES, type DataType, moment } from '../exports/wording';
import { Badge, Button, Dialog, Field, ProblemNotice, toast } from '../ui';
import { ListTable } from '../ui/ListTable';

const WithdrawalsQuery = graphql(`
  query Withdrawals($experimentId: String!) {
    experiment(experimentId: $experimentId) {
      id
      withdrawals(first: 200) {
        nodes {
          id
          participantId
          fromAt
          reason
          sealedAt
          liftedAt
          dataTypes
          sealed {
            dataType
            count
          }
        }
      }
    }
  }
`);
const Withdraw = graphql(`
  mutation Withdraw($input: WithdrawalInput!) {
    participantWithdraw(input: $input) {
      withdrawal {
        id
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`);
const Lift = graphql(`
  mutation WithdrawalLift($id: ID!) {
    participantWithdrawalLift(id: $id) {
      withdrawal {
        id
      }
      userErrors {
        message
        code
      }
    }
  }
`);
type Experiment = NonNullable<ResultOf<typeof WithdrawalsQuery>['experiment']>;
type Withdrawal = NonNullable<Experiment['withdrawals']>['nodes'][number];

export function Withdrawals({ experimentId }: { experimentId: string }) {
  const { client } = useApi();
  const [isAdding, setAdding] = useState(false);
  const [refused, setRefused] = useState<Problem | null>(null);
  const [{ data, error }, ask] = useKept({
    query: WithdrawalsQuery,
    variables: { experimentId },
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error) ?? refused;
  const again = () => ask({ requestPolicy: 'network-only' });
  const lift = async (id: string) => {
    const { problem: wrong } = await change(client, Lift, { id });
    setRefused(wrong);
    if (wrong === null) toast('Lifted: what was sealed is put back.');
    again();
  };
  const withdrawals = data?.experiment?.withdrawals?.nodes ?? [];
  return (
    <section className="settings-section" aria-labelledby="withdrawals-heading">
      <div className="page-head">
        <h2 id="withdrawals-heading">Withdrawals</h2>
        <Button onClick={() => setAdding(true)}>Withdraw somebody …</Button>
      </div>
      <p className="muted">
        From a withdrawal on, nobody is shown a record of theirs and none is exported; what is there
        stays sealed until it is lifted or erased.
      </p>
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {data && withdrawals.length === 0 && <p>Nobody has withdrawn.</p>}
      {withdrawals.length > 0 && (
        <ListTable
          label="Withdrawals"
          rows={withdrawals}
          keyOf={(each) => each.id}
          columns={[
            {
              label: 'Participant',
              cell: (each) => (
                <>
                  <code className="wrap-anywhere">{each.participantId}</code>
                  {each.reason && <span className="sub">“{each.reason}”</span>}
                </>
              ),
            },
            {
              label: 'From what',
              cell: (each) =>
                each.dataTypes?.map((type) => DATA_TYPES[type]).join(', ') ?? 'all of it',
            },
            { label: 'State', cell: (each) => <WithdrawalState withdrawal={each} /> },
            { label: 'Since', cell: (each) => moment(each.fromAt) },
            {
              label: 'Actions',
              actions: true,
              cell: (each) =>
                each.liftedAt === null && <Button onClick={() => lift(each.id)}>Lift</Button>,
            },
          ]}
        />
      )}
      {isAdding && (
        <WithdrawDialog
          experimentId={experimentId}
          onClose={() => setAdding(false)}
          onDone={again}
        />
      )}
    </section>
  );
}

function WithdrawalState({ withdrawal }: { withdrawal: Withdrawal }) {
  const { liftedAt, sealedAt, sealed } = withdrawal;
  if (liftedAt) return <Badge>Lifted {moment(liftedAt)}</Badge>;
  const records = sealed.reduce((sum, each) => sum + each.count, 0);
  return (
    <>
      <Badge tone={sealedAt ? 'good' : 'warning'}>{sealedAt ? 'Sealed' : 'To be sealed'}</Badge>
      {sealedAt && <span className="sub">{count(records)} records</span>}
    </>
  );
}

interface WithdrawProps {
  experimentId: string;
  onClose: () => void;
  onDone: () => void;
}

function WithdrawDialog({ experimentId, onClose, onDone }: WithdrawProps) {
  const { client } = useApi();
  const [participantId, setParticipantId] = useState('');
  const [types, setTypes] = useState<DataType[]>([...ALL_TYPES]);
  const [reason, setReason] = useState('');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const withdraw = async () => {
    setBusy(true);
    const { problem } = await change(client, Withdraw, {
      input: {
        experimentId,
        participantId: participantId.trim(),
        ...(types.length === ALL_TYPES.length ? {} : { dataTypes: types }),
        ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
      },
    });
    setBusy(false);
    setRefusal(problem);
    if (problem) return;
    toast('Withdrawn: their records are being sealed.');
    onDone();
    onClose();
  };
  return (
    <Dialog
      title="Withdraw somebody"
      open
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            kind="danger"
            busy={busy}
            disabled={participantId.trim() === '' || types.length === 0}
            onClick={withdraw}
          >
            Withdraw
          </Button>
        </>
      }
    >
      <div className="stack">
        {refusal && refusal.field !== 'participantId' && <ProblemNotice problem={refusal} />}
        <Field
          label="Participant"
          hint="In all of their rooms of this experiment."
          error={refusal?.field === 'participantId' ? refusal.what : undefined}
        >
          {(control) => (
            <input
              {...control}
              value={participantId}
              autoComplete="off"
              onChange={(event) => setParticipantId(event.target.value)}
            />
          )}
        </Field>
        <fieldset className="choice-group">
          <legend>Takes back consent to</legend>
          <TypeChoices chosen={types} onChoose={setTypes} />
        </fieldset>
        <Field label="Reason" hint="Such as the date of a letter; no names.">
          {(control) => (
            <input
              {...control}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
      </div>
    </Dialog>
  );
}
