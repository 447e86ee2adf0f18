/** Shows its children to who has signed in; a session that ends leaves them as they are. */

import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import { Provider } from 'urql';
import { saveApiKey } from '../../apiKey';
import { signOut as endSession } from '../../session';
import { Button, Dialog, Notice, Spinner } from '../ui';
import { type Api, ApiContext, makeClient } from './client';
import { type Identity, identify } from './identity';
import { SignInPage, SignInWays } from './SignIn';

type Known = Extract<Identity, { state: 'known' }>;

export function SignedIn({ children }: { children: ReactNode }) {
  const [identity, setIdentity] = useState<Identity | null>(null);
  const ask = useCallback(() => void identify().then(setIdentity), []);

  useEffect(() => {
    ask();
    // An address with a key, entered into a page already open, loads nothing anew.
    addEventListener('hashchange', ask);
    return () => removeEventListener('hashchange', ask);
  }, [ask]);

  if (identity === null) return <Spinner label="Signing in" />;
  if (identity.state === 'unreachable') {
    return (
      <main className="alone">
        <Notice
          tone="error"
          title={identity.problem}
          action={<Button onClick={ask}>Try again</Button>}
        >
          It may be restarting.
        </Notice>
      </main>
    );
  }
  if (identity.state === 'unknown') {
    return <SignInPage problem={identity.problem} onSignedIn={ask} />;
  }
  // Somebody else does not inherit what is on screen.
  return (
    <Asking key={identity.who.userId} known={identity} onKnown={setIdentity}>
      {children}
    </Asking>
  );
}

interface AskingProps {
  known: Known;
  onKnown: (identity: Identity) => void;
  children: ReactNode;
}

function Asking({ known, onKnown, children }: AskingProps) {
  const [refused, setRefused] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const { client, close } = useMemo(
    () => makeClient(known.credentials, () => setRefused(true)),
    [known.credentials],
  );
  useEffect(() => close, [close]);

  const api = useMemo<Api>(
    () => ({
      client,
      who: known.who,
      mode: known.credentials.mode,
      signOut() {
        if (known.credentials.mode === 'session') return void endSession();
        saveApiKey('');
        location.assign('/');
      },
    }),
    [client, known],
  );

  const signInAgain = async () => {
    const next = await identify();
    if (next.state === 'known') {
      setRefused(false);
      setProblem(null);
      onKnown(next);
    } else {
      setProblem(next.problem ?? 'You are not signed in yet.');
    }
  };

  return (
    <ApiContext value={api}>
      <Provider value={client}>
        {children}
        <Dialog title="Sign in again" open={refused}>
          <p>
            The server does not know you any more: your session has ended, or your key was revoked.
            What you were doing stays as it is behind this.
          </p>
          <SignInWays problem={problem} onSignedIn={() => void signInAgain()} elsewhere />
        </Dialog>
      </Provider>
    </ApiContext>
  );
}
