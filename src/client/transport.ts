/**
 * How the API client reaches a server: an interface, so that tests and simulations need no sockets. Implementations
 * translate every failure of the network into a WeftError; an HTTP status is an answer, not a failure.
 */

export interface HttpRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** null: none. */
  readonly body: string | null;
  /** Until the whole answer (request) or its head (stream) is there. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly body: string;
}

export interface HttpStream {
  readonly status: number;
  /** Without line ends. Ends when the server ends; throws `unavailable` when the connection breaks. */
  readonly lines: AsyncIterable<string>;
}

export interface HttpTransport {
  /** `https://host:port`, for messages. */
  readonly server: string;
  request(request: HttpRequest): Promise<HttpResponse>;
  stream(request: HttpRequest): Promise<HttpStream>;
  /** Closes idle and open connections. */
  close(): void;
}
