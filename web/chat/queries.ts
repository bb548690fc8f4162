// GraphQL documents of the chat.
import { graphql } from "../api/graphql.ts";

export const chatQuery = graphql(`
  query Chat($models: String, $datasets: String, $knowledgeBases: String) {
    models(first: 200, after: $models) { nodes { id kind name usable reason abilities } pageInfo { hasNextPage endCursor } }
    knowledgeBases(first: 200, after: $knowledgeBases) { nodes { id name } pageInfo { hasNextPage endCursor } }
    datasets(first: 200, after: $datasets) { nodes { id name latest { id rows(offset: 0, limit: 1) { rows { value } } } } pageInfo { hasNextPage endCursor } }
  }
`);
export const promptsQuery = graphql(`
  query Prompts($prompts: String) {
    prompts(first: 100, after: $prompts) {
      nodes { id name versions(first: 20) { nodes { id number text variables starters createdAt } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
export const savePrompt = graphql(`
  mutation SavePrompt($input: SavePromptInput!) {
    savePrompt(input: $input) {
      __typename ... on SavePromptSuccess { prompt { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const deletePrompt = graphql(`
  mutation DeletePrompt($id: ID!) {
    deletePrompt(id: $id) { __typename ... on DeleteSuccess { id } ... on UserError { code message hint field value } }
  }
`);
export const historyQuery = graphql(`
  query ChatHistory($conversations: String, $search: String) {
    conversations(first: 100, after: $conversations, search: $search) {
      nodes { id title models isBlind isShared isMine maker updatedAt beside { id models } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
export const conversationQuery = graphql(`
  query ConversationOne($id: ID!, $messages: String) {
    node(id: $id) {
      __typename
      ... on Conversation {
        id title models isBlind isMine maker beside { id } knowledgeBases { id }
        messages(first: 100, after: $messages) {
          nodes {
            id role text model finishReason usage versionIds
            pictures { id name width height url }
            opinion { rating note vote }
            citations { number document documentId knowledgeBaseId chunkId text page }
            error { code message hint field value }
          }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
`);
/** The last question with its reply, as they are kept. */
export const tailQuery = graphql(`
  query ConversationTail($id: ID!) {
    node(id: $id) {
      __typename
      ... on Conversation {
        messages(last: 2) {
          nodes {
            id role text model finishReason usage versionIds
            pictures { id name width height url }
            opinion { rating note vote }
            citations { number document documentId knowledgeBaseId chunkId text page }
            error { code message hint field value }
          }
        }
      }
    }
  }
`);
export const sendMessage = graphql(`
  mutation SendMessage($input: SendMessageInput!) {
    sendMessage(input: $input) {
      __typename
      ... on SendMessageSuccess { conversation { id title } reply { id model } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const addPicture = graphql(`
  mutation AddPicture($input: AddPictureInput!) {
    addPicture(input: $input) {
      __typename
      ... on AddPictureSuccess { picture { id name width height url } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const retryReply = graphql(`
  mutation RetryReply($input: RetryReplyInput!) {
    retryReply(input: $input) {
      __typename
      ... on SendMessageSuccess { conversation { id } reply { id model } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const stopReply = graphql(`
  mutation StopReply($messageId: ID!) {
    stopReply(messageId: $messageId) {
      __typename ... on SendMessageSuccess { reply { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const replyTokens = graphql(`
  subscription ReplyTokens($messageId: ID!) {
    replyTokens(messageId: $messageId) { text done finishReason usage citations { number document documentId knowledgeBaseId chunkId text page } error { code message hint field value } }
  }
`);
export const showBranch = graphql(`
  mutation ShowBranch($messageId: ID!) {
    showBranch(messageId: $messageId) {
      __typename ... on ConversationSuccess { conversation { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const editReply = graphql(`
  mutation EditReply($messageId: ID!, $text: String!) {
    editReply(messageId: $messageId, text: $text) {
      __typename ... on SendMessageSuccess { reply { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const rateReply = graphql(`
  mutation RateReply($messageId: ID!, $rating: Rating, $note: String) {
    rateReply(messageId: $messageId, rating: $rating, note: $note) {
      __typename
      ... on RateReplySuccess { reply { id opinion { rating note vote } } }
      ... on UserError { code message hint field value }
    }
  }
`);
export const voteOnReplies = graphql(`
  mutation VoteOnReplies($input: VoteInput!) {
    voteOnReplies(input: $input) {
      __typename ... on VoteSuccess { vote { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const renameConversation = graphql(`
  mutation RenameConversation($id: ID!, $title: String!) {
    renameConversation(id: $id, title: $title) {
      __typename ... on ConversationSuccess { conversation { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const shareConversation = graphql(`
  mutation ShareConversation($id: ID!, $isShared: Boolean!) {
    shareConversation(id: $id, isShared: $isShared) {
      __typename ... on ConversationSuccess { conversation { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const copyConversation = graphql(`
  mutation CopyConversation($id: ID!) {
    copyConversation(id: $id) {
      __typename ... on ConversationSuccess { conversation { id } } ... on UserError { code message hint field value }
    }
  }
`);
export const deleteConversation = graphql(`
  mutation DeleteConversation($id: ID!) {
    deleteConversation(id: $id) { __typename ... on DeleteSuccess { id } ... on UserError { code message hint field value } }
  }
`);
export const ratedQuery = graphql(`
  query Rated($feedback: String, $verdict: FeedbackVerdict, $model: String) {
    feedback(first: 50, after: $feedback, verdict: $verdict, model: $model) {
      nodes {
        id kind verdict note createdAt
        conversation { id title isBlind }
        replies { model modelId isChosen message { id text } lineage { id kind name } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
