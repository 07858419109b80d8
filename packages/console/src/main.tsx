/** Starts the console. */
import './tokens.css';
import './app.css';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Problem } from './api/client.ts';
import { router } from './router.tsx';

const retriesMax = 2;
const notSignedIn = 401;
const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      // A session that ended shows first as a refused query; asking who is here leads to sign-in.
      if (!(error instanceof Problem) || error.status !== notSignedIn) return;
      void client.invalidateQueries({ queryKey: ['session'] });
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A refusal stays one however often it is asked; only silence is worth another try.
      retry: (count, error) => error instanceof Problem && error.status === 0 && count < retriesMax,
    },
  },
});

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
