// The map's one GraphQL document.
import { graphql } from "../api/graphql.ts";

export const mapQuery = graphql(`
  query ProcessMap {
    processMap {
      project trainerHint
      next { sentence detail label path }
      trainers { id name host status runId }
      stages {
        key count summary available reason actionLabel actionPath missing
        running { id kind name status attempt progress step totalSteps etaSeconds hold { isSilent } }
      }
    }
  }
`);
