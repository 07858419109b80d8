/**
 * The Open Inference Protocol v2 over gRPC, for whatever stands behind it: the same way in as over
 * REST. Keys come in the metadata `authorization` or `x-api-key`.
 */
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { messageOf } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import { addressesOf, type ListenOptions, portFault } from '../http/listen.ts';
import { isOurs, problemOf } from '../http/problem.ts';
import {
  type Asking,
  extensions,
  type Front,
  indexEntry,
  modelPlatform,
  requireLoaded,
} from './front.ts';
import { type InferMessage, inferenceService, type MethodName } from './grpc-messages.ts';
import { grpcAnswer, readGrpc } from './grpc-tensors.ts';
import { requestFor } from './request.ts';
import { bodyBytesMax } from './wire.ts';

/** An open port, still closed to calls until `serve`. */
export interface GrpcDoors {
  readonly port: number;
  serve(front: Front): void;
  close(): void;
}

/** Calls of one connection at once. */
const streamsMax = 128;

/** gRPC's codes for the statuses of HTTP that this server tells. */
const codes: Readonly<Record<number, number>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  413: status.RESOURCE_EXHAUSTED,
  422: status.INVALID_ARGUMENT,
  429: status.RESOURCE_EXHAUSTED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
};

type Answers = Record<
  MethodName,
  (front: Front, request: never, key: string | null) => Promise<object>
>;

/** Takes the port; throws `port-taken` or `unsafe`. */
export async function openGrpc(options: ListenOptions): Promise<GrpcDoors> {
  const addresses = addressesOf(options);
  const server = new Server({
    'grpc.max_receive_message_length': bodyBytesMax,
    'grpc.max_concurrent_streams': streamsMax,
  });
  const behind: { front: Front | null } = { front: null };
  const handlers = Object.entries(answers).map(([name, answer]) => [name, unary(behind, answer)]);
  const implementation: UntypedServiceImplementation = Object.fromEntries(handlers);
  server.addService(inferenceService(), implementation);
  let { port } = options;
  try {
    for (const address of addresses) port = (await bind(server, address, port)) ?? port;
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
  return {
    port,
    serve: (front) => {
      behind.front = front;
    },
    close: () => server.forceShutdown(),
  };
}

/** The port, or null where the machine has no such address (IPv6 is not everywhere). */
function bind(server: Server, address: string, port: number): Promise<number | null> {
  const at = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return new Promise((resolve, reject) => {
    // In the clear: what others reach has a proxy in front that ends TLS.
    server.bindAsync(at, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else if (/EADDRNOTAVAIL|EAFNOSUPPORT/.test(messageOf(error))) resolve(null);
      else reject(portFault(error, port, '--grpc-port'));
    });
  });
}

function unary(behind: { readonly front: Front | null }, answer: Answers[MethodName]) {
  return (call: ServerUnaryCall<unknown, object>, done: sendUnaryData<object>): void => {
    const { front } = behind;
    const work = async (): Promise<object> => {
      if (front === null) throw new PlatformError('unavailable', 'the server is starting');
      return answer(front, call.request as never, keyIn(call.metadata));
    };
    work().then(
      (response) => done(null, response),
      (thrown: unknown) => {
        const problem = problemOf(thrown);
        if (isOurs(problem.status)) front?.onFault(thrown);
        done({ code: codes[problem.status] ?? status.INTERNAL, details: problem.detail });
      },
    );
  };
}

function keyIn(metadata: Metadata): string | null {
  const text = (name: string): string | null => {
    const [value] = metadata.get(name);
    return typeof value === 'string' ? value : null;
  };
  return /^Bearer (\S+)$/i.exec(text('authorization') ?? '')?.[1] ?? text('x-api-key');
}

function asking(name: string, version: string, key: string | null): Asking {
  return { key, name, version: version === '' ? null : version };
}

interface NameMessage {
  readonly name: string;
  readonly version: string;
}

const answers: Answers = {
  ServerLive: async () => ({ live: true }),
  ServerReady: async (front) => ({ ready: front.isReady() }),
  ServerMetadata: async (front) => ({ name: 'merlon', version: front.version, extensions }),
  ModelReady: async (front, { name, version }: NameMessage, key) => {
    const { model } = await front.find(asking(name, version, key));
    return { ready: model !== null };
  },
  ModelMetadata: async (front, { name, version }: NameMessage, key) => {
    const known = await front.find(asking(name, version, key));
    const { inputs, outputs } = requireLoaded(known);
    const told = { name: known.name, versions: [known.version], platform: modelPlatform };
    return { ...told, inputs, outputs };
  },
  ModelInfer: async (front, message: InferMessage, key) => {
    const { model_name: name, model_version: version } = message;
    const inferred = await front.infer(asking(name, version, key), (model) =>
      requestFor(model, readGrpc(message)),
    );
    return grpcAnswer(inferred, message.raw_input_contents.length > 0);
  },
  RepositoryIndex: async (front, { ready }: { readonly ready: boolean }, key) => {
    const known = await front.index(key);
    return { models: known.filter(({ model }) => !ready || model !== null).map(indexEntry) };
  },
};
