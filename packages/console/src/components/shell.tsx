/** What stands around every page of a signed-in person; others are sent to sign in. */
import { useQueryClient } from '@tanstack/react-query';
import { Link, Navigate, Outlet, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { signOut } from '../api/auth.ts';
import { useLiveNews } from '../api/live.ts';
import { useSession } from '../api/queries.ts';
import { Enrol } from '../pages/join.tsx';
import { Mark } from './mark.tsx';
import { Loaded } from './state.tsx';

const pages = [
  ['/', 'Models'],
  ['/incidents', 'Incidents'],
  ['/keys', 'Keys'],
  ['/people', 'People'],
  ['/ledger', 'Ledger'],
] as const;

/** The frame. */
export function Shell(): ReactNode {
  const session = useSession();
  const inside = session.data?.signedIn === true && session.data.secondFactor;
  useLiveNews(inside);
  return (
    <Loaded query={session}>
      {({ signedIn, secondFactor, name, role }) => {
        if (!signedIn) return <Navigate to="/sign-in" />;
        if (!secondFactor) return <Enrol />;
        return (
          <>
            <a className="skip" href="#content">
              Skip to the content
            </a>
            <Top name={name} role={role} />
            <main id="content">
              <Outlet />
            </main>
          </>
        );
      }}
    </Loaded>
  );
}

function Top({ name, role }: { readonly name: string; readonly role: string }): ReactNode {
  const client = useQueryClient();
  const navigate = useNavigate();
  const leave = async (): Promise<void> => {
    await signOut();
    client.clear();
    await navigate({ to: '/sign-in' });
  };
  return (
    <header className="top">
      <Link to="/" className="brand">
        <Mark />
        Merlon
      </Link>
      <nav aria-label="Pages">
        <ul className="nav">
          {pages.map(([to, label]) => (
            <li key={to}>
              <Link to={to} activeOptions={{ exact: to === '/' }}>
                {label}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div className="who">
        <span>
          {name} <span className="quiet">· {role}</span>
        </span>
        <button type="button" onClick={() => void leave()}>
          Sign out
        </button>
      </div>
    </header>
  );
}
