/** The ways to sign in: the server's own page, or an API key for this tab alone. */

import { useState } from 'react';
import { saveApiKey } from '../../apiKey';
import { Button, Field, Notice } from '../ui';
import './SignIn.css';

interface SignInProps {
  problem: string | null;
  onSignedIn: () => void;
  /** Sign in in another tab: this one keeps what it shows. */
  elsewhere?: boolean;
}

export function SignInPage(props: SignInProps) {
  return (
    <main className="alone">
      <p className="alone-name">
        <img src="/static/favicon.svg" alt="" width="28" height="28" /> HyperStudy Data
      </p>
      <h1>Sign in</h1>
      <SignInWays {...props} />
    </main>
  );
}

export function SignInWays({ problem, onSignedIn, elsewhere = false }: SignInProps) {
  const [key, setKey] = useState('');
  const address = `/auth/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  return (
    <div className="stack">
      {problem && <Notice tone="error">{problem}</Notice>}
      {elsewhere ? (
        <div className="row">
          <a className="button primary" href="/auth/sign-in" target="_blank" rel="noreferrer">
            Sign in in a new tab
          </a>
          <Button
            onClick={() => {
              saveApiKey(''); // one that was refused would go before the session
              onSignedIn();
            }}
          >
            I have signed in: go on
          </Button>
        </div>
      ) : (
        <a className="button primary" href={address}>
          Sign in with this browser
        </a>
      )}
      <p className="or">or</p>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          saveApiKey(key.trim());
          onSignedIn();
        }}
      >
        <Field label="API key" hint="Kept by this tab until you close it.">
          {(control) => (
            <input
              {...control}
              className="mono"
              type="password"
              autoComplete="off"
              spellCheck={false}
              placeholder="hst_live_…"
              required
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit">Use the key</Button>
      </form>
    </div>
  );
}
