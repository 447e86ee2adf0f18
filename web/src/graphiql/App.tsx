/** GraphiQL for the holder of one API key, which may change at any time, or whoever is signed in. */

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useEffect, useMemo, useState } from 'react';
import { loadApiKey, saveApiKey } from '../apiKey';
import { loadSession, type Session } from '../session';
import { type SignIn, signIn } from '../signIn';
import { createTransport, type Transport } from '../transport';
import { examples } from './examples';
import { createFetcher } from './fetcher';
import { KeyBar } from './KeyBar';

const plugins = [HISTORY_PLUGIN, explorerPlugin()];

export function App() {
  const [apiKey, setApiKey] = useApiKey();
  const session = useSession(apiKey);
  const transport = useTransport(apiKey, session?.csrfToken ?? '');
  const signedIn = useSignIn(apiKey, session, transport);
  const fetcher = useMemo(() => createFetcher(transport), [transport]);
  // Introspection is answered to who is known only: null keeps GraphiQL from asking before.
  const schema = signedIn.state === 'accepted' ? {} : { schema: null };

  return (
    <>
      <KeyBar
        apiKey={apiKey}
        signIn={signedIn}
        isBySession={apiKey === '' && session != null}
        onApiKey={setApiKey}
      />
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

/** Who is signed in, where there is no key: undefined until it is known, null for nobody. */
function useSession(apiKey: string): Session | null | undefined {
  const [session, setSession] = useState<Session | null>();
  const isNeeded = apiKey === '' && session === undefined;
  useEffect(() => {
    if (!isNeeded) return;
    let isCurrent = true;
    loadSession().then((found) => isCurrent && setSession(found));
    return () => {
      isCurrent = false;
    };
  }, [isNeeded]);
  return session;
}

function useTransport(apiKey: string, csrfToken: string): Transport {
  const transport = useMemo(() => createTransport(apiKey, csrfToken), [apiKey, csrfToken]);
  useEffect(() => () => transport.close(), [transport]);
  return transport;
}

function useSignIn(
  apiKey: string,
  session: Session | null | undefined,
  transport: Transport,
): SignIn {
  const [answer, setAnswer] = useState<{ transport: Transport; signIn: SignIn }>();
  useEffect(() => {
    if (apiKey === '') return;
    let isCurrent = true;
    signIn(transport).then((result) => isCurrent && setAnswer({ transport, signIn: result }));
    return () => {
      isCurrent = false;
    };
  }, [apiKey, transport]);
  if (apiKey !== '') {
    return answer?.transport === transport ? answer.signIn : { state: 'checking' };
  }
  if (session === undefined) return { state: 'checking' };
  return session === null ? { state: 'noKey' } : { state: 'accepted', name: session.name };
}
