/** What the exports' views ask: the list, one as it goes on, and what one may do with it. */

import { graphql, type ResultOf } from '../api/graphql';

export const ExportRow = graphql(`
  fragment ExportRow on Export {
    id
    status
    createdAt
    completedAt
    expiresAt
    format
    packaging
    anonymization
    fileName
    fileSize
    sha256
    errorCode
    errorMessage
    progress {
      percent
      completedRows
      totalRows
      message
      bytesWritten
    }
    schedule {
      id
      name
    }
  }
`);
export type ExportRowData = ResultOf<typeof ExportRow>;

export const ExportsQuery = graphql(
  `
    query Exports($filter: ExportFilter, $after: String) {
      exports(filter: $filter, first: 50, after: $after) {
        nodes {
          ...ExportRow
        }
        pageInfo {
          hasNextPage
          endCursor
        }
        totalCount
      }
    }
  `,
  [ExportRow],
);

export const ExportQuery = graphql(
  `
    query OneExport($id: ID!) {
      export(id: $id) {
        ...ExportRow
      }
    }
  `,
  [ExportRow],
);

export const ExportProgress = graphql(
  `
    subscription ExportProgress($id: ID!) {
      exportProgress(id: $id) {
        ...ExportRow
      }
    }
  `,
  [ExportRow],
);

/** Asked when somebody wants the file: a link works for an hour, a page stays open for days. */
export const DownloadLink = graphql(`
  query DownloadLink($id: ID!) {
    export(id: $id) {
      status
      fileName
      downloadUrl
    }
  }
`);

export const ExportDetail = graphql(`
  query ExportDetail($id: ID!) {
    export(id: $id) {
      id
      manifest {
        files {
          path
          rowCount
          bytes
          sha256
        }
        ledger {
          dataType
          selected
          written
          withheld {
            reason
            count
          }
        }
        media {
          selected
          written
          withheld {
            reason
            count
          }
        }
        recipe
      }
    }
  }
`);

export const ExportCreate = graphql(`
  mutation ExportCreate($input: ExportInput!) {
    exportCreate(input: $input) {
      export {
        id
        status
      }
      userErrors {
        field
        message
        code
      }
    }
  }
`);

export const ExportCancel = graphql(`
  mutation ExportCancel($id: ID!) {
    exportCancel(id: $id) {
      export {
        id
        status
      }
      userErrors {
        message
        code
      }
    }
  }
`);

export const ExportRetry = graphql(`
  mutation ExportRetry($id: ID!) {
    exportRetry(id: $id) {
      export {
        id
        status
      }
      userErrors {
        message
        code
      }
    }
  }
`);

export const ExportDelete = graphql(`
  mutation ExportDelete($id: ID!) {
    exportDelete(id: $id) {
      deletedId
      userErrors {
        message
        code
      }
    }
  }
`);

export const ExportEstimate = graphql(`
  query ExportEstimate($input: ExportInput!) {
    exportEstimate(input: $input) {
      totalRows
      bytes
      seconds
      sampled
      smallestGroup
      rows {
        dataType
        rows
      }
      identifyingColumns {
        dataType
        column
        how
        kept
      }
      freeTextHits {
        dataType
        column
        sampled
        hits
        foreseen
      }
      withheld {
        reason
        dataType
        count
        explanation
      }
    }
  }
`);
export type Estimate = ResultOf<typeof ExportEstimate>['exportEstimate'];

export const AccessQuery = graphql(`
  query ExportAccess($experimentId: String!) {
    experiment(experimentId: $experimentId) {
      experimentId
      name
      access {
        canExport
        canSeeIdentified
        dataTypes
        why
      }
    }
  }
`);
