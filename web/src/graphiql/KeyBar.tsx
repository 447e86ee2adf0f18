/** The bar above GraphiQL: whose page this is, the API key, and what the server says to it. */

import { type ChangeEvent, type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { signOut } from '../session';
import type { SignIn } from '../signIn';

/** Long enough to finish typing, short enough to feel immediate after a paste. */
const TYPING_PAUSE_MS = 400;

interface KeyBarProps {
  apiKey: string;
  signIn: SignIn;
  /** Whether somebody is signed in with this browser, so that no key is asked for. */
  isBySession: boolean;
  onApiKey(key: string): void;
}

export function KeyBar({ apiKey, signIn, isBySession, onApiKey }: KeyBarProps) {
  const [draft, setDraft] = useState(apiKey);
  const [isShown, setIsShown] = useState(false);
  const commit = () => onApiKey(draft.trim());

  useEffect(() => setDraft(apiKey), [apiKey]);
  useEffect(() => {
    const pause = setTimeout(() => onApiKey(draft.trim()), TYPING_PAUSE_MS);
    return () => clearTimeout(pause);
  }, [draft, onApiKey]);

  function submit(event: FormEvent) {
    event.preventDefault();
    commit();
  }

  return (
    <header className="key-bar">
      <h1>
        <img src={`${import.meta.env.BASE_URL}favicon.svg`} alt="" width="22" height="22" />
        HyperStudy Data
      </h1>
      <form onSubmit={submit} hidden={isBySession}>
        <label htmlFor="api-key">API key</label>
        <span className="key-field">
          <input
            id="api-key"
            type={isShown ? 'text' : 'password'}
            value={draft}
            onChange={(event: ChangeEvent<HTMLInputElement>) => setDraft(event.target.value)}
            onBlur={commit}
            placeholder="hst_live_…"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            aria-describedby="sign-in"
          />
          <button
            type="button"
            aria-pressed={isShown}
            aria-controls="api-key"
            aria-label={isShown ? 'Hide the API key' : 'Show the API key'}
            onClick={() => setIsShown(!isShown)}
          >
            {isShown ? 'Hide' : 'Show'}
          </button>
        </span>
      </form>
      <output id="sign-in" className={`sign-in ${signIn.state}`}>
        {describe(signIn)}
      </output>
      {isBySession && (
        <button type="button" className="sign-out" onClick={signOut}>
          Sign out
        </button>
      )}
    </header>
  );
}

function describe(signIn: SignIn): ReactNode {
  switch (signIn.state) {
    case 'noKey':
      return (
        <>
          Give an API key, or <a href="/auth/sign-in?next=/graphiql">sign in</a>, to read the schema
          and run operations.
        </>
      );
    case 'checking':
      return 'Checking who you are…';
    case 'accepted':
      return `Signed in as ${signIn.name}`;
    case 'refused':
      return signIn.message;
  }
}
