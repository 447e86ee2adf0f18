/** Making a key; it is shown once, to be copied or saved. */

import { useState } from 'react';
import { useQuery } from 'urql';
import { change, type Refusal } from '../api/changes';
import { useApi } from '../api/client';
import { graphql } from '../api/graphql';
import { saveText } from '../exports/saving';
import { Button, Dialog, Field, Notice, ProblemNotice, toast } from '../ui';
import { EXPIRIES, type Expiry, PURPOSES, SCOPES } from './scopes';

const KeyCreate = graphql(`
  mutation KeyCreate($input: ApiKeyInput!) {
    apiKeyCreate(input: $input) {
      apiKey {
        id
        name
      }
      secret
      env
      userErrors {
        field
        message
        code
      }
    }
  }
`);
const ExperimentNames = graphql(`
  query ExperimentNames {
    experiments(first: 200) {
      nodes {
        experimentId
        name
      }
    }
  }
`);

interface Made {
  name: string;
  secret: string;
  env: string;
}

export function KeyDialog({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const { client } = useApi();
  const [name, setName] = useState('');
  const [purpose, setPurpose] = useState('EXPORT');
  const [chosen, setChosen] = useState<string[]>(['read:*']);
  const [expiry, setExpiry] = useState<Expiry>('NINETY_DAYS');
  const [bound, setBound] = useState<string[]>([]);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const [{ data }] = useQuery({ query: ExperimentNames });
  const scopes = purpose === 'CHOOSE' ? chosen : (PURPOSES[purpose]?.scopes ?? []);

  const make = async () => {
    setBusy(true);
    const { done, problem } = await change(client, KeyCreate, {
      input: { name, scopes, expiry, ...(bound.length > 0 ? { experimentIds: bound } : {}) },
    });
    setBusy(false);
    setRefusal(problem);
    if (!done?.secret || !done.env) return;
    setMade({ name, secret: done.secret, env: done.env });
    onMade();
  };
  if (made) return <MadeKey made={made} onClose={onClose} />;

  const errorOf = (field: string) => (refusal?.field === field ? refusal.what : undefined);
  return (
    <Dialog
      title="New API key"
      open
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" busy={busy} disabled={scopes.length === 0} onClick={make}>
            Make the key
          </Button>
        </>
      }
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        {refusal && refusal.field !== 'name' && <ProblemNotice problem={refusal} onRetry={make} />}
        <Field
          label="Name"
          hint="What it is for: a script, a machine, a person."
          error={errorOf('name')}
        >
          {(control) => (
            <input
              {...control}
              value={name}
              maxLength={200}
              autoComplete="off"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <div className="field-pair">
          <Field label="It may" hint={scopes.join(', ')}>
            {(control) => (
              <select
                {...control}
                value={purpose}
                onChange={(event) => setPurpose(event.target.value)}
              >
                {Object.entries(PURPOSES).map(([id, words]) => (
                  <option key={id} value={id}>
                    {words.name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="It works for">
            {(control) => (
              <select
                {...control}
                value={expiry}
                onChange={(event) => setExpiry(event.target.value as Expiry)}
              >
                {Object.entries(EXPIRIES).map(([id, words]) => (
                  <option key={id} value={id}>
                    {words}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        {purpose === 'CHOOSE' && (
          <Choices
            legend="Scopes"
            options={[['read:*', 'Read everything'], ...SCOPES]}
            chosen={chosen}
            onChoose={setChosen}
          />
        )}
        <Choices
          legend="Only for these experiments"
          hint="All that you see, if none is chosen."
          options={(data?.experiments.nodes ?? []).map((each) => [each.experimentId, each.name])}
          chosen={bound}
          onChoose={setBound}
        />
      </form>
    </Dialog>
  );
}

interface ChoicesProps {
  legend: string;
  hint?: string;
  options: [id: string, name: string][];
  chosen: string[];
  onChoose: (chosen: string[]) => void;
}

function Choices({ legend, hint, options, chosen, onChoose }: ChoicesProps) {
  return (
    <fieldset className="choice-group">
      <legend>{legend}</legend>
      <div className="choice-list">
        {options.map(([id, name]) => (
          <label key={id} className="choice">
            <input
              type="checkbox"
              checked={chosen.includes(id)}
              onChange={() =>
                onChoose(
                  chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id],
                )
              }
            />
            <span>{name}</span>
          </label>
        ))}
      </div>
      {hint && <p className="field-hint">{hint}</p>}
    </fieldset>
  );
}

function MadeKey({ made, onClose }: { made: Made; onClose: () => void }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.secret);
      toast('Copied.');
    } catch {
      toast('The browser did not let this page copy: select the key instead.', 'error');
    }
  };
  return (
    <Dialog
      title={`The key ${made.name}`}
      open
      actions={
        <>
          <Button onClick={() => saveText(made.env, 'hyperdata.env')}>Save a .env file</Button>
          <Button onClick={copy}>Copy</Button>
          <Button kind="primary" onClick={onClose}>
            I have kept it
          </Button>
        </>
      }
    >
      <div className="stack">
        <Notice tone="warning" title="It is shown this once">
          Only a hash of it is stored. Keep it where others cannot read it, and not in a script.
        </Notice>
        <Field label="API key">
          {(control) => (
            <input
              {...control}
              className="mono"
              readOnly
              value={made.secret}
              onFocus={(event) => event.target.select()}
            />
          )}
        </Field>
      </div>
    </Dialog>
  );
}
