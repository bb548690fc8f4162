// Switching to another project: everything on screen is of the one before, so the page begins anew.
import { act } from "../api/client.ts";
import { graphql } from "../api/graphql.ts";

const switchProject = graphql(`
  mutation SwitchProject($id: ID!) {
    switchProject(id: $id) { __typename ... on ProjectSuccess { project { id } } ... on UserError { code message hint field value } }
  }
`);

/** Makes a project the one that this browser works in, and opens its map. @throws ProblemError */
export async function switchTo(id: string): Promise<void> {
  await act(switchProject, { id });
  location.assign("/");
}
