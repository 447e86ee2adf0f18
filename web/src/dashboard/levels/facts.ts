/** What is known of a place: its state, what the caller may do there, how much there is. */

import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { graphql, type ResultOf } from '../api/graphql';
import type { Place } from '../url/place';

const ACCESS = graphql(`
  fragment AccessFacts on Access {
    canView
    canExport
    canManage
    canSeeIdentified
    dataTypes
    why
  }
`);

const SUMMARY = graphql(`
  fragment SummaryFacts on DataScope {
    dataSummary {
      dataType
      recordCount
      completeness
      firstTimestamp
      lastTimestamp
    }
  }
`);

const FACTS = graphql(
  `
    query PlaceFacts(
      $experimentId: String!
      $roomId: String!
      $participantId: String!
      $isExperiment: Boolean!
      $isRoom: Boolean!
      $isParticipant: Boolean!
    ) {
      experiment(experimentId: $experimentId) @include(if: $isExperiment) {
        __typename
        id
        name
        description
        status
        roomCount
        participantCount
        access {
          ...AccessFacts
        }
        ...SummaryFacts
      }
      room(roomId: $roomId) @include(if: $isRoom) {
        __typename
        id
        status
        startTime
        duration
        participantCount
        access {
          ...AccessFacts
        }
        ...SummaryFacts
      }
      participant(roomId: $roomId, participantId: $participantId) @include(if: $isParticipant) {
        __typename
        id
        status
        role
        joinedAt
        completionCode
        access {
          ...AccessFacts
        }
        ...SummaryFacts
      }
    }
  `,
  [ACCESS, SUMMARY],
);

type Answer = ResultOf<typeof FACTS>;
export type Facts = NonNullable<Answer['experiment'] | Answer['room'] | Answer['participant']>;

const ISSUES = graphql(`
  query PlaceIssues(
    $experimentId: String!
    $roomId: String!
    $participantId: String!
    $isExperiment: Boolean!
    $isRoom: Boolean!
    $isParticipant: Boolean!
  ) {
    experiment(experimentId: $experimentId) @include(if: $isExperiment) {
      quality {
        issues {
          severity
          dataType
          message
        }
      }
    }
    room(roomId: $roomId) @include(if: $isRoom) {
      quality {
        issues {
          severity
          dataType
          message
        }
      }
    }
    participant(roomId: $roomId, participantId: $participantId) @include(if: $isParticipant) {
      quality {
        issues {
          severity
          dataType
          message
        }
      }
    }
  }
`);

type IssuesAnswer = ResultOf<typeof ISSUES>;
export type Issue = NonNullable<IssuesAnswer['experiment']>['quality']['issues'][number];

function variablesOf({ experimentId, roomId, participantId }: Place) {
  return {
    experimentId,
    roomId: roomId ?? '',
    participantId: participantId ?? '',
    isExperiment: roomId === undefined,
    isRoom: roomId !== undefined && participantId === undefined,
    isParticipant: participantId !== undefined,
  };
}

/** `facts` is null when there is no such place, or none that the caller may see. */
export function useFacts(place: Place) {
  const [{ data, error, fetching }, again] = useQuery({
    query: FACTS,
    variables: variablesOf(place),
    requestPolicy: 'cache-and-network',
  });
  const facts: Facts | null = data?.participant ?? data?.room ?? data?.experiment ?? null;
  return { facts, error, fetching: fetching && data === undefined, again };
}

/** How long what one came for is left alone with the server, in ms. */
const ISSUES_AFTER = 1000;

/** What the quality report finds; asked apart and a little later, as it looks at much more. */
export function useIssues(place: Place): Issue[] {
  const [isTime, setIsTime] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsTime(true), ISSUES_AFTER);
    return () => clearTimeout(timer);
  }, []);
  const [{ data }] = useQuery({ query: ISSUES, variables: variablesOf(place), pause: !isTime });
  return (data?.participant ?? data?.room ?? data?.experiment)?.quality.issues ?? [];
}
