// What tests of assessments say to the API, and what they read of it.
import { z } from "zod";

export const ERRORS = "... on UserError { code text: message hint field value }";
const STARTED = `__typename ... on AssessmentSuccess { assessment { id name } run { id } } ${ERRORS}`;
export const START = `mutation ($input: StartAssessmentInput!) { startAssessment(input: $input) { ${STARTED} } }`;
export const AGAIN = `mutation ($id: ID!, $name: String!, $graders: [String!]!, $judges: [JudgeInput!]) {
  scoreAgain(id: $id, name: $name, graders: $graders, judges: $judges) { ${STARTED} } }`;
export const RESUME = `mutation ($id: ID!) { resumeAssessment(id: $id) { ${STARTED} } }`;
export const started = z.looseObject({
  assessment: z.object({ id: z.string() }),
  run: z.object({ id: z.string() }),
});
