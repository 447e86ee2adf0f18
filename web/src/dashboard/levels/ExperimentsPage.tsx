import { useQuery } from 'urql';
import { Link } from 'wouter';
import { graphql } from '../api/graphql';
import { problemOf } from '../api/problems';
import { ProblemNotice } from '../ui';
import { placePath } from '../url/place';

const EXPERIMENTS = graphql(`
  query Experiments {
    experiments(first: 50) {
      nodes {
        experimentId
        name
      }
    }
  }
`);

export function ExperimentsPage() {
  const [{ data, error }, again] = useQuery({ query: EXPERIMENTS });
  const problem = problemOf(error);
  return (
    <>
      <h1>Experiments</h1>
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      <ul>
        {data?.experiments.nodes.map(({ experimentId, name }) => (
          <li key={experimentId}>
            <Link href={placePath({ experimentId })}>{name}</Link>
          </li>
        ))}
      </ul>
    </>
  );
}
