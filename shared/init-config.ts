/** How the files of a secret are laid out. */
export type Format = 'files' | 'json';

/**
 * What the webhook tells the injected container, as JSON in one environment variable. It is public: pod authors and
 * every reader of the pod see it, so it holds names and addresses only.
 *
 * Pods live longer than releases. A container refuses a `version` that it does not know, with a message that says so;
 * a later release must go on reading every version there ever was.
 */
export interface InitConfig {
  readonly version: 1;
  readonly safe: { readonly host: string; readonly port: number };
  /** The namespace of the pod: a secret of it is delivered as `<secret>`, one of another as `<namespace>/<secret>`. */
  readonly namespace: string;
  /** `db` or `payments/stripe`; empty means every secret of `namespace` that the pod's service account may read. */
  readonly secrets: readonly string[];
  readonly format: Format;
  /** Exceptions to `format`, by the same spelling as in `secrets`. */
  readonly formats: Readonly<Record<string, Format>>;
  /** From the start of the process. */
  readonly timeoutMs: number;
}
