/** What a page is called: in the window's title, and told when the page changes. */
import { useLocation } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';

/** Names the window after the page. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'Merlon' : `${title} · Merlon`;
  }, [title]);
}

/** Moves the keyboard to the content whenever another page is shown, but not at the first. */
export function useFocusOnChange(id: string): void {
  const pathname = useLocation({ select: (at) => at.pathname });
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    document.getElementById(id)?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [id, pathname]);
}
