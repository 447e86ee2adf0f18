/** Requests of participants for their data: answered, refused, handed a link. */

import { useState } from 'react';
import { change, type Refusal } from '../api/changes';
import { useApi } from '../api/client';
import { graphql, type ResultOf } from '../api/graphql';
import { problemOf } from '../api/problems';
import { useKept } from '../api/useKept';
import { moment, STATUSES } from '../exports/wording';
import { Badge, type BadgeTone, Button, Dialog, Field, ProblemNotice, toast } from '../ui';
import { ListTable } from '../ui/ListTable';

const RequestsQuery = graphql(`
  query DataRequests($experimentId: String!) {
    experiment(experimentId: $experimentId) {
      id
      participantsMayRequestData
    }
    dataRequests(experimentId: $experimentId, first: 100) {
      nodes {
        id
        participantId
        askedBy
        includeMedia
        receivedAt
        dueAt
        refusalReason
        downloadedAt
        state
        packageStatus
        downloadUrl
      }
    }
  }
`);
const RequestCreate = graphql(`
  mutation DataRequestCreate($input: DataRequestInput!) {
    participantDataRequest(input: $input) {
      dataRequest {
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
const RequestRefuse = graphql(`
  mutation DataRequestRefuse($input: DataRequestRefusalInput!) {
    dataRequestRefuse(input: $input) {
      dataRequest {
        id
      }
      userErrors {
        message
        code
      }
    }
  }
`);
const TokenCreate = graphql(`
  mutation ParticipantTokenCreate($input: ParticipantTokenInput!) {
    participantTokenCreate(input: $input) {
      url
      expiresAt
      userErrors {
        field
        message
        code
      }
    }
  }
`);
type Request = ResultOf<typeof RequestsQuery>['dataRequests']['nodes'][number];

const STATES: Record<Request['state'], [name: string, tone: BadgeTone]> = {
  RECEIVED: ['To be answered', 'warning'],
  READY: ['Ready', 'accent'],
  FULFILLED: ['Fulfilled', 'good'],
  REFUSED: ['Refused', 'neutral'],
  EXPIRED: ['Expired', 'neutral'],
};
const ASKED_BY = { ACCOUNT: 'by their account', LINK: 'by a link', OWNER: 'by the owner' };

export function DataRequests({ experimentId }: { experimentId: string }) {
  const [isAsking, setAsking] = useState<'package' | 'link' | null>(null);
  const [refusing, setRefusing] = useState<Request | null>(null);
  const [{ data, error }, ask] = useKept({
    query: RequestsQuery,
    variables: { experimentId },
    requestPolicy: 'cache-and-network',
  });
  const problem = problemOf(error);
  const again = () => ask({ requestPolicy: 'network-only' });
  const requests = data?.dataRequests.nodes ?? [];
  return (
    <section className="settings-section" aria-labelledby="requests-heading">
      <div className="page-head">
        <h2 id="requests-heading">Requests for their own data</h2>
        <div className="row">
          <Button onClick={() => setAsking('link')}>Make a link …</Button>
          <Button onClick={() => setAsking('package')}>Answer a participant …</Button>
        </div>
      </div>
      <p className="muted">
        {data?.experiment?.participantsMayRequestData
          ? 'Participants may ask by themselves, with an account or a link.'
          : 'Participants may not ask by themselves here; you can answer one who wrote to you.'}{' '}
        An answer is due within a month.
      </p>
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {data && requests.length === 0 && <p>Nobody has asked.</p>}
      {requests.length > 0 && (
        <ListTable
          label="Data requests"
          rows={requests}
          keyOf={(request) => request.id}
          columns={[
            {
              label: 'Participant',
              cell: (request) => (
                <>
                  <code className="wrap-anywhere">{request.participantId}</code>
                  <span className="sub">
                    asked {ASKED_BY[request.askedBy]}
                    {request.includeMedia && ', with video and audio'}
                  </span>
                </>
              ),
            },
            {
              label: 'State',
              cell: (request) => (
                <>
                  <Badge tone={STATES[request.state][1]}>{STATES[request.state][0]}</Badge>
                  <span className="sub">
                    {request.refusalReason ??
                      (request.state === 'RECEIVED' && request.packageStatus
                        ? `package: ${STATUSES[request.packageStatus].name.toLowerCase()}`
                        : '')}
                  </span>
                </>
              ),
            },
            { label: 'Received', cell: (request) => moment(request.receivedAt) },
            { label: 'Due', cell: (request) => moment(request.dueAt) },
            {
              label: 'Actions',
              actions: true,
              cell: (request) => (
                <div className="row">
                  {request.downloadUrl && (
                    <a className="button plain" href={request.downloadUrl} download>
                      Download
                    </a>
                  )}
                  {(request.state === 'RECEIVED' || request.state === 'READY') && (
                    <Button kind="quiet" onClick={() => setRefusing(request)}>
                      Refuse …
                    </Button>
                  )}
                </div>
              ),
            },
          ]}
        />
      )}
      {isAsking === 'package' && (
        <PackageDialog experimentId={experimentId} onClose={() => setAsking(null)} onDone={again} />
      )}
      {isAsking === 'link' && (
        <LinkDialog experimentId={experimentId} onClose={() => setAsking(null)} />
      )}
      {refusing && (
        <RefuseDialog request={refusing} onClose={() => setRefusing(null)} onDone={again} />
      )}
    </section>
  );
}

interface AskProps {
  experimentId: string;
  onClose: () => void;
  onDone: () => void;
}

function PackageDialog({ experimentId, onClose, onDone }: AskProps) {
  const { client } = useApi();
  const [participantId, setParticipantId] = useState('');
  const [includeMedia, setIncludeMedia] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const make = async () => {
    const { problem } = await change(client, RequestCreate, {
      input: { experimentId, participantId: participantId.trim(), includeMedia, format: 'CSV' },
    });
    setRefusal(problem);
    if (problem) return;
    toast('The package is being made: it will be in the list.');
    onDone();
    onClose();
  };
  return (
    <Dialog
      title="Answer a participant"
      open
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" disabled={participantId.trim() === ''} onClick={make}>
            Make the package
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>
          A ZIP with all that is stored of one person, in plain words; everybody else is under a
          code.
        </p>
        <Field label="Participant" error={refusal?.what}>
          {(control) => (
            <input
              {...control}
              value={participantId}
              autoComplete="off"
              onChange={(event) => setParticipantId(event.target.value)}
            />
          )}
        </Field>
        <label className="choice">
          <input
            type="checkbox"
            checked={includeMedia}
            onChange={(event) => setIncludeMedia(event.target.checked)}
          />
          <span>With their video and audio: another may be heard in them</span>
        </label>
      </div>
    </Dialog>
  );
}

function LinkDialog({ experimentId, onClose }: Omit<AskProps, 'onDone'>) {
  const { client } = useApi();
  const [participantId, setParticipantId] = useState('');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [made, setMade] = useState<{ url: string; expiresAt: string | null } | null>(null);
  const make = async () => {
    const { done, problem } = await change(client, TokenCreate, {
      input: { experimentId, participantId: participantId.trim(), days: 30 },
    });
    setRefusal(problem);
    if (done?.url) setMade({ url: done.url, expiresAt: done.expiresAt });
  };
  return (
    <Dialog
      title="A link for a participant"
      open
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          {made === null && (
            <Button kind="primary" disabled={participantId.trim() === ''} onClick={make}>
              Make the link
            </Button>
          )}
        </>
      }
    >
      <div className="stack">
        <p>
          Whoever has the link can ask once for the data of that person, and fetch them: hand it to
          the participant, and to nobody else. It works for 30 days.
        </p>
        {made === null ? (
          <Field label="Participant" error={refusal?.what}>
            {(control) => (
              <input
                {...control}
                value={participantId}
                autoComplete="off"
                onChange={(event) => setParticipantId(event.target.value)}
              />
            )}
          </Field>
        ) : (
          <Field
            label="Link, shown this once"
            hint={made.expiresAt ? `Until ${moment(made.expiresAt)}.` : undefined}
          >
            {(control) => (
              <input
                {...control}
                className="mono"
                readOnly
                value={made.url}
                onFocus={(event) => event.target.select()}
              />
            )}
          </Field>
        )}
      </div>
    </Dialog>
  );
}

function RefuseDialog(props: { request: Request; onClose: () => void; onDone: () => void }) {
  const { request, onClose, onDone } = props;
  const { client } = useApi();
  const [reason, setReason] = useState('');
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const refuse = async () => {
    const { problem } = await change(client, RequestRefuse, { input: { id: request.id, reason } });
    setRefusal(problem);
    if (problem) return;
    onDone();
    onClose();
  };
  return (
    <Dialog
      title="Refuse this request?"
      open
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="danger" disabled={reason.trim() === ''} onClick={refuse}>
            Refuse
          </Button>
        </>
      }
    >
      <div className="stack">
        {refusal && <ProblemNotice problem={refusal} />}
        <Field label="Reason" hint="The participant is told.">
          {(control) => (
            <textarea
              {...control}
              rows={3}
              maxLength={1000}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
      </div>
    </Dialog>
  );
}
