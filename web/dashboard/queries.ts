// What the dashboard asks: the days of a range, and how things stand now.
import { graphql } from "../api/graphql.ts";

export const daysQuery = graphql(`
  query DashboardDays($from: String!, $to: String!, $timeZone: String!) {
    dashboard(from: $from, to: $to, timeZone: $timeZone) {
      days
      runs { day kind method status count }
      bases { name count }
      assessments { name count }
      thirdParty { day provider model calls inputTokens outputTokens costUsd }
      failures { id kind name status endedAt createdAt subjectId error { code message hint } }
    }
  }
`);

export const nowQuery = graphql(`
  query DashboardNow($from: String!, $to: String!, $timeZone: String!, $isAdmin: Boolean!) {
    dashboard(from: $from, to: $to, timeZone: $timeZone) {
      queue { waiting waitingForTrainer running oldestAt }
      trainers { id name host status devices lastSeenAt runId load { cpuShare memoryBytes gpus { share memoryBytes } } }
      engines @include(if: $isAdmin) {
        budgetBytes usedBytes
        loaded { models use isReady activeRequests tokensPerSecond estimatedBytes memoryBytes lastUsedAt }
      }
      disk @include(if: $isAdmin) { parts { name bytes } totalBytes freeBytes diskBytes at }
    }
  }
`);
