/** What stands around every page of a signed-in person; others are sent to sign in. */
import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { signOut } from '../api/auth.ts';
import { type LiveState, useLiveNews } from '../api/live.ts';
import { useSession } from '../api/queries.ts';
import { Enrol } from '../pages/enrol.tsx';
import { Mark } from './mark.tsx';
import { Loaded } from './state.tsx';
import { useFocusOnChange } from './title.ts';

const pages = [
  ['/', 'Models'],
  ['/findings', 'Findings'],
  ['/incidents', 'Incidents'],
  ['/keys', 'Keys'],
  ['/people', 'People'],
  ['/ledger', 'Ledger'],
] as const;

/** The frame. */
export function Shell(): ReactNode {
  const session = useSession();
  const inside = session.data?.signedIn === true && session.data.secondFactor;
  const live = useLiveNews(inside);
  useFocusOnChange('content');
  return (
    <Loaded query={session}>
      {({ signedIn, secondFactor, name, role }) => {
        if (!signedIn) return <ToSignIn />;
        if (!secondFactor) return <Enrol />;
        return (
          <>
            <a className="skip" href="#content">
              Skip to the content
            </a>
            <Top name={name} role={role} live={live} />
            <main id="content" tabIndex={-1}>
              <Outlet />
            </main>
          </>
        );
      }}
    </Loaded>
  );
}

/** Leads to sign-in once, and remembers the page that was asked for. */
function ToSignIn(): ReactNode {
  const navigate = useNavigate();
  useEffect(() => {
    const to = location.pathname;
    void navigate({ to: '/sign-in', search: to === '/' ? {} : { to }, replace: true });
  }, [navigate]);
  return null;
}

function Top(props: {
  readonly name: string;
  readonly role: string;
  readonly live: LiveState;
}): ReactNode {
  const client = useQueryClient();
  const navigate = useNavigate();
  const leave = async (): Promise<void> => {
    // The session may be over already; either way nobody is signed in after this.
    await signOut().catch(() => undefined);
    client.clear();
    await navigate({ to: '/sign-in', search: {} });
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
        <Live state={props.live} />
        <span>
          {props.name} <span className="quiet">· {props.role}</span>
        </span>
        <button type="button" onClick={() => void leave()}>
          Sign out
        </button>
      </div>
    </header>
  );
}

/** Silent while all is well; a broken stream is told, since figures may be old then. */
function Live({ state }: { readonly state: LiveState }): ReactNode {
  return (
    <span role="status">
      {state === 'lost' ? <span className="badge warn">Reconnecting …</span> : null}
    </span>
  );
}
