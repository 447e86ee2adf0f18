/** GraphiQL for the holder of one API key, which may change at any time. */

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useEffect, useMemo, useState } from 'react';
import { loadApiKey, saveApiKey } from '../apiKey';
import { type SignIn, signIn } from '../signIn';
import { createTransport, type Transport } from '../transport';
import { examples } from './examples';
import { createFetcher } from './fetcher';
import { KeyBar } from './KeyBar';

const plugins = [HISTORY_PLUGIN, explorerPlugin()];

export function App() {
  const [apiKey, setApiKey] = useApiKey();
  const transport = useTransport(apiKey);
  const signedIn = useSignIn(apiKey, transport);
  const fetcher = useMemo(() => createFetcher(transport), [transport]);
  // Introspection is answered to key holders only: null keeps GraphiQL from asking before.
  const schema = signedIn.state === 'accepted' ? {} : { schema: null };

  return (
    <>
      <KeyBar apiKey={apiKey} signIn={signedIn} onApiKey={setApiKey} />
      <main>
        <GraphiQL
          {...schema}
          fetcher={fetcher}
          plugins={plugins}
          defaultTabs={examples}
          defaultEditorToolsVisibility="variables"
          inputValueDeprecation
          schemaDescription
        >
          <GraphiQL.Logo>GraphiQL</GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

function useApiKey() {
  const [apiKey, setApiKey] = useState(loadApiKey);
  useEffect(() => saveApiKey(apiKey), [apiKey]);
  useEffect(() => {
    // An address with a key, entered into a page already open, loads nothing anew.
    const reload = () => setApiKey(loadApiKey());
    addEventListener('hashchange', reload);
    return () => removeEventListener('hashchange', reload);
  }, []);
  return [apiKey, setApiKey] as const;
}

function useTransport(apiKey: string): Transport {
  const transport = useMemo(() => createTransport(apiKey), [apiKey]);
  useEffect(() => () => transport.close(), [transport]);
  return transport;
}

function useSignIn(apiKey: string, transport: Transport): SignIn {
  const [answer, setAnswer] = useState<{ transport: Transport; signIn: SignIn }>();
  useEffect(() => {
    if (apiKey === '') return;
    let isCurrent = true;
    signIn(transport).then((result) => isCurrent && setAnswer({ transport, signIn: result }));
    return () => {
      isCurrent = false;
    };
  }, [apiKey, transport]);
  if (apiKey === '') return { state: 'noKey' };
  return answer?.transport === transport ? answer.signIn : { state: 'checking' };
}
