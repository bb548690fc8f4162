// Every limit of the product in one place; each is named in the error that enforces it.

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const limits = {
  /** Longest name of a model, dataset, training or alias. */
  nameChars: 120,
  /** How long what was deleted can be brought back. */
  trashMs: 7 * 24 * 3_600_000,
  /** Largest HTTP body outside /uploads. */
  requestBodyBytes: 16 * MiB,
  /** Largest multipart upload; bigger files go by resumable upload. */
  multipartUploadBytes: 64 * MiB,
  /** Largest resumable upload. */
  uploadBytes: 64 * GiB,
  /** Largest single line (or record) of a dataset. */
  datasetRecordBytes: 4 * MiB,
  /** Deepest nesting of brackets in a row of a dataset. */
  datasetDepth: 64,
  /** Most columns of a dataset. */
  datasetColumns: 10_000,
  /** Most rows in one dataset version. */
  datasetRows: 5_000_000,
  /** Most row errors kept and shown by one import. */
  datasetRowErrors: 100,
  /** Largest header of a safetensors file. */
  safetensorsHeaderBytes: 100 * MiB,
  /** Most tensors, or metadata keys, in a GGUF file. */
  ggufEntries: 1_000_000,
  /** Largest single text in GGUF metadata. */
  ggufTextBytes: 16 * MiB,
  /** Largest config, tokenizer or template file of a model folder. */
  modelJsonBytes: 128 * MiB,
  /** Most processor time that a chat template may take for one conversation; other replies of its engine wait. */
  templateMs: 500,
  /** Longest text that a chat template may make. */
  templateTextChars: 8 * MiB,
  /** Longest list that a chat template may make. */
  templateItems: 1_000_000,
  /** Longest conversation that the embedded engine holds, in tokens. */
  engineContextTokens: 32_768,
  /** Failed sign-ins of one address or name within the window before more are refused. */
  signInFailures: 8,
  /** Window of the sign-in limit. */
  signInWindowMs: 60_000,
  /** Most addresses and names that the sign-in limit remembers. */
  signInKeys: 10_000,
  /** Shortest password. */
  passwordMinChars: 8,
  /** Longest password. */
  passwordChars: 1_024,
  /** Life of a browser session. */
  sessionMs: 30 * 24 * 3_600_000,
  /** Longest that is kept of what a browser calls itself. */
  userAgentChars: 300,
  /** Life of an invitation. */
  invitationMs: 7 * 24 * 3_600_000,
  /** Life of a link to a new password. */
  resetMs: 24 * 3_600_000,
  /** Most open invitations of a project. */
  openInvitations: 200,
  /** Longest note on an invitation. */
  invitationNoteChars: 200,
  /** Longest name of a project. */
  projectNameChars: 80,
  /** Most projects of a server, archived ones included. */
  projects: 200,
  /** How finely the last use of an API key or session is noted. */
  keyUseNoteMs: 60_000,
  /** Deepest GraphQL query. */
  graphqlDepth: 12,
  /** Most points of a GraphQL query; a field is 1, a connection multiplies what is in it by the size of its page, another list by 10. */
  graphqlComplexity: 20_000,
  /** Longest GraphQL query, without its variables. */
  graphqlChars: 32 * KiB,
  /** Deepest nesting of brackets in a GraphQL query, before it is parsed. */
  graphqlBrackets: 100,
  /** Most aliases in a GraphQL query. */
  graphqlAliases: 40,
  /** Most operations in one GraphQL request. */
  graphqlBatch: 10,
  /** Longest piece of one resumable upload's PATCH. */
  uploadChunkBytes: 64 * MiB,
  /** Uploads that nobody finished or used are removed after this. */
  uploadIdleMs: 24 * 3_600_000,
  /** Most uploads open at once. */
  openUploads: 1_000,
  /** Most files that one import takes from uploads. */
  uploadsPerImport: 500,
  /** Most events of a run in one answer. */
  runEventsPage: 1_000,
  /** Most log lines of a run that are searched and shown. */
  runLogLines: 5_000,
  /** Most dependants of a thing that one answer names; the others are counted. */
  dependantsShown: 200,
  /** Most things in one page of a list: `first` or `last` of a connection. */
  pageItems: 200,
  /** Things in a page whose size nobody said. */
  pageDefault: 50,
  /** Most events that one call may add to a run. */
  runEventsBatch: 500,
  /** Most bytes of one run's frozen spec, as JSON. */
  runSpecBytes: 4 * MiB,
  /** Longest line that a run may log; the rest is cut. */
  runLogLineChars: 4_000,
  /** Most adapters that one engine child keeps in memory; the least recently used leaves. */
  engineAdapters: 8,
  /** A trainer that says nothing for so long after it should have is shown as silent. */
  trainerQuietMs: 5_000,
  /** Attempts of a run that its history shows, the latest ones. */
  runAttempts: 50,
  /** Most messages of one chat completion. */
  completionMessages: 2_000,
  /** Longest single message of a chat completion. */
  completionMessageChars: 2 * MiB,
  /** Most tokens of finished conversations whose cache one engine child keeps for their next turn; one is always kept. */
  engineKeptTokens: 4_096,
  /** Most conversations whose cache one engine child holds at once; further replies wait. */
  engineSlots: 8,
  /** Tokens for which an engine child asks for memory beyond those that it needs now. */
  engineRoomTokens: 256,
  /** How many times larger than its zip a model's folder may be. */
  zipGrowth: 20,
  /** Most files in the zip of a model. */
  zipEntries: 500,
  /** Longest reply of a conversation, in tokens, when the caller names none. */
  replyTokens: 1_024,
  /** Longest message of a conversation. */
  messageChars: 200_000,
  /** Most models that answer side by side. */
  chatColumns: 4,
  /** Longest note to a rated reply. */
  noteChars: 2_000,
  /** Longest JSON schema that a reply is held to. */
  formatChars: 64 * KiB,
  /** Most rules of the grammar that such a schema makes. */
  formatRules: 5_000,
  /** Largest minItems and maxItems of such a schema. */
  formatItems: 1_000,
  /** Longest name of a prompt. */
  promptNameChars: 120,
  /** Most starter questions of a prompt. */
  starters: 8,
  /** Longest starter question. */
  starterChars: 500,
  /** Longest title of a conversation. */
  titleChars: 200,
  /** Longest text that a search takes. */
  searchChars: 200,
  /** A base model's README, as imported or edited, in characters; a longer one that is imported is cut. */
  modelCardChars: 20_000,
  /** Most rows of a dataset in one page. */
  datasetPage: 500,
  /** Most bytes of rows in one page; a page has at least one row, whatever its size. */
  datasetPageBytes: 8 * MiB,
  /** Most rows of a dataset of which the start of a training looks for one that fits. */
  datasetRowsTried: 2_000,
  /** How long notifications and messages to webhooks are kept. */
  notificationKeepMs: 90 * 24 * 3_600_000,
  /** The disk counts as nearly full when less than this is free, or less than its share where the disk is small. */
  diskLowBytes: 10 * GiB,
  diskLowShare: 0.05,
  /** Most tries of one message to a webhook. */
  webhookAttempts: 9,
  /** Wait before its second try, tripled for each further one. */
  webhookRetryMs: 10_000,
  /** Longest that a webhook may take to answer. */
  webhookTimeoutMs: 10_000,
  /** Messages to a webhook that its page shows. */
  webhookDeliveries: 20,
  /** Most days that the dashboard shows. */
  dashboardDays: 366,
  /** Failed runs that the dashboard names. */
  dashboardFailures: 8,
  /** How long single calls of models are kept for their counts. */
  usageKeepMs: 400 * 24 * 3_600_000,
  /** Most knowledge bases of a project. */
  knowledgeBases: 500,
  /** Most knowledge bases that one message is answered from. */
  chatKnowledgeBases: 10,
  /** Tokens that passages leave free for the reply, where it may be as long. */
  groundedReplyTokens: 256,
  /** Longest file of labelled questions. */
  questionFileChars: 5_000_000,
  /** Most candidates of one assessment. */
  assessmentCandidates: 6,
  /** Most entries of one suite: a run of it starts an assessment for each. */
  suiteEntries: 24,
  /** Runs of a suite that its history shows. */
  suiteHistory: 50,
  /** Most graders of one assessment. */
  assessmentGraders: 8,
  /** Most rows that one assessment asks about. */
  assessmentRows: 10_000,
  /** Most answers or judgements from which rows are collected at once. */
  collectedRows: 10_000,
  /** Most judgements that one collecting names one by one. */
  collectedJudgements: 1_000,
  /** Longest question template of an assessment. */
  assessmentQuestionChars: 100_000,
  /** Longest answer in an assessment, in tokens. */
  assessmentMaxTokens: 32_768,
  /** Most questions that wait for the reporting process at once. */
  reportsWaiting: 64,
  /** Longest that the reporting process may be silent before it is replaced. */
  reportMs: 60_000,
  /** The reporting process ends after so long without a question. */
  reportIdleMs: 300_000,
  /** Most rows that an HTML report of an assessment shows, and most bytes of them. */
  reportHtmlRows: 2_000,
  reportHtmlBytes: 20 * 1024 * 1024,
  /** Rows of an assessment up to which what was seen in training is looked for without being asked. */
  overlapAutomaticRows: 2_000,
  /** Rows of an assessment, for each source, that are compared by meaning. */
  overlapMeaningRows: 1_000,
  /** Answers of models of the engine that one assessment waits for at once. */
  assessmentEngineAnswers: 4,
  /** Answers of one provider that one assessment waits for at once, when nobody says another number. */
  assessmentProviderAnswers: 8,
  /** Most answers of one provider that one assessment may wait for at once. */
  assessmentConcurrency: 64,
  /** Longest that one answer or judgement of an assessment may take. */
  assessmentAnswerMs: 15 * 60_000,
  /** Longest answer in an assessment, in characters: one that goes on beyond it is broken off. */
  assessmentAnswerChars: 400_000,
  /** Failures in a row after which whoever answers is not asked any more. */
  assessmentFailuresInRow: 20,
  /** Longest criteria or prompt of a judge. */
  judgePromptChars: 20_000,
  /** Longest reply of a judge, in tokens. */
  judgeMaxTokens: 1_024,
  /** Rows of an assessment that a preview shows. */
  assessmentPreviewRows: 5,
  /** Longest that a start waits for what the assessment will take. */
  assessmentForecastMs: 300,
  /** Longest code of a grader. */
  graderCodeChars: 20_000,
  /** Longest JSON schema of a grader. */
  graderSchemaChars: 100_000,
  /** Most processor time that a grader's code may take for one answer. */
  graderMs: 1_000,
  /** Longest that the grading process may be silent before it is replaced. */
  graderSilenceMs: 15_000,
  /** Most memory that a grader's code may take for one answer. */
  graderMemoryBytes: 64 * MiB,
  /** Most memory that the grading process may take. */
  graderProcessBytes: GiB,
  /** How many answers in a row may cost a grader its time or process before the others are left unscored. */
  graderFailures: 5,
  /** Answers that one grading process takes before a fresh one follows it. */
  graderAnswersPerProcess: 500,
  /** How long the grading process waits for the next answer. */
  graderIdleMs: 30_000,
  /** Longest text that BLEU, chrF and ROUGE read. */
  graderTextChars: 200_000,
  /** Longest that is kept of what a grader's code says of an answer. */
  graderDetailChars: 500,
  /** Most gates of one project: each is looked at when a model is deployed or registered. */
  gates: 20,
  /** Longest reason for overriding a gate. */
  gateReasonChars: 1_000,
  /** Most labelled questions of one knowledge base. */
  labelledQuestions: 2_000,
  /** Most ways of asking that one evaluation compares. */
  evaluatedSettings: 6,
  /** Most documents of one knowledge base. */
  documentsPerBase: 100_000,
  /** Most documents that are read and embedded together. */
  documentsPerGroup: 64,
  /** Most bytes of files that are read together; a larger one goes alone. */
  documentGroupBytes: 8 * MiB,
  /** Most documents that one call adds. */
  documentsPerCall: 500,
  /** Most blocks of a document in one answer. */
  documentBlockPage: 500,
  /** Longest name of a document: the path within the folder it came from. */
  documentNameChars: 1_000,
  /** Chunks written to the database in one transaction, so that the server answers between two. */
  chunksPerWrite: 32,
  /** Chunks that are embedded together. */
  chunksPerEmbedding: 128,
  /** Chunks of something gone that one transaction removes. */
  chunksPerSweep: 200,
  /** Longest question to a knowledge base, in characters; what is beyond is not looked at by words. */
  questionChars: 20_000,
  /** Most different words of a question that are looked up. */
  searchTerms: 48,
  /** Most passages of one answer of a search. */
  searchResults: 100,
  /** How deep each ranker looks for what the fusion orders. */
  searchDepth: 100,
  /** Chunks from which on an index is looked through by the signs of its vectors first. */
  searchSignsFrom: 20_000,
  /** Share of an index with the most signs in common whose true distance is then asked for. */
  searchCandidateShare: 0.02,
  /** Most indexes whose signs the searching process holds: 48 bytes a chunk each. */
  searchSignsHeld: 16,
  /** Longest chunk of a document, in tokens. */
  chunkTokens: 2_048,
  /** Most searches that wait for the searching process at once. */
  searchesWaiting: 256,
  /** Longest that the searching process may be silent before it is replaced. */
  searchMs: 30_000,
  /** The searching process ends after so long without a search. */
  searchIdleMs: 300_000,
  /** Most chunks on each side that are joined to a passage found. */
  searchNeighbours: 5,
  /** Most documents that a search may be narrowed to. */
  searchDocuments: 500,
  /** Largest file that is read as a document. */
  documentBytes: 200 * MiB,
  /** Longest text of one document. */
  documentTextChars: 10_000_000,
  /** Most blocks (headings, paragraphs, tables …) of one document. */
  documentBlocks: 200_000,
  /** Longest heading in the trail above a block; the rest is cut. */
  documentHeadingChars: 200,
  /** Most pages of one PDF. */
  documentPages: 5_000,
  /** Deepest nesting of elements in HTML or XML, of lists in lists, of values in JSON. */
  documentDepth: 256,
  /** Most files in a docx, xlsx, pptx or epub. */
  documentEntries: 10_000,
  /** Most bytes of text and markup that a docx, xlsx, pptx or epub may unpack to. */
  documentUnpackedBytes: 256 * MiB,
  /** How many times larger than its packed form a part of such a file may be, once it is large. */
  documentGrowth: 200,
  /** Longest that one document may take to read. */
  documentMs: 120_000,
  /** Most memory that the process which reads documents may take. */
  documentReaderBytes: 2 * GiB,
  /** Documents that one reading process takes before a fresh one follows it. */
  documentsPerReader: 1_000,
  /** How long a reading process waits for the next document. */
  documentReaderIdleMs: 10_000,
  /** Most tokens of one run of the embedder: what one layer makes of more does not stay in the processor's cache. */
  embedBatchTokens: 256,
  /** Most texts of one message to the embedder; more go in several. */
  embedTexts: 256,
  /** Characters of a text that the embedder reads; its model sees far fewer. */
  embedTextChars: 64 * KiB,
  /** Most tries of one request to a third-party provider. */
  outboundAttempts: 3,
  /** Wait before the first further try of such a request, doubled for each; its Retry-After comes first. */
  outboundRetryMs: 500,
  /** Longest wait that a provider may ask for before its refusal is passed on at once. */
  outboundRetryMaxMs: 20_000,
  /** Most redirects that one request follows. */
  outboundRedirects: 3,
  /** Largest answer of a provider. */
  outboundBytes: 32 * MiB,
  /** Longest that one answer of a provider may take in all. */
  outboundTotalMs: 15 * 60_000,
  /** Longest that a request waits for its turn under a provider's rate limit. */
  outboundQueueMs: 30_000,
  /** Longest silence of a provider when nobody chose one. */
  providerTimeoutMs: 60_000,
  /** How many times longer than a provider's other answers an image may take: nothing comes before it is whole. */
  imageTimeoutFactor: 4,
  /** Most images of one request. */
  imagesPerRequest: 4,
  /** Images of one request that are asked for at once. */
  imagesAtOnce: 2,
  /** Longest text that an image is made from. */
  imagePromptChars: 32_000,
  /** Largest seed of an image: what the providers that have one take. */
  imageSeed: 858_993_000,
  /** Most models of one provider. */
  providerModels: 200,
  /** Longest key of a provider. */
  providerKeyChars: 8_192,
  /** Most texts of one request to /v1/embeddings. */
  embedRequestTexts: 2_048,
  /** Most documents of one request to /v1/rerank. */
  rerankDocuments: 1_000,
  /** Most prompts of one request to /v1/completions. */
  completionPrompts: 64,
  /** Longest side of a picture, in pixels. */
  pictureSide: 16_384,
  /** Most pixels of a picture. */
  picturePixels: 100_000_000,
  /** Largest file of a picture that is sent to a model. */
  pictureBytes: 20 * MiB,
  /** Most pictures of one message. */
  messagePictures: 8,
  /** Most bytes of pictures that go to a model for one reply, those of earlier messages included. */
  replyPictureBytes: 64 * MiB,
  /** Most bytes of pictures that stand in the file of a conversation; the others are named. */
  exportPictureBytes: 64 * MiB,
  /** Longest name of a picture; the rest is cut. */
  pictureNameChars: 200,
} as const;
