/** Light, dark, or as the system is. */

import { useState } from 'react';

const STORAGE_KEY = 'hyperdata:scheme';
const SCHEMES = ['system', 'light', 'dark'] as const;
type Scheme = (typeof SCHEMES)[number];

apply(load());

function load(): Scheme {
  const kept = localStorage.getItem(STORAGE_KEY);
  return SCHEMES.find((scheme) => scheme === kept) ?? 'system';
}

function apply(scheme: Scheme): void {
  if (scheme === 'system') delete document.documentElement.dataset.scheme;
  else document.documentElement.dataset.scheme = scheme;
}

export function SchemeSwitch() {
  const [scheme, setScheme] = useState(load);
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">Colours</legend>
      {SCHEMES.map((one) => (
        <label key={one}>
          <input
            type="radio"
            name="scheme"
            className="visually-hidden"
            checked={scheme === one}
            onChange={() => {
              setScheme(one);
              apply(one);
              if (one === 'system') localStorage.removeItem(STORAGE_KEY);
              else localStorage.setItem(STORAGE_KEY, one);
              dispatchEvent(new Event('schemechange')); // plots draw their colours themselves
            }}
          />
          <span>{one === 'system' ? 'System' : one === 'light' ? 'Light' : 'Dark'}</span>
        </label>
      ))}
    </fieldset>
  );
}
