/** What is posted to a webhook of one's own: `body` is JSON, and `id` the same each time it is sent again. */
export interface SignedPost {
  readonly id: string;
  readonly body: string;
}

/** Posts with a signature by which the receiver knows who sent it, and when. Throws where the answer was no success. */
export type PostSigned = (post: SignedPost) => Promise<void>;
