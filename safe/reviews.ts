import { AuthenticationV1Api, AuthorizationV1Api } from '@kubernetes/client-node';
import { GROUP, RESOURCE } from '../shared/names.ts';
import type { Action, ReviewAccess } from './access.ts';
import type { ReviewToken, User } from './identity.ts';
import type { KubeTransport } from './kube-transport.ts';

export interface Reviews {
  readonly reviewToken: ReviewToken;
  readonly reviewAccess: ReviewAccess;
}

/** TokenReview and SubjectAccessReview: the API server decides who somebody is and what an administrator may do. */
export function createReviews({ configuration }: KubeTransport): Reviews {
  const authentication = new AuthenticationV1Api(configuration);
  const authorization = new AuthorizationV1Api(configuration);
  return {
    reviewToken: async (token, audience) => {
      const body = { spec: { token, audiences: [audience] } };
      const { status } = await authentication.createTokenReview({ body });
      const { username = '', uid = '', groups = [], extra = {} } = status?.user ?? {};
      return {
        authenticated: status?.authenticated === true,
        audiences: status?.audiences ?? [],
        user: { username, uid, groups, extra },
      };
    },
    reviewAccess: async (user, action) => {
      const body = { spec: { ...subject(user), resourceAttributes: attributes(action) } };
      const { status } = await authorization.createSubjectAccessReview({ body });
      return status?.allowed === true;
    },
  };
}

const subject = ({ username, uid, groups, extra }: User) => ({
  user: username,
  uid,
  groups: [...groups],
  extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])),
});

const attributes = ({ verb, on }: Action) => ({ group: GROUP, resource: RESOURCE, verb, ...on });
